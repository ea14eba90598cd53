"""Labels that no pattern, table or file states: from folders and words in names, for the set as a whole; and renaming them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from src.core.dataset.findings import DatasetError, Finding
from src.tasks.bearing.found import Known
from src.tasks.bearing.naming import fault_in_name, parts_of_codes

if TYPE_CHECKING:
    from src.tasks.bearing.config import SignalDataConfig

#: The word for ``data.facts.label`` that takes the part which folder or name state.
PART = "part"
_MEASURE = re.compile(
    r"(?:\d+(?:[.,]\d+)?\s*(?:k?hz|k|kn|nm?|g|kg|mm|rpm|hp|k?w|v|a|inch|in|mil|s|min|bar|°?c|%)?[\s_\-]*)+",
    re.IGNORECASE,
)
_CLASSES = re.compile(r"(?:class|klasse|label|fault|state|type?)(?![a-z])", re.IGNORECASE)


def label_all(files: Sequence[Known], config: SignalDataConfig) -> None:
    """Give the recordings without a label one, if folders or names state it, and rename labels as `data.rename` says.

    One rule serves all of them, so that a label never is a folder here and a word of the name there: the folder that names
    a part of the bearing (the nearest, then those above it), where none does a word in the file's name, then a code at its
    beginning, then the nearest folder of words. Folders of numbers (``6g``, ``Bearing1_2``, ``K004``) are no labels.

    Raises:
        DatasetError: A rule of ``data.rename`` cannot be used.
    """
    rules = _rules(config.rename)
    rest = [k for k in files if "label" not in k.facts]
    for known in list(rest):
        if found := _renamed_place(known, rules):
            _set(known, found, "words")
            rest.remove(known)
    if config.facts.label.lower() == PART:
        _by_part(rest)
    elif not config.facts.label and not any(
        k.origin.get("label") in ("name", "table", "file") for k in files
    ):
        _by_places(rest)
    for known in files:
        label = known.facts.get("label", "")
        known.facts |= {"label": _renamed(label, rules)} if label else {}


def _by_part(files: Sequence[Known]) -> None:
    for known in files:
        place = next((p for p in (*_folders(known), _stem(known)) if fault_in_name(p)), "")
        if place:
            _set(known, fault_in_name(place), "words", place)


def _by_places(files: Sequence[Known]) -> None:
    naming = {known.id: next((f for f in _folders(known) if fault_in_name(f)), "") for known in files}
    words = {known.id: fault_in_name(_stem(known)) for known in files}
    if any(naming.values()):
        for known in files:
            _set(known, naming[known.id] or _plain_folder(known), "folder", naming[known.id])
        names = set(filter(None, naming.values()))
        if len({fault_in_name(name) for name in names}) < len(names):
            _by_part([k for k in files if naming[k.id]])  # two folders of one part are one class
    elif 2 * sum(map(bool, words.values())) >= max(1, len(files)):
        codes = parts_of_codes([_stem(k) for k in files]) if not all(words.values()) else []
        for number, known in enumerate(files):
            _set(known, words[known.id] or (codes[number] if codes else ""), "words")
    elif codes := parts_of_codes([_stem(k) for k in files]):
        for known, part in zip(files, codes, strict=True):
            _set(known, part, "words")
    else:
        folders = {folder for known in files if (folder := _plain_folder(known))}
        if any(not re.search(r"\d", f) or _CLASSES.match(f) for f in folders):
            for known in files:
                _set(known, _plain_folder(known), "folder")


def _set(known: Known, label: str, origin: str, place: str = "") -> None:
    if label:
        known.facts["label"], known.origin["label"] = label, origin
        if place:
            known.names["label"] = place


def _folders(known: Known) -> list[str]:
    """Names of the folders, the nearest first; those of a file's parts count as folders."""
    return list(reversed(PurePosixPath(known.id).parts[:-1]))


def _plain_folder(known: Known) -> str:
    return next((f for f in _folders(known) if not _MEASURE.fullmatch(f)), "")


def _stem(known: Known) -> str:
    return PurePosixPath(known.id).stem


def _rules(written: str) -> list[tuple[str, str]]:
    found = []
    for rule in filter(str.strip, written.split(",")):
        left, mark, right = (piece.strip() for piece in rule.partition("="))
        if not (left and mark and right):
            text = f"The rule “{rule.strip()}” of data.rename cannot be used: it has no name on each side of “=”."
            cure = "Write it as KA*=outer: what fits the left side gets the name on the right."
            raise DatasetError(Finding("error", "labels.rename", text, cure, ("data.rename",)))
        found.append((left.lower(), right))
    return found


def _renamed(label: str, rules: list[tuple[str, str]]) -> str:
    return next((new for old, new in rules if fnmatch.fnmatchcase(label.lower(), old)), label)


def _renamed_place(known: Known, rules: list[tuple[str, str]]) -> str:
    """Label by the rule that fits the nearest folder, one above it, or the file's name."""
    for place in (*_folders(known), _stem(known)):
        for old, new in rules:
            if fnmatch.fnmatchcase(place.lower(), old):
                return new
    return ""
