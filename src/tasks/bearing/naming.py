"""Facts from names: fields of a pattern, usual names of variables and columns, words that name faults."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from src.core.dataset.findings import DatasetError, Finding
from src.tasks.bearing.units import named_unit, unit_behind

#: The facts of a recording, in the order in which they are asked for.
FACTS = ("label", "rate", "speed", "load", "bearing", "machine", "severity")

#: Names of a speed that is a frequency, in Hz unless a unit says otherwise.
_FREQUENCIES = ("shaftfrequency", "rotationfrequency", "rotationalfrequency", "rotatingfrequency", "rotorfrequency",
                "drehfrequenz", "shaftrate", "shaftfreq", "rps")  # fmt: skip
#: Names of the time between two samples.
_INTERVALS = ("dt", "deltat", "deltax", "samplingperiod", "sampleperiod", "samplinginterval", "sampleinterval", "timestep",
              "timeincrement", "xincrement", "wfincrement", "abtastintervall")  # fmt: skip
#: Usual names of each fact among variables, columns and attributes: without digits, marks and capitals, see `plain`.
_USUAL: dict[str, tuple[str, ...]] = {
    "label": ("label", "class", "fault", "faulttype", "condition", "state", "category", "target", "damage"),
    "rate": ("fs", "sr", "rate", "samplingrate", "samplerate", "samplefrequency", "samplingfrequency", "fsamp",
             "abtastrate", "abtastfrequenz"),
    "speed": ("rpm", "speed", "shaftspeed", "rotationalspeed", "rotatingspeed", "rotorspeed", "motorspeed", "drehzahl",
              "shaftrpm", "speedrevmin", *_FREQUENCIES),
    "load": ("load", "loadn", "loadhp", "loadnm", "torque", "force", "radialload", "last", "motorload"),
    "bearing": ("bearing", "bearingid", "bearingcode", "bearingname", "lager"),
    "machine": ("machine", "machineid", "rig", "unitid", "asset", "maschine", "motor"),
    "severity": ("severity", "faultsize", "size", "diameter", "faultdiameter", "level", "damagelevel"),
    "interval": _INTERVALS,
}  # fmt: skip
#: Fields of structures that say nothing: the one around them names what they hold.
_EMPTY = frozenset({"data", "value", "values"})
#: Short codes that name a part without doubt, as in ``IR007`` or ``B021``.
_CODE = re.compile(r"(?<![A-Za-z])(IR|OR|B)(?=\d{3})")
#: Kinds of bearings are called after parts that are not damaged.
_KINDS = re.compile(r"(?:ball|roller|rolling(?:[\s_-]*element)?)[\s_-]*bearings?", re.IGNORECASE)
#: Fields of numbers begin with a digit and take the whole number: ``{label}{speed}_*`` divides ``ib600_2``.
_NUMERIC = dict.fromkeys(("speed", "rpm", "rate", "fs"), r"\d+(?:[.,]\d+)?[A-Za-z]*?")
_FIELD = re.compile(r"\\\{([A-Za-z_]\w*)\\\}")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")
#: Words of a label that name a part, the longest first; `plain` and word borders apply.
_FAULT_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("normal", ("normal", "healthy", "health", "good", "none", "baseline", "intact", "ok", "undamaged", "n", "h", "gesund",
                "nofault")),
    ("inner", ("inner", "innerrace", "innerring", "ir", "irf", "bpfi", "innen", "innenring", "i")),
    ("outer", ("outer", "outerrace", "outerring", "or", "orf", "bpfo", "aussen", "außen", "außenring", "aussenring", "o")),
    ("ball", ("ball", "balls", "rollingelement", "rollingelements", "roller", "re", "bsf", "b", "kugel", "rolling", "element")),
    ("cage", ("cage", "ftf", "kaefig", "käfig", "c")),
)  # fmt: skip


def plain(name: str) -> str:
    """A name in small letters without digits and marks: ``X105RPM`` is ``xrpm``, ``Sampling_Rate`` ``samplingrate``."""
    return re.sub(r"[\W\d_]+", "", name).lower()


@dataclass(frozen=True)
class NamePattern:
    """The fields that a pattern finds in names.

    Attributes:
        text: As it was written.
        regex: What it means; named brackets are the fields.
    """

    text: str
    regex: re.Pattern[str]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(self.regex.groupindex)

    def read(self, sample_id: str) -> dict[str, str] | None:
        """The fields in the id of a file; ``None`` where the pattern does not fit."""
        match = self.regex.search(sample_id)
        if match is None:
            return None
        return {name: value.strip() for name, value in match.groupdict().items() if value}

    def unit(self, sample_id: str, field: str) -> str:
        """The unit that follows a field in the id of a file, ``hz`` in ``35Hz12kN``; empty where there is none."""
        match = self.regex.search(sample_id)
        return unit_behind(sample_id[match.end(field) :]) if match and match[field] else ""


def name_pattern(text: str) -> NamePattern | None:
    """What ``data.name_pattern`` means; ``None`` for an empty one.

    ``{label}_{load}.mat``: a bracket is a field and takes no slash, ``{speed}`` and ``{rate}`` begin with a digit, ``*`` is
    anything but a slash. The pattern fits at the
    end of the path, with or without the suffix; folders stand before a slash: ``{machine}/{label}_*``.

    Raises:
        DatasetError: It cannot be used.
    """
    text = text.strip().replace("\\", "/") if "(?P<" not in text else text.strip()
    if not text:
        return None
    if "(?P<" in text:
        # imported late: with it come the readers of images, for which the window must not wait
        from src.core.dataset.splitting.grouping import compile_pattern

        return NamePattern(text, compile_pattern(text))
    quoted = re.escape(text)
    names = _FIELD.findall(quoted)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or not names:
        fault = f"“{{{twice[0]}}}” stands in it twice" if twice else "it has no field such as {label}"
        raise DatasetError(
            Finding("error", "names.pattern", f"The name pattern “{text}” cannot be used: {fault}.",
                    "Correct data.name_pattern.", ("data.name_pattern",))
        )  # fmt: skip
    body = _FIELD.sub(lambda match: f"(?P<{match[1]}>{_NUMERIC.get(match[1], '[^/]+?')})", quoted).replace(
        r"\*", "[^/]*?"
    )
    return NamePattern(text, re.compile(rf"(?:^|/){body}(?:\.\w+)?$", re.IGNORECASE))


@dataclass(frozen=True)
class PatternPreview:
    """What a pattern makes of names, for a window that shows it while one types.

    Attributes:
        fields: Names of the fields, in their order.
        rows: Some ids with their fields; ``None`` where the pattern does not fit.
        matched, total: How many names it fits.
        values: The values of each field with the number of names, the most frequent first, at most 20.
        problem: Why the pattern cannot be used; then all else is empty.
    """

    fields: tuple[str, ...] = ()
    rows: tuple[tuple[str, Mapping[str, str] | None], ...] = ()
    matched: int = 0
    total: int = 0
    values: Mapping[str, tuple[tuple[str, int], ...]] | None = None
    problem: str = ""

    def sentence(self) -> str:
        """The preview in one sentence."""
        if self.problem:
            return self.problem
        return f"The pattern fits {self.matched} of {self.total} names."


def preview_pattern(ids: Sequence[str], text: str, rows: int = 8) -> PatternPreview:
    """What a name pattern makes of the ids of recordings; nothing is raised for a faulty one."""
    try:
        pattern = name_pattern(text)
    except DatasetError as error:
        return PatternPreview(problem=f"{error.findings[0].message} {error.findings[0].cure}")
    if pattern is None:
        return PatternPreview(total=len(ids))
    found = [(sample_id, pattern.read(sample_id)) for sample_id in ids]
    counts: dict[str, Counter[str]] = {name: Counter() for name in pattern.fields}
    for _, fields in found:
        for name, value in (fields or {}).items():
            counts[name][value] += 1
    shown = sorted(found, key=lambda item: item[1] is not None)[: rows // 4] if rows > 3 else []
    misses = [item for item in shown if item[1] is None]
    hits = [item for item in found if item[1] is not None][: rows - len(misses)]
    return PatternPreview(
        fields=pattern.fields,
        rows=tuple(hits + misses),
        matched=sum(fields is not None for _, fields in found),
        total=len(ids),
        values={name: tuple(counter.most_common(20)) for name, counter in counts.items()},
    )


def _leaf(name: str) -> str:
    *before, last = name.split(".")
    return before[-1] if before and plain(last) in _EMPTY else last


def _word(name: str) -> str:
    return plain(_leaf(name))


def unit_in(name: str) -> str:
    """The unit that the name of a variable, column or field states or means; empty where there is none."""
    bare, unit = named_unit(_leaf(name))
    return unit or ("hz" if plain(bare) in _FREQUENCIES else "")


def usual(fact: str, names: Iterable[str]) -> str:
    """The name that usually stands for a fact; empty where there is none. ``X105RPM`` ends in one: that counts too."""
    wanted = _USUAL[fact]
    found: list[tuple[int, str]] = []
    for name in names:
        word = _word(name)
        bare = plain(named_unit(_leaf(name))[0])
        if word in wanted or bare in wanted:
            found.append((wanted.index(word if word in wanted else bare), name))
        elif any(len(w) > 2 and word.endswith(w) and len(word) <= len(w) + 2 for w in wanted):
            found.append((len(wanted), name))
    return min(found, key=lambda item: item[0], default=(0, ""))[1]


def matching(name: str, wanted: str) -> bool:
    """Whether a variable is the one that is wanted: the same, fitting its ``*``, or ending in it."""
    low, want = name.lower(), wanted.strip().lower()
    return low == want or fnmatch.fnmatchcase(low, want) or low.endswith(("_" + want, "." + want))


def number(text: float | str | None) -> float:
    """The first number in a value, ``1797rpm`` as well as ``0,5``; 0 where there is none."""
    if text is None or isinstance(text, int | float):
        return float(text or 0)
    match = _NUMBER.search(text)
    return float(match[0].replace(",", ".")) if match else 0.0


def fault_of(label: str) -> str:
    """The part that a label names: ``normal``, ``inner``, ``outer``, ``ball``, ``cage``; empty where no word is known.

    ``IR007_0``, ``inner race`` and ``B`` are understood; of several parts the first.
    """
    words = [w.lower() for w in re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-zß-ÿ])(?=[A-Z])", " ", label))]
    joined = ["".join(words), *("".join(pair) for pair in pairwise(words)), *words]
    for single in (False, True):  # letters alone count only where no word does
        for word in joined:
            for part, names in _FAULT_WORDS:
                if word in names and (len(word) == 1) == single:
                    return part
    return ""


def fault_in_name(name: str) -> str:
    """The part that the name of a file or folder holds as a word or a code; empty where there is none without doubt.

    Words of one or two letters count only where they are the whole name; several parts are joined by ``+``.
    """
    name = _KINDS.sub(" ", name)
    if match := _CODE.search(name):
        return fault_of(match[1])
    if re.fullmatch(r"[^\W\d_]{1,3}(@\d+)?", name):
        return fault_of(name)
    words = [word for word in re.findall(r"[^\W\d_]+", name) if len(word) > 2]
    split = [part for word in words for part in re.sub(r"(?<=[a-zß-ÿ])(?=[A-Z])", " ", word).split()]
    parts = [part for word in [*words, *split] if len(word) > 2 and (part := fault_of(word))]
    damaged = [part for part in dict.fromkeys(parts) if part != "normal"]  # “inner, normal load”
    return "+".join(damaged or parts[:1]) or fault_of(" ".join(words))


def faults_in(label: str) -> list[str]:
    """The labels in one that names several: ``inner+ball`` is two; healthy is none."""
    parts = [part.strip() for part in re.split(r"[+&,;/|]|\band\b", label) if part.strip()]
    return [part for part in dict.fromkeys(parts) if fault_of(part) != "normal"]


def parts_of_codes(stems: Sequence[str]) -> list[str]:
    """The part that a code of letters at the beginning of each name means, ``I402`` and ``H-A-1``; empty where not all do.

    Codes are letters such as N, I, O, B, and pairs of them (``IO`` is inner and outer) where each letter also stands alone:
    ``ib``, ``ob`` and ``tb`` of another rig mean something else.
    """
    codes = [
        match[1].upper() if (match := re.match(r"([A-Za-z]{1,3})(?=[-_ @\d])", stem)) else ""
        for stem in stems
    ]
    alone = {code: fault_of(code) for code in codes if len(code) == 1 or code in ("IR", "OR", "RE")}
    if len(set(filter(None, alone.values()))) < 2 or not all(alone.values()):
        return []
    found = []
    for code in codes:
        letters = [code] if code in alone else list(code)
        if not letters or any(letter not in alone for letter in letters):
            return []
        found.append("+".join(dict.fromkeys(alone[letter] for letter in letters)))
    return found


def folder_of(sample_id: str) -> str:
    """The folder that directly holds a file; empty at the top."""
    parent = PurePosixPath(sample_id).parent.name
    return parent


__all__ = [
    "FACTS",
    "NamePattern",
    "PatternPreview",
    "fault_in_name",
    "fault_of",
    "faults_in",
    "folder_of",
    "matching",
    "name_pattern",
    "number",
    "parts_of_codes",
    "plain",
    "preview_pattern",
    "unit_in",
    "usual",
]
