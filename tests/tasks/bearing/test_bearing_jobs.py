"""Evaluate, predict, export and search with a model of recordings: the same numbers each way."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from src.cli.main import run_command
from src.core.config import dump_yaml, override_layer, resolve
from src.core.config.job import ComputeConfig
from src.core.evaluation import ClassEvaluation, compare, read_any_evaluation
from src.core.job import JobError
from src.core.run import ChildProcess, EventTail, RunFolder, create_run
from src.core.run.folder import RunFolderError
from src.jobs import face
from src.jobs.in_folder import carry_out
from src.jobs.search import SearchJob
from src.jobs.train import run_training
from src.tasks.bearing.description import BEARING
from src.tasks.bearing.inputs import InputMaker
from src.tasks.bearing.jobs import JOBS
from src.tasks.bearing.jobs.answering import Answerer, source_of
from src.tasks.bearing.jobs.export_script import unsupported, use_script
from src.tasks.bearing.jobs.windows_table import WindowsTable
from src.tasks.bearing.recordings import Recording
from src.tasks.bearing.windows import WindowIndex
from tests.tasks.bearing.made import RATE, SPEED, wave, words

#: As training validates where it is told to compute in 32 bits.
EXACT: dict[str, Any] = {"compute.precision": "fp32"}


@pytest.fixture(scope="module")
def trained(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of two epochs."""
    pairs = words(recordings, f"runs_dir={tmp_path_factory.mktemp('runs')}")
    run = create_run(resolve(BEARING.config, [override_layer(pairs, BEARING.config)]), BEARING)
    assert run_training(run.path, resume=False, follow_parent=False, signals=False) == 0
    return run


@pytest.fixture(scope="module")
def evaluated(trained: RunFolder) -> ClassEvaluation:
    found = face.do("evaluate", trained.path, groups="recording", **EXACT)
    document = read_any_evaluation(found["folder"])
    assert isinstance(document, ClassEvaluation) and Path(found["report"]).is_file()
    return document


def events(run: RunFolder, kind: str) -> list[Any]:
    return [e for e in EventTail(run.events).read() if e.type == kind]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_an_evaluation_finds_the_numbers_of_the_training(
    trained: RunFolder, evaluated: ClassEvaluation
) -> None:
    best = max(events(trained, "epoch_completed"), key=lambda e: e["metrics"]["balanced_accuracy"])["metrics"]
    windows, whole = evaluated.levels
    for key in ("balanced_accuracy", "macro_f1", "auroc", "top2"):
        assert windows.measures[key].value == pytest.approx(best[key], abs=1e-6)
        assert whole.measures[key].value == pytest.approx(best[f"recording_{key}"], abs=1e-6)
    told = {item["name"]: item["metrics"] for item in events(trained, "baselines")[-1]["items"]}
    assert (
        {b.name for b in evaluated.baselines}
        == set(told)
        == {"Most frequent class", "Random forest", "Envelope rule"}
    )
    for baseline in evaluated.baselines:
        for level, prefix in zip(baseline.levels, ("", "recording_"), strict=True):
            value = told[baseline.name][f"{prefix}balanced_accuracy"]
            assert level["balanced_accuracy"].value == pytest.approx(value, abs=1e-6)
    assert windows.measures["balanced_accuracy"].low is not None and evaluated.interval.groups == len(
        evaluated.samples
    )
    assert any(note.code == "evaluation.no_test" for note in evaluated.notes), (
        "it is said that validation judges"
    )
    same = compare(evaluated, evaluated)
    assert same["noun"] == ["recording", "recordings"] and same["measures"][0]["difference"]["value"] == 0


def test_other_data_by_name_by_meaning_and_without_a_class(trained: RunFolder, tmp_path: Path) -> None:
    for label, kind, seed in (("IR", "inner", 90), ("healthy", "normal", 91), ("loose belt", "normal", 92)):
        (tmp_path / label).mkdir()
        np.save(tmp_path / label / f"{label}_1_load3.npy", wave(kind, seed))
    shutil.copy(tmp_path / "IR" / "IR_1_load3.npy", tmp_path / "IR" / "cut.npy")
    (tmp_path / "IR" / "cut.npy").write_bytes((tmp_path / "IR" / "cut.npy").read_bytes()[:50])
    found = face.do("evaluate", trained.path, data=tmp_path, baselines=False, bootstrap=0, report=False)
    document = read_any_evaluation(found["folder"])
    assert isinstance(document, ClassEvaluation)
    names = [document.classes[s.true[0]] for s in document.samples]
    assert sorted(names) == ["inner", "normal"] and document.data.part == "all"
    reasons = " ".join(item.reason for item in document.left_out)
    assert "loose belt" in reasons and len(document.left_out) == 2
    assert not any(note.code == "evaluation.trained_on" for note in document.notes)
    learnt = face.do("evaluate", trained.path, part="train", baselines=False, bootstrap=0, report=False)
    assert "were in the training of this model" in " ".join(learnt["said"])


def test_a_prediction_says_the_same_over_time(
    trained: RunFolder, evaluated: ClassEvaluation, recordings: Path, tmp_path: Path
) -> None:
    out = tmp_path / "Ergebnis"
    found = face.do("predict", trained.path, files=[recordings], out=out, **EXACT)
    assert found["recordings"] == 12 and found["failed"] == 0 and Path(found["report"]).is_file()
    verdicts = {row["recording"]: row for row in table(out / "recordings.csv")}
    for sample in evaluated.samples:
        assert verdicts[sample.id]["verdict"] == evaluated.classes[sample.predicted[0]]
        given = [float(verdicts[sample.id][f"score_{name}"]) for name in evaluated.classes]
        assert given == pytest.approx(sample.scores, abs=2e-6)
        rows = table(out / "windows" / Path(sample.id).with_suffix(".csv"))
        assert len(rows) == sample.counts.parts and [float(rows[1][k]) for k in ("start_s", "end_s")] == [
            0.25,
            0.75,
        ]
        assert {row["recording"] for row in rows} == {sample.id}
    again = face.predict(trained.path, recordings, out=out, **EXACT)
    assert again["reused"] == 12, "what is done and unchanged is not predicted again"
    with pytest.raises((JobError, RunFolderError), match="other settings"):
        face.do("predict", trained.path, files=[recordings], out=out, overlap=0.0, **EXACT)


def test_threads_and_batches_change_no_answer(trained: RunFolder, tmp_path: Path) -> None:
    """What is read, transformed and computed side by side is what each window by itself gives."""
    np.save(tmp_path / "lang.npy", np.concatenate([wave("ball", seed) for seed in range(3)]))
    threads = torch.get_num_threads()
    answerer = Answerer(source_of(str(trained.path), "best"), ComputeConfig(precision="fp32", cpu_threads=3))
    length = 3 * int(3.0 * RATE)
    one = Recording(
        "lang.npy", str(tmp_path / "lang.npy"), "signal", "", "", (), "", length, 0, length, RATE, SPEED
    )
    index = WindowIndex([one], answerer.shape)
    parts = list(answerer.stream(index, 2))
    assert [n for numbers, _ in parts for n in numbers] == list(range(2, len(index)))
    found = np.concatenate([probabilities for _, probabilities in parts])
    for number, row in zip(range(2, len(index)), found, strict=True):
        inputs = answerer.maker(index[number].read(), index[number].speed)
        alone = answerer.probabilities({k: torch.from_numpy(v[None]) for k, v in inputs.items()})
        np.testing.assert_allclose(row, alone[0], rtol=0, atol=1e-5)
    assert torch.get_num_threads() == 3, "threads of the pool leave the number of this one alone"
    torch.set_num_threads(threads)


def test_a_prediction_goes_on_where_it_was_stopped(
    trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = np.concatenate([wave("inner", seed) for seed in range(10)])
    np.save(tmp_path / "lang.npy", long)
    options: dict[str, Any] = {
        "files": [tmp_path / "lang.npy"],
        "compute.batch_size": 16,
        "compute.precision": "fp32",
    }
    whole = face.do("predict", trained.path, out=tmp_path / "whole", **options)
    assert whole["verdicts"] == {"lang.npy": "inner"}
    written = 0
    add = WindowsTable.add

    def stops(self: WindowsTable, numbers: range, probabilities: np.ndarray) -> None:
        nonlocal written
        written += 1
        if written == 3:
            raise KeyboardInterrupt
        add(self, numbers, probabilities)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(WindowsTable, "add", stops)
        face.do("predict", trained.path, out=tmp_path / "cut", **options)
    part = tmp_path / "cut" / "windows" / "lang.csv.part"
    assert len(table(part)) == 32
    with part.open("ab") as stream:
        stream.write(b"lang.npy,8.0,8.5,0.1")  # killed in the middle of a row
    written = -100
    with monkeypatch.context() as patch:
        patch.setattr(WindowsTable, "add", stops)
        face.do("predict", trained.path, out=tmp_path / "cut", **options)
    assert written == -100 + 6, "the 87 windows that were left, in batches of 16"
    for name in ("windows/lang.csv", "recordings.csv"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_does_not_fit_the_model_is_named_and_the_others_go_on(
    trained: RunFolder, tmp_path: Path
) -> None:
    np.save(tmp_path / "short.npy", wave("ball", 1)[:100])
    np.save(tmp_path / "good.npy", wave("outer", 2))
    (tmp_path / "broken.npy").write_bytes(b"no numbers")
    found = face.do("predict", trained.path, files=[tmp_path], out=tmp_path / "out", report=False)
    assert found["recordings"] == 1 and found["failed"] == 2
    lines = [
        json.loads(line) for line in (tmp_path / "out" / "predictions.jsonl").read_text("utf-8").splitlines()
    ]
    reasons = {line["name"]: line.get("error", "") for line in lines}
    assert (
        "shorter than a window (0.5 s)" in reasons["short.npy"]
        and reasons["broken.npy"]
        and not reasons["good.npy"]
    )
    facts: dict[str, Any] = {"recordings.facts.rate_hz": 2 * RATE, "recordings.facts.speed_rpm": 2 * SPEED}
    other_rate = face.do(
        "predict", trained.path, files=[tmp_path / "good.npy"], out=tmp_path / "other", report=False, **facts
    )
    assert other_rate["recorded_seconds"] == pytest.approx(1.5), (
        "another rate is brought to that of the training"
    )


def test_an_export_and_its_script_say_the_same(
    trained: RunFolder,
    recordings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("onnxruntime")
    out = tmp_path / "export"
    found = face.do("export", trained.path, out=out, check_windows=8, latency_runs=1)
    parity = json.loads((out / "parity.json").read_text("utf-8"))
    assert parity["agrees"] and parity["largest_difference"] < 1e-4 and parity["units"] == "windows"
    assert "8 windows with the inputs that use_model.py computes" in " ".join(found["said"])
    card = (out / "MODEL_CARD.md").read_text("utf-8")
    assert "normal" in card and "alance" in card and str(tmp_path) not in card and str(recordings) not in card
    source = recordings / "inner" / "inner_1_load1.npy"
    face.do("predict", trained.path, files=[source], out=tmp_path / "p", report=False, **EXACT)
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["use_model.py", str(source), str(SPEED)])
    runpy.run_path(str(out / "use_model.py"), run_name="__main__")
    told = capsys.readouterr().out.splitlines()
    rows = table(tmp_path / "p" / "windows" / "inner_1_load1.csv")
    assert (
        len(told) == len(rows) + 1
        and told[-1] == f"recording: {table(tmp_path / 'p' / 'recordings.csv')[0]['verdict']}"
    )
    for line, row in zip(told, rows, strict=False):
        classes = [key for key in row if key.startswith("score_")]
        values = dict(zip(line.split()[2::2], map(float, line.split()[3::2]), strict=True))
        assert [values[c.removeprefix("score_")] for c in classes] == pytest.approx(
            [float(row[c]) for c in classes], abs=2e-3
        )


def test_the_script_computes_a_spectrogram_as_the_training_did() -> None:
    """Also where segments and frequencies are no multiple of the picture's side."""
    options = resolve(BEARING.config, [override_layer(
        ("inputs.lines=false", "inputs.stft=true", "inputs.picture_side=48"), BEARING.config)]).config.inputs  # fmt: skip
    maker = InputMaker(options, RATE, None)
    length = 5000
    table = {"window": {"rate": RATE, "length": length, "hop": length}, "classes": [{"name": "normal"}], "several": False,
             "file": "model.onnx", "runtime": "onnxruntime", "output": {"kind": "probabilities"}}  # fmt: skip
    assert not unsupported(maker, length)
    made: dict[str, Any] = {}
    exec(use_script(maker, table), made)
    window = np.random.default_rng(0).normal(size=length).astype(np.float32)
    np.testing.assert_allclose(made["inputs"](window, SPEED)["stft"], maker(window, SPEED)["stft"], atol=2e-3)
    assert "short" in unsupported(maker, 100)


def test_a_program_of_torch_and_an_export_that_disagrees(
    trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "pt2"
    face.do("export", trained.path, format="torch_export", out=out, check_windows=4, latency_runs=1)
    assert (out / "model.pt2").is_file() and json.loads((out / "parity.json").read_text("utf-8"))["agrees"]
    from src.tasks.bearing.jobs import export as export_module

    forward = export_module.ExportGraph.forward
    monkeypatch.setattr(export_module.ExportGraph, "forward", lambda self, inputs: 1 - forward(self, inputs))
    with pytest.raises(JobError, match="disagrees with the original"):
        face.do(
            "export",
            trained.path,
            format="torch_export",
            out=tmp_path / "no",
            check_windows=4,
            latency_runs=1,
        )
    assert {p.name for p in (tmp_path / "no").glob("model*")} == {"model.pt2.refused"}
    assert not (tmp_path / "no" / "use_model.py").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("data.windows.resample_hz=2000",), "signals of 4000 Hz, this training at those of 2000 Hz"),
        (("inputs.harmonics=3",), "computed in another way (harmonics)"),
        (("inputs.lines=false", "inputs.raw=true"), "inputs that this training does not compute: lines"),
        (("data.several_faults=true",), "names one class of all"),
        (("distillation.teacher=nowhere",), "no run and no file nowhere"),
        (("data.classes=[inner,outer]",), "knows the classes ball, inner, normal, outer; here they are inner, outer"),
        (("inputs.picture_side=48", "inputs.band_low=100", "inputs.raw=true"), ""),
    ],
)  # fmt: skip
def test_a_teacher_that_does_not_fit_is_refused_before_anything_is_computed(
    trained: RunFolder, recordings: Path, described: Any, more: tuple[str, ...], said: str
) -> None:
    pairs = words(recordings, f"distillation.teacher={trained.path}", *more)
    config: Any = resolve(BEARING.config, [override_layer(pairs, BEARING.config)]).config
    found = [f for f in BEARING.check(config, described(config)) if f.code.startswith("teacher")]
    assert any(said in f.message and f.cure for f in found) if said else not found
    if said and "classes" not in said:  # what the data decide is known once they are read
        early = [f.message for f in BEARING.check(config, None) if f.code.startswith("teacher")]
        assert any(said in message for message in early)


def test_jobs_speak_of_recordings_and_need_no_torch() -> None:
    from src.core.config.fields import options

    for info in JOBS.values():
        words_of = [info.title, info.about, *(f"{o.label} {o.help}" for o in options(info.config))]
        spoken = " ".join(words_of).lower()
        assert "image" not in spoken and "pixel" not in spoken and "mask" not in spoken, info.id
    config = resolve(JOBS["predict"].config, []).config
    assert [f.code for f in JOBS["predict"].check(config)] == ["files.none"]


class Here(ChildProcess):
    """A job in this process: to start three of them took most of the time, and tests of searches in general do so."""

    code: int | None = None

    def start(self) -> None:
        if self._verb == "search":
            self.code = carry_out(self.folder.path, SearchJob, follow_parent=False, signals=False)
        else:
            self.code = run_training(
                self.folder.path, resume=self._resume, follow_parent=False, signals=False
            )

    def poll(self) -> int | None:
        return self.code


def test_a_search_over_a_configuration_of_recordings(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna", reason="a search needs Optuna: requirements-search.txt")
    for module in ("src.cli.search", "src.core.search.runner"):
        monkeypatch.setattr(f"{module}.ChildProcess", Here)
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "space"))
    config = tmp_path / "lager.yaml"
    pairs = words(recordings, "training.epochs=1", "monitoring.preview_samples=0", "data.windows.overlap=0")
    config.write_text(dump_yaml(resolve(BEARING.config, [override_layer(pairs, BEARING.config)])), "utf-8")
    rate = "training.optimizer.learning_rate"
    code = run_command(
        ["search", str(config), "--space", f"{rate}=1e-4..1e-2:log", "--trials", "3", "--sampler", "random", "--json"]
    )  # fmt: skip
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 0 and told["status"] == "completed", told
    folders = list((tmp_path / "space").glob("searches/*/results.json"))
    trials = json.loads(folders[0].read_text("utf-8"))["trials"]
    assert [t["state"] for t in trials] == ["completed"] * 3
    for trial in trials:
        run = RunFolder(folders[0].parent / trial["run"])
        best = max(e["metrics"]["balanced_accuracy"] for e in events(run, "epoch_completed"))
        assert trial["value"] == best and 0 <= best <= 1
    assert len({t["params"][rate] for t in trials}) == 3
