"""Sentences of the core in the words of the windows: the labels of fields instead of the keys of a file."""

from __future__ import annotations

import functools
import re

from src.core.config import Option, options
from src.tasks.catalog import TASKS


@functools.cache
def _known() -> dict[str, Option]:
    return {o.key: o for info in TASKS.values() for o in options(info.config) if "." in o.key}


@functools.cache
def _pattern() -> re.Pattern[str]:
    """A key, perhaps with a value as in a file or on the command line; the longer keys first."""
    keys = "|".join(re.escape(key) for key in sorted(_known(), key=len, reverse=True))
    return re.compile(rf"(?<![\w.])({keys})(?![\w])(?:(: |=| is )(“?)([\w.+-]*\w)(”?))?")


def in_words(text: str) -> str:
    """``Set data.masks.meaning: index`` becomes ``Set “Mask values”: “Class index”``."""
    return _pattern().sub(_said, text)


#: What the help of an option says of an empty value, and the example that it gives.
_EMPTY = re.compile(r"\b[Ee]mpty:? ([^.;]+)")
_EXAMPLE = re.compile(r"\b(?:such as|as in) (\S+?)[.,:;]?(?= |$)")


def when_empty(option: Option) -> str:
    """For the empty field of an option, from its help: ``empty: takes the workspace``, ``for example (part\\d+)_``, or nothing."""
    if found := _EMPTY.search(option.help):
        return f"empty: {found[1]}"
    found = _EXAMPLE.search(option.help)
    return f"for example {found[1]}" if found else ""


def _said(match: re.Match[str]) -> str:
    key, between, opening, value, closing = match.groups()
    label = f"“{_known()[key].label}”"
    if not between:
        return label
    words = _known()[key].choice_labels or {}
    shown = f"“{words[value]}”" if value in words else f"{opening}{value}{closing}"
    return f"{label}{': ' if between == '=' else between}{shown}"
