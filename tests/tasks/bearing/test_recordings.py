"""Describing recordings: facts from names, tables and files, labels, groups, splits, findings and windows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat, wavfile

from src.cli.main import run_command
from src.core.config import ConfigError
from src.tasks.bearing.config import BearingConfig
from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.description import BEARING, check, describe_data
from src.tasks.bearing.found import canonical
from src.tasks.bearing.known import cwru_facts
from src.tasks.bearing.naming import fault_of, faults_in, name_pattern, preview_pattern
from src.tasks.bearing.recordings import Recording, read_signal
from src.tasks.bearing.windows import WindowIndex, WindowShape, read_window
from src.tasks.catalog import recognise_data

CWRU = Path(__file__).parents[4] / "shared" / "data" / "cwru"
RATE = 8000
needs_cwru = pytest.mark.skipif(
    not CWRU.is_dir(), reason="the recordings of ../shared/data/cwru are not there"
)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATHE_WORKSPACE", str(tmp_path / "workspace"))


def rig(folder: Path, bearings: int = 3, loads: int = 2, seconds: float = 2.0) -> Path:
    """``inner``, ``outer`` and ``normal`` recordings of several bearings at several loads, as NumPy files."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for label in ("inner", "outer", "normal"):
        for bearing in range(bearings):
            colour = rng.normal(0, 0.2, 8)  # of the bearing, as resonances are
            for load in range(loads):
                wave = np.convolve(rng.normal(size=int(seconds * RATE) + 7), colour, "valid")
                np.save(folder / f"{label}_{label[0]}{bearing}_{load}hp_1500rpm.npy", wave.astype(np.float32))
    return folder


MODEL = "SKF 6205-2RS JEM"
PATTERN = "{label}_{bearing}_{load}hp_{speed}rpm"


def configured(folder: Path, **data: Any) -> BearingConfig:
    base = {
        "folder": str(folder),
        "name_pattern": PATTERN,
        "facts": {"rate_hz": RATE},
        "bearing": {"kind": "rolling", "model": MODEL},
    }
    return BearingConfig.model_validate({"data": {**base, **data}})


def described(folder: Path, **data: Any) -> RecordingDescription:
    return describe_data(configured(folder, **data))


def codes(found: RecordingDescription) -> set[str]:
    return {f.code for f in found.findings}


def finding(found: RecordingDescription, code: str) -> Any:
    return next(f for f in found.findings if f.code == code)


# ---- names


def test_fields_of_a_pattern_become_facts(tmp_path: Path) -> None:
    found = described(rig(tmp_path / "Prüfstand"))
    assert not found.has_errors and found.class_names == ("inner", "normal", "outer")
    one = next(r for r in found.all_samples if r.id == "inner_i2_1hp_1500rpm.npy")
    assert (one.label, one.bearing, one.load, one.speed, one.rate) == ("inner", "i2", "1", 1500.0, RATE)
    assert found.row(one) == [2.0, RATE, 1500.0, "1", "inner", "i2", "signal"]
    assert found.summary().startswith("18 recordings (")


@pytest.mark.parametrize(
    ("text", "name", "fields"),
    [
        ("{label}_{load}", "rig/IR007_2.mat", {"label": "IR007", "load": "2"}),
        ("{machine}/{label}*", "m1/ball 3.wav", {"machine": "m1", "label": "b"}),
        ("{machine}/*/{label}_*", "m1/day/ball_3.wav", {"machine": "m1", "label": "ball"}),
        (r"(?P<label>[A-Z]+)(?P<severity>\d+)", "x/IR007_2.mat", {"label": "IR", "severity": "007"}),
        ("{label}@{load}", "130_6.mat", None),
    ],
)
def test_patterns(text: str, name: str, fields: dict[str, str] | None) -> None:
    pattern = name_pattern(text)
    assert pattern is not None and pattern.read(name) == fields


def test_a_pattern_shows_what_it_makes_of_names() -> None:
    shown = preview_pattern(["inner_1.mat", "inner_2.mat", "outer_1.mat", "odd.mat"], "{label}_{load}")
    assert shown.sentence() == "The pattern fits 3 of 4 names." and shown.fields == ("label", "load")
    assert shown.values == {"label": (("inner", 2), ("outer", 1)), "load": (("1", 2), ("2", 1))}
    assert ("odd.mat", None) in shown.rows
    for wrong in ("no field", "{a}_{a}", r"(?P<label>(x+)+)"):
        assert "data." in preview_pattern(["a"], wrong).problem


@pytest.mark.parametrize(
    ("label", "part"),
    [("IR007", "inner"), ("OR@6", "outer"), ("B", "ball"), ("Normal_0", "normal"), ("outer race", "outer"),
     ("healthy", "normal"), ("innerRing", "inner"), ("rolling element", "ball"), ("KA04", ""), ("Käfig", "cage")],
)  # fmt: skip
def test_parts_are_read_from_labels(label: str, part: str) -> None:
    assert fault_of(label) == part


def test_several_faults_in_a_label() -> None:
    assert faults_in("inner+ball") == ["inner", "ball"] and faults_in("normal") == []


def test_published_numbers() -> None:
    assert cwru_facts("212.mat", ["X212_DE_time"])["label"] == "inner"
    both = ["X098_DE_time", "X099_DE_time"]
    assert cwru_facts("99_Normal_2.mat", both)["load"] == "2" and cwru_facts("mine.mat", both) == {}
    assert cwru_facts("105.mat", ["vib"]) == {}
    assert canonical("X105_DE_time") == "X*_DE_time"


# ---- where facts come from


def test_variables_of_the_file_and_its_folder(tmp_path: Path) -> None:
    for label in ("Außenring", "gesund"):
        (tmp_path / "d" / label).mkdir(parents=True)
        for k in range(2):
            values = np.random.default_rng(k).normal(size=4000)
            savemat(
                tmp_path / "d" / label / f"r{k}{label[0]}.mat",
                {"acc": values, "fs": 4000, "shaft_speed": 20.0 + k},
            )
    config = BearingConfig.model_validate(
        {"data": {"folder": str(tmp_path / "d"), "facts": {"speed_unit": "hz"}}}
    )
    found = describe_data(config)
    assert found.class_names == ("Außenring", "gesund") and not found.has_errors
    assert {(r.rate, r.speed) for r in found.all_samples} == {(4000.0, 1200.0), (4000.0, 1260.0)}
    assert found.given["data.channel"] == "acc"


def test_words_in_names_are_labels_where_nothing_else_is(tmp_path: Path) -> None:
    (tmp_path / "12k").mkdir()
    for name in ("InnerRaceFault_1", "InnerRaceFault_2", "baseline_1", "baseline_2", "B021_0", "B014_1"):
        field = {"sr": RATE, "rate": 25, "gs": np.random.default_rng(0).normal(size=RATE)}
        savemat(tmp_path / "12k" / f"{name}.mat", {"bearing": dict(sorted(field.items()))})
    found = describe_data(BearingConfig.model_validate({"data": {"folder": str(tmp_path)}}))
    assert found.class_names == ("ball", "inner", "normal") and {r.rate for r in found.all_samples} == {RATE}
    assert "ball in 2, inner in 2, normal in 2" in finding(found, "names.words").message


def test_a_speed_that_varies_is_its_mean(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for k, label in enumerate(("inner", "inner", "outer", "outer")):
        rng = np.random.default_rng(k)
        items = [
            {"Name": "speed", "Data": 1490 + 20 * rng.random(4000)},
            {"Name": "vibration_1", "Data": rng.normal(size=RATE)},
        ]
        savemat(tmp_path / "d" / f"{label}_{k}.mat", {f"N{k}": {"Y": np.array(items, dtype=object)}})
    found = described(tmp_path / "d", name_pattern="{label}_*")
    assert all(
        r.speed == pytest.approx(1500, abs=1) and r.channel.endswith("vibration_1.Data")
        for r in found.all_samples
    )
    assert len(read_signal(found.all_samples[0])) == RATE


def test_a_table_decides(tmp_path: Path) -> None:
    folder = rig(tmp_path / "d", bearings=1)
    names = sorted(p.name for p in folder.iterdir())
    lines = [f"{name};{'defekt' if k % 2 else 'gut'};900;M{k % 3}" for k, name in enumerate(names)]
    table = tmp_path / "liste.csv"
    table.write_text("\n".join(["file;label;rpm;machine", *lines, "gone.npy;gut;900;M9"]), "utf-8")
    found = described(folder, table=str(table), name_pattern="", split={"group_by": "machine"})
    assert found.class_names == ("defekt", "gut") and {r.group for r in found.all_samples} == {
        "M0",
        "M1",
        "M2",
    }
    assert {r.speed for r in found.all_samples} == {900.0}
    assert "row 8: gone.npy" in finding(found, "table.missing").where
    assert found.source == str(table)


def test_several_channels_of_a_file_stay_together(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for k, label in enumerate(("inner", "outer", "inner", "outer")):
        wave = np.random.default_rng(k).integers(-9999, 9999, (RATE, 2)).astype(np.int16)
        wavfile.write(tmp_path / "d" / f"{label}_{k}.wav", RATE, wave)
    found = described(tmp_path / "d", name_pattern="{label}_*", channel="channel 1, channel 2", facts={})
    assert len(found.all_samples) == 8 and len({r.group for r in found.all_samples}) == 4
    assert {r.id.partition("#")[2] for r in found.all_samples} == {"channel 1", "channel 2"}


def test_several_faults_at_once(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for k, label in enumerate(("inner", "inner+ball", "normal", "ball", "inner", "normal")):
        np.save(tmp_path / "d" / f"{label}_{k}.npy", np.random.default_rng(k).normal(size=RATE))
    found = described(tmp_path / "d", name_pattern="{label}_*", several_faults=True)
    assert found.class_names == ("ball", "inner")
    assert {r.label: r.classes for r in found.all_samples} == {
        "inner": (1,), "inner+ball": (0, 1), "normal": (), "ball": (0,)}  # fmt: skip


# ---- split


@pytest.mark.parametrize(("by", "groups"), [("recording", 18), ("bearing", 9), ("load", 2)])
def test_groups_never_stand_on_both_sides(by: str, groups: int, tmp_path: Path) -> None:
    found = described(rig(tmp_path / "d"), split={"group_by": by})
    sides = [{r.group for r in found.samples[part]} for part in ("train", "val")]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == groups
    assert all(r.start == 0 and r.stop == r.length for r in found.all_samples)


def test_each_group_is_left_out_once(tmp_path: Path) -> None:
    folder = rig(tmp_path / "d")
    held = []
    for fold in range(1, 10):
        found = described(folder, split={"group_by": "bearing", "leave_one_out": True, "fold": fold})
        assert found.folds == 9
        held.append({r.group for r in found.samples["val"]})
    assert all(len(groups) == 1 for groups in held) and len(set.union(*held)) == 9
    error = finding(
        described(folder, split={"group_by": "bearing", "leave_one_out": True, "fold": 10}), "split.fold"
    )
    assert error.severity == "error"


def test_random_windows_say_loudly_what_they_do(tmp_path: Path) -> None:
    found = described(rig(tmp_path / "d"), split={"group_by": "windows"}, windows={"length": 0.25})
    warning = finding(found, "split.random_windows")
    assert warning.severity == "warning" and "AT RANDOM" in warning.message and "50%" in warning.message
    at_random, elsewhere = (int(share) for share in re.findall(r"(\d+)%", warning.message)[1:3])
    assert at_random > 95 and elsewhere < at_random - 20
    assert warning.actions[0].settings == {"data.split.group_by": "recording"}
    both = [{r.recording for r in found.samples[part]} for part in ("train", "val")]
    assert both[0] & both[1] and found.summary().startswith("270 windows (")
    shape = WindowShape(*found.window)
    assert {shape.count(r) for r in found.all_samples} == {1}


def test_classes_choose_recordings(tmp_path: Path) -> None:
    found = described(rig(tmp_path / "d"), classes=["outer", "inner"])
    assert found.class_names == ("outer", "inner") and len(found.all_samples) == 12
    assert "labels.left_out" in codes(found)
    assert finding(described(rig(tmp_path / "d"), classes=["cage"]), "labels.unknown").severity == "error"


# ---- findings


def spoilt(tmp_path: Path, change: Any) -> RecordingDescription:
    """A rig of which one recording was changed."""
    folder = rig(tmp_path / "d")
    path = folder / "inner_i1_0hp_1500rpm.npy"
    np.save(path, change(np.load(path)))
    return described(folder)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("signal.clipped", lambda x: np.clip(x, -0.8, 0.8)),
        ("signal.dead", lambda x: np.full_like(x, 2.5)),
        ("signal.flat", lambda x: np.where(np.arange(len(x)) < 2000, 0.1, x)),
        ("signal.nan", lambda x: np.where(np.arange(len(x)) % 100 == 0, np.nan, x)),
        ("windows.none", lambda x: x[:1000]),
    ],
)
def test_faults_of_a_signal_are_named(code: str, change: Any, tmp_path: Path) -> None:
    found = spoilt(tmp_path, change)
    assert codes(found) & {"signal.clipped", "signal.dead", "signal.flat", "signal.nan", "windows.none"} == {
        code
    }
    said = finding(found, code)
    assert said.where == ("inner_i1_0hp_1500rpm.npy",) and said.cure and said.actions
    assert not found.has_errors


def test_a_good_rig_has_no_warnings(tmp_path: Path) -> None:
    found = described(rig(tmp_path / "d"))
    assert [f for f in check(configured(tmp_path / "d"), found) if f.severity != "notice"] == []


def test_numbers_that_are_none_are_filled_when_read(tmp_path: Path) -> None:
    found = spoilt(tmp_path, lambda x: np.where(np.arange(len(x)) == 5, np.inf, x))
    one = next(r for r in found.all_samples if r.id.startswith("inner_i1_0hp"))
    values = read_signal(one, 4, 7)
    assert values[1] == pytest.approx((values[0] + values[2]) / 2)


def test_missing_speed_and_rate(tmp_path: Path) -> None:
    folder = rig(tmp_path / "d")
    for path in folder.iterdir():
        path.rename(path.with_name(path.name.replace("_1500rpm", "")))
    found = described(folder, name_pattern="{label}_*", facts={})
    assert (
        finding(found, "facts.rate").severity == "error"
        and "data.facts.speed_rpm" in finding(found, "facts.speed").cure
    )
    found = described(folder, name_pattern="{label}_*", facts={}, windows={"length": 512, "unit": "samples"})
    assert not found.has_errors and finding(found, "facts.rate").severity == "warning"


def test_a_short_window_says_which_length_is_needed(tmp_path: Path) -> None:
    folder = rig(tmp_path / "d")
    short = finding(described(folder, windows={"length": 0.05}), "windows.short")
    needed = short.actions[0].settings["data.windows.length"]
    # BPFI 5.4152 and twice BSF 4.7134 are the closest; two bins apart at 25 revolutions a second.
    assert needed == pytest.approx(2 / (5.4152 - 4.7134) / 25, abs=2e-3) and f"{needed:.3f}" in short.cure
    assert "windows.short" not in codes(described(folder, windows={"length": needed}))


def test_a_label_of_one_recording_cannot_be_tested(tmp_path: Path) -> None:
    folder = rig(tmp_path / "d")
    np.save(folder / "cage_c1_0hp_1500rpm.npy", np.random.default_rng(5).normal(size=RATE))
    said = finding(described(folder), "labels.one_recording")
    assert "“cage”" in said.message and said.actions[0].settings == {
        "data.classes": ["inner", "normal", "outer"]
    }


def test_rates_that_differ_are_brought_to_the_lowest(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    for k in range(6):
        rate = 8000 if k % 2 else 12_000
        tone = np.sin(2 * np.pi * 100 * np.arange(rate) / rate) * 9000 + k
        wavfile.write(folder / f"{'inner' if k < 3 else 'outer'}_{k}.wav", rate, tone.astype(np.int16))
    found = described(folder, name_pattern="{label}_*", facts={}, windows={"length": 0.4})
    assert "8000 Hz" in finding(found, "facts.rates").message and found.window == (3200, 1600, 8000.0)
    shape = WindowShape(*found.window)
    fast = next(r for r in found.all_samples if r.rate == 12_000)
    whole = WindowShape(8000, 8000, 8000.0)
    long = read_window(fast, whole, 0)
    np.testing.assert_allclose(
        read_window(fast, shape, 1600), long[1600:4800], atol=2e-3 * np.abs(long).max()
    )
    spectrum = np.abs(np.fft.rfft(read_window(fast, shape, 1600) * np.hanning(3200)))
    assert np.argmax(spectrum[1:]) + 1 == round(100 * 0.4)


def test_broken_files_are_left_out_and_said(tmp_path: Path) -> None:
    folder = rig(tmp_path / "d")
    (folder / "outer_x_0hp_1500rpm.mat").write_bytes(b"MATLAB 5.0 broken")
    (folder / "outer_y_0hp_1500rpm.npy").write_bytes(b"")
    found = described(folder)
    assert (
        len(found.quarantined) == 2
        and "2 files cannot be read" in finding(found, "recordings.unreadable").message
    )
    assert len(found.all_samples) == 18 and not found.has_errors


def test_an_empty_folder_and_none(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    assert finding(described(tmp_path / "d"), "source.no_recordings").severity == "error"
    assert described(tmp_path / "d").summary() == "No recording that can be used."
    assert described(tmp_path / "none").has_errors
    assert [f.code for f in check(BearingConfig(), None)] == ["no-source"]


def test_recordings_that_a_person_left_out(tmp_path: Path) -> None:
    folder = rig(tmp_path / "d")
    (tmp_path / "out.txt").write_text("inner_i0_0hp_1500rpm.npy\tnoisy\n", "utf-8")
    assert len(described(folder, exclude=str(tmp_path / "out.txt")).all_samples) == 17


def test_measures_that_no_bearing_can_have() -> None:
    said = check(BearingConfig.model_validate({"data": {"bearing": {"kind": "rolling", "balls": 9}}}), None)
    assert any(f.code == "bearing.measures" and f.severity == "error" for f in said)


def test_a_journal_bearing_has_no_fault_lines() -> None:
    bearing = {"kind": "journal", "radius_mm": 50, "clearance_mm": 0.1, "length_mm": 60}
    config = BearingConfig.model_validate({"data": {"bearing": bearing}, "inputs": {"lines": True}})
    assert "bearing.no_lines" in [f.code for f in check(config, None)]


# ---- windows, description, thumbnail


def test_windows_are_a_function_of_recordings_and_options(tmp_path: Path) -> None:
    found = described(rig(tmp_path / "d"))
    index = WindowIndex(found.all_samples, WindowShape(1000, 250, RATE))
    assert len(index) == 18 * (1 + (2 * RATE - 1000) // 250)
    assert [index.place(k) for k in (0, 60, 61, len(index) - 1)] == [(0, 0), (0, 60), (1, 0), (17, 60)]
    window = index[62]
    values = np.load(window.recording.file)
    np.testing.assert_array_equal(window.read(), values[250:1250])
    assert window.seconds == 250 / RATE
    with pytest.raises(IndexError):
        index[len(index)]


def test_an_hour_has_its_windows_at_once() -> None:
    hour = Recording("a", "a", "s", "a", "", (0,), "x", 180_000_000, 0, 180_000_000, 50_000.0, 1500.0)
    index = WindowIndex([hour], WindowShape(2048, 1024, 50_000.0))
    assert (
        len(index) == 1 + (180_000_000 - 2048) // 1024 and index[len(index) - 1].start <= 180_000_000 - 2048
    )


def test_a_description_comes_back(tmp_path: Path) -> None:
    found = described(rig(tmp_path / "d"), split={"group_by": "bearing", "folds": 3})
    found.save(tmp_path / "run")
    loaded = RecordingDescription.load(tmp_path / "run")
    assert loaded.samples == found.samples and loaded.window == found.window and loaded.folds == 3
    assert loaded.resolved() == found.resolved() and loaded.class_names == found.class_names
    (tmp_path / "d" / "inner_i0_0hp_1500rpm.npy").unlink()
    assert "changed.gone" in codes(RecordingDescription.load(tmp_path / "run"))


def test_the_picture_shows_wave_and_spectrum(tmp_path: Path) -> None:
    found = described(rig(tmp_path / "d"))
    one = found.all_samples[0]
    assert BEARING.look.thumbnail is not None
    picture = BEARING.look.thumbnail({"id": one.id, "file": one.file, "channel": one.channel}, 160)
    assert picture.shape == (160, 160, 3) and picture.dtype == np.uint8
    assert (
        len({tuple(c) for c in picture[:59].reshape(-1, 3)}) == 2
        and (picture[62:] != 250).any(axis=2).mean() > 0.05
    )


# ---- published recordings, commands


@needs_cwru
def test_cwru_names_itself() -> None:
    config = BearingConfig.model_validate({"data": {"folder": str(CWRU)}})
    found = describe_data(config, store=False)
    labels = {r.id.split("_")[0].split("@")[0]: r.label for r in found.all_samples}
    assert labels == {"97": "normal", "105": "inner", "169": "inner", "209": "inner", "118": "ball", "185": "ball",
                      "222": "ball", "130": "outer", "197": "outer", "234": "outer"}  # fmt: skip
    assert {r.channel.split("_", 1)[1] for r in found.all_samples} == {"DE_time"}
    # the healthy ones are of 48 kHz: see ``known`` for what shows it
    assert {r.rate for r in found.all_samples if r.label != "normal"} == {12_000.0}
    assert {r.rate for r in found.all_samples if r.label == "normal"} == {48_000.0}
    assert all(1790 < r.speed < 1800 for r in found.all_samples)
    assert not found.has_errors and found.resolved()["data.bearing.model"] == "SKF 6205-2RS JEM"


@needs_cwru
def test_fault_sizes_are_left_out_one_by_one() -> None:
    data = {
        "folder": str(CWRU),
        "classes": ["ball", "inner", "outer"],
        "split": {"group_by": "severity", "leave_one_out": True},
    }
    found = describe_data(BearingConfig.model_validate({"data": data}), store=False)
    assert found.folds == 3 and sorted(r.label for r in found.samples["val"]) == ["ball", "inner", "outer"]


def test_the_commands_know_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = rig(tmp_path / "d")
    assert recognise_data(folder) == (BEARING, {"folder": str(folder)})
    words = [f"data.name_pattern={PATTERN}", f"data.facts.rate_hz={RATE}", "data.split.group_by=bearing",
             "data.bearing.kind=rolling", f"data.bearing.model={MODEL}"]  # fmt: skip
    assert run_command(["check", str(folder), *words]) == 0
    assert "18 recordings" in capsys.readouterr().out
    assert run_command(["split", str(folder), *words, "data.split.folds=3"]) == 0
    assert "image" not in capsys.readouterr().out


def test_reading_recordings_needs_no_torch() -> None:
    words = (
        "import sys, src.tasks.bearing.describe, src.tasks.bearing.description; print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout.strip() == "False", done.stderr


def test_unknown_options_are_refused() -> None:
    with pytest.raises((ConfigError, ValueError)):
        BearingConfig.model_validate({"data": {"split": {"group_by": "none"}}})
