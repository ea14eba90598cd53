"""Bearing-fault diagnosis on the engine, with small generated recordings: loader, training, resuming, baselines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from src.core.config import ConfigError, override_layer, resolve
from src.core.engine.callbacks import Callback
from src.core.run import EventTail, RunFolder, create_run
from src.jobs.train import run_training
from src.tasks.bearing.description import BEARING
from src.tasks.bearing.geometry import known_bearing
from src.tasks.bearing.inputs import KINDS, InputMaker
from src.tasks.bearing.learning_config import REPRESENTATIONS, InputsConfig
from src.tasks.bearing.task import BearingTask
from tests.tasks.bearing.made import (
    BEARING_MODEL,
    CPU,
    RATE,
    SPEED,
    same,
    wave,
    weights,
    words,
)


def test_knowing_the_tasks_loads_no_numbers() -> None:
    """The window waits for this import: numpy alone would be a third of it."""
    code = "import sys; import src.tasks.catalog; print([m for m in ('numpy', 'scipy', 'pandas', 'cv2') if m in sys.modules])"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"


# ---- inputs


@pytest.mark.parametrize("length", [1000, 2001])
def test_every_input_has_its_shape_at_any_length(length: int) -> None:
    options = InputsConfig(**dict.fromkeys(REPRESENTATIONS, True), picture_side=32)
    maker = InputMaker(options, RATE, known_bearing(BEARING_MODEL).defect_orders())
    found = maker(wave("inner", 1)[:length], SPEED)
    assert list(found) == list(REPRESENTATIONS)
    assert found["lines"].shape == (3, 7, 4, 2 * round(options.around / options.order_step) + 1)
    assert found["envelope"].shape == (7, 600) and found["raw"].shape == (1, length)
    assert all(found[name].shape == (1, 32, 32) for name in ("stft", "cwt", "wvd"))
    assert all(v.dtype == np.float32 and np.isfinite(v).all() for v in found.values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_lines_of_a_fault_stand_out_at_its_own_place(kind: str) -> None:
    maker = InputMaker(InputsConfig(), RATE, known_bearing(BEARING_MODEL).defect_orders())
    signal = wave(kind, 5)[:6000]
    assert maker.line_snr(signal, SPEED).argmax() == KINDS.index(kind)
    lines = maker(signal, SPEED)["lines"][:, 0]
    middle = lines.shape[-1] // 2
    centre = lines[..., middle - 2 : middle + 3].max(-1).mean(-1)
    assert centre.argmax() == KINDS.index(kind)
    assert np.isnan(maker.line_snr(signal, 0.0)).all()


def test_a_silent_window_gives_numbers() -> None:
    options = InputsConfig(**dict.fromkeys(REPRESENTATIONS, True), picture_side=32)
    found = InputMaker(options, RATE, known_bearing(BEARING_MODEL).defect_orders())(np.zeros(1000), SPEED)
    assert all(np.isfinite(v).all() for v in found.values())


# ---- loader


def test_batches_are_a_function_of_seed_epoch_and_number(make_task: Callable[..., BearingTask]) -> None:
    more = ("data.augmentation.noise_snr=10", "data.augmentation.shift=0.3")
    plain, _ = make_task(*more).build_loaders(CPU)
    threads, _ = make_task(*more, "inputs.workers=3").build_loaders(CPU)
    first = list(plain.epoch(2))
    assert len(first) == len(plain) > 2
    assert all(same(a, b) for a, b in zip(first, threads.epoch(2), strict=True))
    assert all(same(a, b) for a, b in zip(first[2:], plain.epoch(2, start_batch=2), strict=True))
    again = next(iter(plain.epoch(3)))
    assert not torch.equal(again["index"], first[0]["index"])
    threads.close()
    threads.close()


def test_runs_of_successive_windows_stay_together_for_the_smoothness(
    make_task: Callable[..., BearingTask],
) -> None:
    loader, _ = make_task("training.loss.smoothness=0.1").build_loaders(CPU)
    order = loader.order(1)  # type: ignore[attr-defined]
    assert sorted(order.tolist()) == list(range(len(order)))
    assert (np.diff(order) == 1).mean() > 0.5
    assert not np.array_equal(order, loader.order(2))  # type: ignore[attr-defined]


def test_shorter_windows_are_the_middle_of_the_long_ones(make_task: Callable[..., BearingTask]) -> None:
    task = make_task("inputs.lines=false", "inputs.raw=true")
    loader, _ = task.build_loaders(CPU)
    short = task.resized_loader(1000, CPU)
    one, other = next(iter(loader.epoch(1))), next(iter(short.epoch(1)))
    assert task.full_size == 2000 and torch.equal(one["index"], other["index"]) and len(short) == len(loader)
    middle = one["input:raw"][0, 0, 500:1500]
    middle = (middle - middle.mean()) / middle.std(correction=0)
    assert torch.allclose(middle, other["input:raw"][0, 0], atol=1e-4)


def test_a_recording_that_is_gone_is_named_and_left_out(
    make_task: Callable[..., BearingTask], tmp_path: Path
) -> None:
    task = make_task()
    samples = list(task.data.samples["train"])
    gone = samples[0]
    from dataclasses import replace

    task.data.samples = {
        **task.data.samples,
        "train": [replace(gone, file=str(tmp_path / "no.npy")), *samples[1:]],
    }
    loader, _ = task.build_loaders(CPU)
    batches = list(loader.epoch(1))
    assert [name for b in batches for name, _ in b["unreadable"]] == [gone.id]
    left = set(range(len(loader.dataset.index))) - {i for b in batches for i in b["index"].tolist()}  # type: ignore[attr-defined]
    assert set(range(int(loader.dataset.index.counts[0]))) <= left  # type: ignore[attr-defined]


# ---- task


ALL_TERMS = [f"training.loss.{term}=0.1" for term in ("contrastive", "physics", "consistency", "smoothness")]


@pytest.mark.parametrize(
    "more", [(), ("inputs.raw=true", "inputs.envelope=true", *ALL_TERMS), ("data.several_faults=true", "training.loss.name=focal")]
)  # fmt: skip
def test_a_step_trains_every_weight_and_tells_every_term(
    make_task: Callable[..., BearingTask], more: tuple[str, ...]
) -> None:
    task = make_task(*more)
    loader, _ = task.build_loaders(CPU)
    torch.manual_seed(0)
    model = task.build_model()
    task.begin_epoch(model, 9)
    output = task.training_step(model, task.prepare(next(iter(loader.epoch(1))), CPU))
    output.loss.backward()
    assert all(w.grad is not None and torch.isfinite(w.grad).all() for w in model.parameters())
    terms = {"classification", *(w.split("=")[0].rsplit(".", 1)[1] for w in more if w in ALL_TERMS)}
    assert output.terms.keys() == terms | {f"{t}_gradient" for t in terms}
    assert (
        all(torch.isfinite(v) for v in output.terms.values()) and output.terms["classification_gradient"] > 0
    )


@pytest.mark.parametrize("several", [False, True])
def test_every_term_is_finite_and_pulls_in_a_batch_of_all_windows(
    make_task: Callable[..., BearingTask], several: bool
) -> None:
    """At two loads and with runs of successive windows no term is without something to say."""
    task = make_task(
        *ALL_TERMS, "training.loss.warmup=0", f"data.several_faults={several}", "training.batch_size=200"
    )
    loader, _ = task.build_loaders(CPU)
    torch.manual_seed(0)
    model = task.build_model()
    told = task.training_step(model, task.prepare(next(iter(loader.epoch(1))), CPU)).terms
    for term in ("classification", *(w.split("=")[0].rsplit(".", 1)[1] for w in ALL_TERMS)):
        assert torch.isfinite(told[term]) and told[term] > 0, term
        assert torch.isfinite(told[f"{term}_gradient"]) and told[f"{term}_gradient"] > 1e-6, term


def test_weight_zero_trains_as_if_the_term_were_not_there(new_run: Callable[..., RunFolder]) -> None:
    none = (w.replace("0.1", "0") for w in ALL_TERMS)
    plain, zero = new_run("training.epochs=1"), new_run("training.epochs=1", *none, "training.loss.warmup=1")
    for run in (plain, zero):
        assert run_training(run.path, resume=False, follow_parent=False, signals=False) == 0
    one, other = weights(plain), weights(zero)
    assert one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_baselines_beside_the_model(make_task: Callable[..., BearingTask]) -> None:
    found = {b["name"]: b["metrics"] for b in make_task().baselines(lambda: False)}
    assert list(found) == ["Most frequent class", "Random forest", "Envelope rule"]
    assert found["Most frequent class"]["balanced_accuracy"] == 0.25
    assert (
        found["Envelope rule"]["balanced_accuracy"] > 0.6
        and found["Random forest"]["balanced_accuracy"] > 0.4
    )
    assert make_task().baselines(lambda: True) == []
    without = make_task(
        "data.bearing.kind=unknown", "data.bearing.model=", "inputs.lines=false", "inputs.fft=true"
    )
    assert [b["name"] for b in without.baselines(lambda: False)] == ["Most frequent class", "Random forest"]


def test_what_does_not_fit_is_said_before_training(recordings: Path) -> None:
    def codes(*more: str) -> set[str]:
        config = resolve(BEARING.config, [override_layer(words(recordings, *more), BEARING.config)]).config
        found = BEARING.check(config, BEARING.describe(config, store=False))
        return {f.code for f in found if f.severity == "error"}

    assert not codes()
    assert "inputs.none" in codes("inputs.lines=false")
    assert "inputs.no_bearing" in codes("data.bearing.kind=unknown")
    assert "inputs.no_speed" in codes("data.facts.speed_rpm=0")
    assert "inputs.band" in codes("inputs.band=set", "inputs.band_low=100", "inputs.band_high=3000")


# ---- runs


class _StopAt(Callback):
    """Asks the run to stop at an update."""

    def __init__(self, run: RunFolder, update: int) -> None:
        self.run, self.update = run, update

    def on_update(self, trainer: Any) -> None:
        if trainer.state.updates == self.update:
            trainer.command = lambda: "stop"
            trainer.report_every = 0.0


@pytest.fixture(scope="module")
def trained(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, tuple[str, ...]]:
    more = (
        "inputs.raw=true", "data.augmentation.noise_snr=20", "data.augmentation.policy=1", "training.loss.contrastive=0.1",
        "training.regularisation.mixup=0.4", "training.regularisation.cutmix=0.3", "training.regularisation.adversarial=0.05",
        "training.resizing.start=0.5", "training.resizing.until=0.9", "training.resizing.steps=2", "training.epochs=3",
    )  # fmt: skip
    pairs = words(recordings, f"runs_dir={tmp_path_factory.mktemp('runs')}", *more)
    run = create_run(resolve(BEARING.config, [override_layer(pairs, BEARING.config)]), BEARING)
    assert run_training(run.path, resume=False, follow_parent=False, signals=False) == 0
    return run, more


class _Lengths(Callback):
    """Notes how long the windows of each epoch are."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def on_epoch_start(self, trainer: Any) -> None:
        # resizing comes later in the list of callbacks: what counts is the length at the first update
        self.due = True

    def on_update(self, trainer: Any) -> None:
        if self.due:
            self.seen.append(trainer.train_loader.dataset.size)
            self.due = False


def test_a_run_trains_reports_and_resumes_bit_for_bit(
    trained: tuple[RunFolder, tuple[str, ...]], new_run: Callable[..., RunFolder]
) -> None:
    run, more = trained
    events = list(EventTail(run.events).read())
    epochs = [e for e in events if e.type == "epoch_completed"]
    assert len(epochs) == 3 and {"branch_lines", "branch_raw", "recording_balanced_accuracy"} <= set(
        epochs[-1]["metrics"]
    )
    assert epochs[-1]["terms"]["contrastive_gradient"] > 0 and set(epochs[-1]["per_class"]) == {
        "normal",
        *KINDS,
    }
    page = (run.report / "index.html").read_text("utf-8")
    assert "Envelope rule" in page and "Random forest" in page and "This model" in page
    items = next(e for e in events if e.type == "preview_written")["items"]
    assert len(items) == 2 and (run.path / items[0]["image"]).is_file()

    other = new_run(*more)
    stop, lengths = _StopAt(other, 4), _Lengths()
    assert run_training(other.path, resume=False, follow_parent=False, signals=False, callbacks=[stop]) == 0
    assert not any(
        e.type == "epoch_completed" for e in EventTail(other.events).read()
    )  # in the middle of one
    assert run_training(other.path, resume=True, follow_parent=False, signals=False, callbacks=[lengths]) == 0
    assert lengths.seen == [992, 992, 2000], "windows grow to their full length, also of a resumed run"
    later = [e for e in EventTail(other.events).read() if e.type == "epoch_completed"]
    assert [e["train_loss"] for e in later] == [e["train_loss"] for e in epochs]
    one, two = weights(run), weights(other)
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert sum(e.type == "baselines" for e in EventTail(other.events).read()) == 1


def test_patches_are_left_out_where_a_transformer_looks_at_them(
    make_task: Callable[..., BearingTask],
) -> None:
    more = ("inputs.lines=false", "inputs.raw=true", "model.patch_drop=0.5")
    network: Any = make_task(*more, "model.signal_network=transformer").build_model()
    assert network.branches["raw"].patch_drop == 0.5
    task = make_task(*more)
    idle = [f for f in BEARING.check(task.config, task.data) if "model.patch_drop" in f.where]
    assert [f.severity for f in idle] == ["notice"] and "no input goes to a patch transformer" in idle[
        0
    ].message


def test_a_small_model_learns_predictions_and_features_of_a_large_one(
    trained: tuple[RunFolder, tuple[str, ...]], new_run: Callable[..., RunFolder]
) -> None:
    run, _ = trained
    more = ("inputs.raw=true", "model.signal_network=resnet", f"distillation.teacher={run.path}")
    student = new_run(*more, "distillation.feature_weight=0.5", "training.regularisation.mixup=0.5")
    assert run_training(student.path, resume=False, follow_parent=False, signals=False) == 0
    told = [e["terms"] for e in EventTail(student.events).read() if e.type == "epoch_completed"]
    assert all(np.isfinite(t["teacher"]) and t["teacher"] > 0 and t["features"] > 0 for t in told)
    assert told[-1]["features"] < told[0]["features"]
    layer = weights(student)
    teacher, pupil = (run_width(weights(r)) for r in (run, student))
    assert layer["distillation.weight"].shape == (teacher, pupil, 1, 1) and teacher != pupil
    with pytest.raises(ConfigError, match=r"inputs\.raw=true"):
        new_run(f"distillation.teacher={run.path}")


def run_width(state: dict[str, torch.Tensor]) -> int:
    """Features of all branches of a model, from its weights."""
    return int(state["head.1.weight"].shape[1])
