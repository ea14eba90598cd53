"""The speed of each window: from a channel of it, pulses of a tachometer, or a beginning and an end; journal bearings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from src.core.config import override_layer, resolve
from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.description import BEARING
from src.tasks.bearing.geometry import SOMMERFELD_CONVENTION
from src.tasks.bearing.recordings import Recording, mean_speed
from src.tasks.bearing.task import BearingTask
from tests.tasks.bearing.made import BEARING_MODEL

RATE, SECONDS = 4000, 8
TIME = np.arange(RATE * SECONDS) / RATE
#: A machine that runs up from 900 to 1500 rev/min.
RPM = 900 + 75 * TIME
TURNS = np.cumsum(RPM) / 60 / RATE


def described(folder: Path, *more: str) -> tuple[Any, RecordingDescription]:
    pairs = [f"data.folder={folder}", "data.name_pattern={label}_{run}", f"data.facts.rate_hz={RATE}", "data.channel=vibration",
             "data.bearing.kind=rolling", f"data.bearing.model={BEARING_MODEL}", "inputs.workers=0", *more]  # fmt: skip
    config = resolve(BEARING.config, [override_layer(pairs, BEARING.config)]).config
    return config, BEARING.describe(config, store=False)  # type: ignore[return-value]


def write(folder: Path, **channels: Any) -> None:
    for seed, name in enumerate(("inner_1", "inner_2", "outer_1", "outer_2")):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["vibration"] = np.random.default_rng(seed).normal(size=len(TIME)).astype(np.float32)
            for key, value in channels.items():
                file[key] = value


def of(data: RecordingDescription) -> Recording:
    return data.all_samples[0]


def expect_run_up(recording: Recording, within: float) -> None:
    assert recording.speed == pytest.approx(1200, rel=within)
    for first in (0, 10_000, 24_000):
        true = float(RPM[first : first + 4000].mean())
        assert recording.speed_between(first, first + 4000) == pytest.approx(true, rel=within)


def test_a_channel_of_the_speed_gives_each_window_its_own(tmp_path: Path) -> None:
    write(tmp_path, rpm=RPM)
    config, data = described(tmp_path)
    expect_run_up(of(data), 2e-3)
    finding = next(f for f in data.findings if f.code == "speed.varies")
    assert "4 recordings, from 901" in finding.message
    windows = BearingTask(config, data).window_set("train")
    speeds = [windows.speed(n) for n in range(int(windows.index.counts[0]))]
    assert (np.diff(speeds) > 0).all() and speeds[0] == pytest.approx(900 + 75 * 0.25, rel=2e-3)
    assert windows.index[3].speed == speeds[3]
    data.save(tmp_path / "kept")
    back = RecordingDescription.load(tmp_path / "kept")
    assert of(back) == of(data)


def test_the_speed_in_hertz_at_another_rate_than_the_signal(tmp_path: Path) -> None:
    write(tmp_path, speed=RPM[::40] / 60)
    expect_run_up(of(described(tmp_path, "data.facts.speed_unit=hz")[1]), 5e-3)


@pytest.mark.parametrize("pulses", [1, 20])
def test_pulses_of_a_tachometer_tell_the_speed(tmp_path: Path, pulses: int) -> None:
    rng = np.random.default_rng(1)
    tacho = 5.0 * ((TURNS * pulses) % 1 < 0.5) + rng.normal(0, 0.3, len(TIME))  # noise must not make pulses
    write(tmp_path, tacho=tacho)
    _, data = described(tmp_path, "data.facts.tachometer=tacho", f"data.facts.pulses={pulses}")
    expect_run_up(of(data), 1e-2)


def test_a_steady_machine_has_a_speed_and_no_course(tmp_path: Path) -> None:
    write(tmp_path, tacho=((TIME * 20) % 1 < 0.2).astype(float))
    _, data = described(tmp_path, "data.facts.tachometer=tacho")
    assert of(data).speed == pytest.approx(1200, rel=1e-3) and of(data).course == ()


def test_without_pulses_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, tacho=np.zeros(len(TIME)))
    _, data = described(tmp_path, "data.facts.tachometer=tacho")
    assert of(data).speed == 0 and "speed.no_pulses" in {f.code for f in data.findings}


def test_a_beginning_and_an_end(tmp_path: Path) -> None:
    write(tmp_path, rpm=900.0, rpm_end=1500.0)
    _, data = described(tmp_path, "data.facts.speed=rpm", "data.facts.speed_end=rpm_end")
    expect_run_up(of(data), 1e-3)
    _, one = described(tmp_path, "data.facts.speed_rpm=1000")
    assert of(one).speed == 1000 and not of(one).course


def test_the_mean_of_a_course_is_its_integral() -> None:
    course = ((0.25, 100.0), (0.5, 200.0), (0.75, 200.0))
    place = np.linspace(0, 1, 100_001)
    speed = np.interp(place, [p for p, _ in course], [v for _, v in course])
    for low, high in ((0, 1), (0.1, 0.3), (0.4, 0.6), (0.8, 0.9), (0.3, 0.31)):
        inside = speed[(place >= low) & (place <= high)]
        assert mean_speed(course, low, high) == pytest.approx(inside.mean(), rel=1e-3)
    assert mean_speed(course, 0.5, 0.5) == 200 and mean_speed(course, -3, -2) == 100


# ---- journal bearings


JOURNAL = ("data.bearing.kind=journal", "data.bearing.model=", "data.bearing.radius_mm=19.05", "data.bearing.clearance_mm=0.0381",
           "data.bearing.length_mm=38.1", "inputs.lines=false", "inputs.envelope=true", "data.facts.speed_rpm=1800")  # fmt: skip


def test_a_journal_bearing_gets_its_sommerfeld_number_with_the_convention_and_no_fault_lines(
    tmp_path: Path,
) -> None:
    """Shigley's example 12-1: S = 0.135."""
    write(tmp_path)
    oil = (f"data.bearing.viscosity_pa_s={4e-6 * 6894.757}", f"data.bearing.load_newton={500 * 4.448222}")
    config, data = described(tmp_path, *JOURNAL, *oil)
    kept = data.statistics["sommerfeld"]
    assert kept["convention"] == SOMMERFELD_CONVENTION
    assert list(kept["values"].values()) == pytest.approx([0.135] * 4, abs=5e-4)
    assert "0.135" in next(f.message for f in data.findings if f.code == "journal.sommerfeld")
    assert not [f for f in BEARING.check(config, data) if f.severity == "error"]
    task = BearingTask(config, data)
    assert task.bearing is None and task.maker.orders is None
    wrong, _ = described(tmp_path, *JOURNAL, "inputs.lines=true")
    assert "bearing.no_lines" in {f.code for f in BEARING.check(wrong, None)}
    _, without = described(tmp_path, *JOURNAL)
    assert "sommerfeld" not in without.statistics and "journal.unknown" in {f.code for f in without.findings}
