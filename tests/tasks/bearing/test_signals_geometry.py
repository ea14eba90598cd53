"""Identities and published values of bearing geometry; the Sommerfeld number."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.tasks.bearing.geometry import (
    BEARINGS,
    JOURNAL_FORM,
    ROLLING_FORM,
    SOMMERFELD_CONVENTION,
    JournalBearing,
    RollingBearing,
    known_bearing,
    sommerfeld_number,
)


def test_the_orders_of_the_skf_6205_are_the_published_ones() -> None:
    bearing = known_bearing("SKF 6205-2RS JEM")
    assert [round(value, 4) for value in (bearing.ftf, bearing.bpfo, bearing.bpfi)] == [
        0.3983,
        3.5848,
        5.4152,
    ]
    assert bearing.ball_defect == pytest.approx(2 * 2.3567, abs=1e-4)
    assert bearing.frequencies(1797)["BPFO"] == pytest.approx(3.5848 * 29.95, rel=1e-4)
    assert bearing.frequencies(1797)["2×BSF"] == pytest.approx(2 * bearing.frequencies(1797)["BSF"])


@pytest.mark.parametrize(
    ("name", "speed", "part", "hertz"),
    [
        # What the publishers of the recordings state
        ("Rexnord ZA-2115", 2000, "BPFO", 236.4),
        ("Rexnord ZA-2115", 2000, "BPFI", 296.9),
        ("LDK UER204", 2100, "BPFO", 107.91),
        ("LDK UER204", 2100, "BPFI", 172.09),
        ("LDK UER204", 2100, "FTF", 13.49),
        ("PRONOSTIA", 1800, "BPFO", 168.3),
        ("MB ER-16K", 60, "BPFO", 3.572),
        ("SKF 6203-2RS JEM", 60, "BPFI", 4.9469),
    ],
)
def test_the_table_gives_the_frequencies_that_are_published(
    name: str, speed: float, part: str, hertz: float
) -> None:
    assert known_bearing(name).frequencies(speed)[part] == pytest.approx(hertz, rel=1e-3)


def test_every_bearing_of_the_table_has_a_source_and_its_own_name() -> None:
    assert all(bearing.source and bearing.name == name for name, bearing in BEARINGS.items())
    with pytest.raises(ValueError, match="not in the table") as told:
        known_bearing("6299")
    assert "MB ER-16K" in str(told.value)


@given(st.integers(3, 40), st.floats(1, 50), st.floats(0.02, 0.99), st.floats(0, 60), st.floats(1, 60_000))
def test_identities_hold_for_every_bearing(
    n: int, pitch: float, share: float, angle: float, speed: float
) -> None:
    bearing = RollingBearing(n, share * pitch * math.sin(math.pi / n), pitch, angle)
    assert bearing.bpfo + bearing.bpfi == pytest.approx(n)
    assert bearing.bpfo == pytest.approx(n * bearing.ftf)
    hertz = bearing.frequencies(speed)
    assert hertz["BPFO"] + hertz["BPFI"] == pytest.approx(n * speed / 60)
    assert bearing.defect_orders()["ball"] == 2 * bearing.bsf


def test_the_window_that_resolves_the_parts_separates_their_lines_by_two_bins() -> None:
    bearing = known_bearing("SKF 6205-2RS JEM")
    gap = min(bearing.bpfi - bearing.ball_defect, bearing.ball_defect - bearing.bpfo)
    assert bearing.seconds_to_resolve(1797) * 29.95 * gap == pytest.approx(2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"balls": 2}, "at least 3"),
        ({"ball_diameter_mm": 0.0}, "above 0"),
        ({"ball_diameter_mm": 50.0}, "swapped"),
        ({"contact_angle_deg": 90.0}, "below 90"),
        ({"balls": 30}, "do not fit"),
        ({"pitch_diameter_mm": float("nan")}, "greater"),
    ],
)
def test_measures_that_no_bearing_can_have_are_refused(change: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(known_bearing("SKF 6205-2RS JEM"), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_missing_speed_is_said(speed: float) -> None:
    with pytest.raises(ValueError, match="shaft's speed"):
        known_bearing("NICE").frequencies(speed)


def test_the_sommerfeld_number_is_that_of_the_definition_with_revolutions_per_second() -> None:
    # Shigley's example 12-1: μ 4 µreyn, N 30 rev/s, W 500 lbf, R 0.75 in, c 0.0015 in, L 1.5 in: S = 0.135
    assert sommerfeld_number(4e-6, 30, 500 / (2 * 0.75 * 1.5), 0.75, 0.0015) == pytest.approx(0.135, abs=5e-4)
    bearing = JournalBearing(radius_mm=19.05, clearance_mm=0.0381, length_mm=38.1)
    found = bearing.sommerfeld(viscosity=4e-6 * 6894.757, speed_rpm=1800, load_newton=500 * 4.448222)
    assert found.value == pytest.approx(0.135, abs=5e-4)
    assert found.convention == SOMMERFELD_CONVENTION and "rev/s" in found.convention


def test_a_journal_bearing_has_no_rolling_frequencies() -> None:
    journal = JournalBearing(20, 0.03, 40)
    assert not any(hasattr(journal, name) for name in ("ftf", "bpfo", "bpfi", "bsf", "frequencies"))
    assert not hasattr(RollingBearing, "sommerfeld")
    with pytest.raises(ValueError, match="micrometres"):
        JournalBearing(20, 30, 40)
    with pytest.raises(ValueError, match="load"):
        journal.sommerfeld(0.02, 1500, 0)


def test_the_forms_name_every_measure_of_their_type() -> None:
    for form, kind in ((ROLLING_FORM, RollingBearing), (JOURNAL_FORM, JournalBearing)):
        fields = [field.name for field in dataclasses.fields(kind) if field.name not in ("name", "source")]
        assert [item.name for item in form] == fields
