"""Recordings of published rigs that name themselves: the numbers of the CWRU files stand for fault, size and load.

Source: Bearing Data Center, Case Western Reserve University; the tables of its pages, gathered by W. A. Smith and R. B.
Randall, Mechanical Systems and Signal Processing 64-65 (2015) 100-131, appendix A. Here: drive end, 12 and 48 kHz.

The recordings of healthy bearings are of 48 kHz, although they are often used as 12 kHz: read so, their lines (147.7, 161.6,
191.6, 359.1, 360.0 and 389.8 Hz) are those of the faulty recordings at 12 kHz; otherwise they lie at a quarter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_VARIABLE = re.compile(r"X(\d{3,4})_?(?:DE_time|FE_time|BA_time|RPM)$")
_LEADING = re.compile(r"(?:^|/)(\d{2,4})(?=[@_.]|$)")
#: Speeds that the pages state for the four loads, in rev/min; the files hold measured ones, but for a few.
_NOMINAL = (1797, 1772, 1750, 1730)
BEARING = "SKF 6205-2RS JEM"

#: Rate in kHz, fault, diameter in inch, the numbers at 0, 1, 2 and 3 horsepower.
_TABLE: tuple[tuple[int, str, str, tuple[int, int, int, int]], ...] = (
    (48, "normal", "", (97, 98, 99, 100)),
    (12, "inner", "0.007", (105, 106, 107, 108)), (12, "inner", "0.014", (169, 170, 171, 172)),
    (12, "inner", "0.021", (209, 210, 211, 212)), (12, "inner", "0.028", (3001, 3002, 3003, 3004)),
    (12, "ball", "0.007", (118, 119, 120, 121)), (12, "ball", "0.014", (185, 186, 187, 188)),
    (12, "ball", "0.021", (222, 223, 224, 225)), (12, "ball", "0.028", (3005, 3006, 3007, 3008)),
    (12, "outer", "0.007", (130, 131, 132, 133)), (12, "outer", "0.014", (197, 198, 199, 200)),
    (12, "outer", "0.021", (234, 235, 236, 237)),
    (12, "outer", "0.007@3", (144, 145, 146, 147)), (12, "outer", "0.021@3", (246, 247, 248, 249)),
    (12, "outer", "0.007@12", (156, 158, 159, 160)), (12, "outer", "0.021@12", (258, 259, 260, 261)),
    (48, "inner", "0.007", (109, 110, 111, 112)), (48, "inner", "0.014", (174, 175, 176, 177)),
    (48, "inner", "0.021", (213, 214, 215, 217)),
    (48, "ball", "0.007", (122, 123, 124, 125)), (48, "ball", "0.014", (189, 190, 191, 192)),
    (48, "ball", "0.021", (226, 227, 228, 229)),
    (48, "outer", "0.007", (135, 136, 137, 138)), (48, "outer", "0.014", (201, 202, 203, 204)),
    (48, "outer", "0.021", (238, 239, 240, 241)),
    (48, "outer", "0.007@3", (148, 149, 150, 151)), (48, "outer", "0.021@3", (250, 251, 252, 253)),
    (48, "outer", "0.007@12", (161, 162, 163, 164)), (48, "outer", "0.021@12", (262, 263, 264, 265)),
)  # fmt: skip


def _facts(row: tuple[int, str, str, tuple[int, int, int, int]], load: int) -> dict[str, str]:
    rate, label, size, _ = row
    # Recordings at 48 kHz and those with the fault turned to 3 or 12 o'clock may be of the same bearing: one group.
    diameter = size.partition("@")[0]
    found = {
        "label": label,
        "rate": f"{rate}000",
        "speed": str(_NOMINAL[load]),
        "load": str(load),
        "bearing": f"{label} {diameter}".strip(),
        "machine": "CWRU",
    }
    if diameter:
        found["severity"] = diameter
    return found


_BY_NUMBER = {n: _facts(row, load) for row in _TABLE for load, n in enumerate(row[3])}


def cwru_facts(sample_id: str, variables: Iterable[str]) -> dict[str, str]:
    """What the number of a CWRU recording says; empty for all other files.

    The file must hold a variable such as ``X105_DE_time``. Its number is that of the recording; where a file holds those
    of two recordings, as some do, the number at the beginning of its name decides, or that of its only speed.
    """
    found = [match for name in variables if (match := _VARIABLE.fullmatch(name))]
    numbers = {int(match[1]) for match in found if not match[0].endswith("RPM")}
    speeds = {int(match[1]) for match in found if match[0].endswith("RPM")} & numbers
    if len(numbers) > 1 and len(speeds) == 1:
        numbers = speeds
    leading = _LEADING.search(sample_id)
    if numbers and leading and int(leading[1]) in _BY_NUMBER:
        return dict(_BY_NUMBER[int(leading[1])])
    return dict(_BY_NUMBER.get(next(iter(numbers)), {})) if len(numbers) == 1 else {}
