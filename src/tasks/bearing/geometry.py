"""Geometry of bearings: what a rolling bearing's defects sound like, and the Sommerfeld number of a journal bearing.

The two kinds are separate types with nothing in common: a journal bearing has no rolling elements, so it has no
characteristic frequencies, and a function for one kind cannot be given the other.

Frequencies of rolling bearings are kept as *orders*, events in one revolution of the shaft: f in Hz is order × speed in
rev/s. The formulas hold for pure rolling, a rotating inner ring and a fixed outer ring; slip moves real frequencies by
one or two per cent (R. B. Randall, J. Antoni, "Rolling element bearing diagnostics - a tutorial", Mechanical Systems and
Signal Processing 25 (2011) 485-520, equations 1 to 4).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final

INCH: Final = 25.4

#: The parts whose damage can be named, with the words for people; the order is that of all tables and plots.
PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {"inner": "inner race", "outer": "outer race", "ball": "ball"}
)


@dataclass(frozen=True)
class FormField:
    """What a form or a table says of one measure.

    Attributes:
        name: Field of the type.
        label, unit, help: For people; the unit is empty for a number without one.
    """

    name: str
    label: str
    unit: str
    help: str


ROLLING_FORM: Final = (
    FormField("balls", "Rolling elements", "", "Balls or rollers in one row."),
    FormField("ball_diameter_mm", "Ball diameter", "mm", "Diameter d of one ball or roller."),
    FormField(
        "pitch_diameter_mm", "Pitch diameter", "mm", "Diameter D of the circle through the balls' centres."
    ),
    FormField(
        "contact_angle_deg", "Contact angle", "°", "Angle φ between load and radial plane; 0 for deep groove."
    ),
)
JOURNAL_FORM: Final = (
    FormField("radius_mm", "Journal radius", "mm", "Radius R of the shaft in the bearing."),
    FormField("clearance_mm", "Radial clearance", "mm", "Bearing radius less journal radius, c."),
    FormField("length_mm", "Length", "mm", "Length L of the bearing along the shaft."),
)


def revolutions_per_second(speed_rpm: float) -> float:
    """Speed in rev/min to shaft frequency in Hz. Raises ValueError where it is not a positive number."""
    if not (math.isfinite(speed_rpm) and speed_rpm > 0):
        raise ValueError(
            f"The speed is {speed_rpm} rev/min; fault frequencies need a speed above 0. Give the shaft's speed."
        )
    return speed_rpm / 60.0


@dataclass(frozen=True)
class RollingBearing:
    """A bearing with balls or rollers; inner ring on the shaft, outer ring fixed.

    Attributes:
        balls: Rolling elements n in one row.
        ball_diameter_mm, pitch_diameter_mm: d and D.
        contact_angle_deg: φ.
        name: Designation, for people.
        source: Where the measures were published.

    Raises ValueError, saying what to correct, for measures that no bearing can have.
    """

    balls: int
    ball_diameter_mm: float
    pitch_diameter_mm: float
    contact_angle_deg: float = 0.0
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.balls, bool) or int(self.balls) != self.balls or not 3 <= self.balls <= 1000:
            raise ValueError(f"{self.balls} rolling elements: give the whole number in one row, at least 3.")
        if not (math.isfinite(self.ball_diameter_mm) and self.ball_diameter_mm > 0):
            raise ValueError(f"The ball diameter is {self.ball_diameter_mm} mm; it must be above 0.")
        if not (math.isfinite(self.pitch_diameter_mm) and self.pitch_diameter_mm > self.ball_diameter_mm):
            raise ValueError(
                f"The pitch diameter ({self.pitch_diameter_mm} mm) must be greater than the ball diameter "
                f"({self.ball_diameter_mm} mm). Are the two swapped, or is one in inches?"
            )
        if not 0 <= self.contact_angle_deg < 90:
            raise ValueError(
                f"The contact angle is {self.contact_angle_deg}°; it must be from 0 to below 90."
            )
        chord = self.pitch_diameter_mm * math.sin(math.pi / self.balls)
        if self.ball_diameter_mm > chord * (1 + 1e-9):
            raise ValueError(
                f"{self.balls} elements of {self.ball_diameter_mm} mm do not fit on a circle of "
                f"{self.pitch_diameter_mm} mm: at most {chord:.4g} mm each. Check the three measures."
            )

    @property
    def ratio(self) -> float:
        """γ = (d / D) cos φ."""
        return self.ball_diameter_mm / self.pitch_diameter_mm * math.cos(math.radians(self.contact_angle_deg))

    @property
    def ftf(self) -> float:
        """Order of the cage (fundamental train frequency): ½ (1 - γ)."""
        return 0.5 * (1.0 - self.ratio)

    @property
    def bpfo(self) -> float:
        """Order at which elements pass a point of the outer race: n/2 (1 - γ) = n · FTF."""
        return self.balls * self.ftf

    @property
    def bpfi(self) -> float:
        """Order at which elements pass a point of the inner race: n/2 (1 + γ) = n - BPFO."""
        return 0.5 * self.balls * (1.0 + self.ratio)

    @property
    def bsf(self) -> float:
        """Order of an element's spin about itself: D/(2d) (1 - γ²)."""
        return 0.5 * self.pitch_diameter_mm / self.ball_diameter_mm * (1.0 - self.ratio**2)

    @property
    def ball_defect(self) -> float:
        """Order of a ball's defect: 2 · BSF, since the defect strikes both races in each turn of the ball."""
        return 2.0 * self.bsf

    def defect_orders(self) -> dict[str, float]:
        """The order at which each part of `PARTS` shows."""
        return {"inner": self.bpfi, "outer": self.bpfo, "ball": self.ball_defect}

    def modulation_orders(self) -> dict[str, float]:
        """The order at which each part's impulses are modulated as it passes the loaded zone; 0 where it stays there."""
        return {"inner": 1.0, "outer": 0.0, "ball": self.ftf}

    def frequencies(self, speed_rpm: float) -> dict[str, float]:
        """Hz at a speed in rev/min: ``shaft``, ``FTF``, ``BPFO``, ``BPFI``, ``BSF`` and ``2×BSF``."""
        shaft = revolutions_per_second(speed_rpm)
        orders = {
            "shaft": 1.0, "FTF": self.ftf, "BPFO": self.bpfo, "BPFI": self.bpfi, "BSF": self.bsf,
            "2×BSF": self.ball_defect,
        }  # fmt: skip
        return {name: order * shaft for name, order in orders.items()}

    def revolutions_to_resolve(self) -> float:
        """Revolutions of the shaft that a window must hold so that no two parts' frequencies fall into one line.

        Two lines under a Hann window are apart when they differ by two bins (half the width of its main lobe; F. J.
        Harris, Proc. IEEE 66 (1978) 51-83), and a bin is one order over the number of revolutions.
        """
        orders = sorted([1.0, *self.defect_orders().values()])
        return 2.0 / min(b - a for a, b in pairwise(orders) if b > a)

    def seconds_to_resolve(self, speed_rpm: float) -> float:
        """The shortest window, in seconds, that tells the parts' frequencies apart at a speed in rev/min."""
        return self.revolutions_to_resolve() / revolutions_per_second(speed_rpm)


def _inches(balls: int, ball: float, pitch: float, angle: float, name: str, source: str) -> RollingBearing:
    return RollingBearing(balls, round(ball * INCH, 4), round(pitch * INCH, 4), angle, name, source)


_BEARINGS = (
    RollingBearing(9, 7.94, 39.04, 0.0, "SKF 6205-2RS JEM", "Case Western Reserve University, drive end"),
    _inches(8, 0.2656, 1.122, 0.0, "SKF 6203-2RS JEM", "Case Western Reserve University, fan end"),
    RollingBearing(8, 6.75, 28.55, 0.0, "6203", "Paderborn University (Lessmeier et al., PHM Europe 2016)"),
    _inches(
        16, 0.331, 2.815, 15.17, "Rexnord ZA-2115", "IMS Cincinnati (Qiu et al., J. Sound Vib. 289, 2006)"
    ),
    _inches(8, 0.235, 1.245, 0.0, "NICE", "MFPT Society fault data sets (Bechhoefer 2013)"),
    RollingBearing(8, 7.92, 34.55, 0.0, "LDK UER204", "XJTU-SY (Wang et al., IEEE Trans. Reliab. 69, 2020)"),
    RollingBearing(13, 3.5, 25.6, 0.0, "PRONOSTIA", "FEMTO-ST (Nectoux et al., IEEE PHM 2012)"),
    _inches(
        9,
        0.3125,
        1.516,
        0.0,
        "MB ER-16K",
        "SpectraQuest simulator; University of Ottawa (Huang, Baddour 2018)",
    ),
)

#: Bearings by designation. Measures are those published with the recordings; a maker may change the ball complement
#: under one designation, so the form for own measures stands beside the table.
BEARINGS: Final[Mapping[str, RollingBearing]] = MappingProxyType(
    {bearing.name: bearing for bearing in _BEARINGS}
)


def known_bearing(name: str) -> RollingBearing:
    """A bearing of the table by its designation. Raises ValueError that lists the table where it is not there."""
    if name not in BEARINGS:
        raise ValueError(
            f"{name!r} is not in the table of bearings ({', '.join(BEARINGS)}). Choose one of them, or give the number of "
            "rolling elements, the ball diameter, the pitch diameter and the contact angle."
        )
    return BEARINGS[name]


#: What a stored Sommerfeld number means. Other conventions differ by factors of 2π and by (L/D)², so it goes with every
#: stored value.
SOMMERFELD_CONVENTION: Final = "S = (μN/P)(R/c)², N in rev/s, P = W/(2RL)"


@dataclass(frozen=True)
class JournalBearing:
    """A plain bearing: a shaft on an oil film. It has no FTF, BPFO, BPFI or BSF.

    Attributes:
        radius_mm: R of the journal.
        clearance_mm: Radial clearance c.
        length_mm: L.
        name: For people.

    Raises ValueError for measures that no bearing can have.
    """

    radius_mm: float
    clearance_mm: float
    length_mm: float
    name: str = ""

    def __post_init__(self) -> None:
        for field in JOURNAL_FORM:
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{field.label} is {value} mm; it must be above 0.")
        if self.clearance_mm >= self.radius_mm:
            raise ValueError(
                f"The radial clearance ({self.clearance_mm} mm) must be far smaller than the journal radius "
                f"({self.radius_mm} mm). Is it in micrometres?"
            )

    def pressure(self, load_newton: float) -> float:
        """Load over projected area, P = W / (2RL), in Pa."""
        return load_newton / (2.0 * self.radius_mm * self.length_mm * 1e-6)

    def sommerfeld(self, viscosity: float, speed_rpm: float, load_newton: float) -> Sommerfeld:
        """The bearing's number at a viscosity in Pa·s, a speed in rev/min and a radial load in newtons."""
        if not (math.isfinite(load_newton) and load_newton > 0):
            raise ValueError(f"The load is {load_newton} N; the Sommerfeld number needs a load above 0.")
        speed = revolutions_per_second(speed_rpm)
        return Sommerfeld(
            sommerfeld_number(viscosity, speed, self.pressure(load_newton), self.radius_mm, self.clearance_mm)
        )


@dataclass(frozen=True)
class Sommerfeld:
    """A Sommerfeld number with the convention it was computed in; the two are stored together."""

    value: float
    convention: str = SOMMERFELD_CONVENTION


def sommerfeld_number(
    viscosity: float, revolutions_per_s: float, pressure: float, radius: float, clearance: float
) -> float:
    """S = (μN/P)(R/c)², without unit (Raimondi and Boyd, ASLE Trans. 1 (1958); N in rev/s, not rad/s).

    Args:
        viscosity: Dynamic viscosity μ, Pa·s.
        revolutions_per_s: N.
        pressure: P, Pa.
        radius, clearance: R and c in one unit.

    Raises ValueError where a value is not positive.
    """
    values = {
        "viscosity": viscosity, "speed": revolutions_per_s, "pressure": pressure, "radius": radius, "clearance": clearance,
    }  # fmt: skip
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"The {name} is {value}; the Sommerfeld number needs values above 0.")
    return viscosity * revolutions_per_s / pressure * (radius / clearance) ** 2
