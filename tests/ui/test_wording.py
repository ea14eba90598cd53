"""Sentences with keys, as windows say them."""

from __future__ import annotations

import pytest

from src.core.config import Option
from src.ui.wording import in_words, when_empty


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Set data.masks.meaning: index, or look.", "Set “Mask values”: “Class index”, or look."),
        ("Choose another data.split.group_by.", "Choose another “Keep together”."),
        ("Or use threads (data.worker_kind=thread).", "Or use threads (“Workers are”: thread)."),
        ("data.masks.meaning is “detect”.", "“Mask values” is “Detect and tell”."),
        ("Lower data.split.val_fraction: it is 0.9.", "Lower “Validation share”: it is 0.9."),
        ("Set data.masks.ignore_value: 255; else leave it.", "Set “Ignore value”: 255; else leave it."),
        (
            "my_data.table stays, so does data.tables and a task.",
            "my_data.table stays, so does data.tables and a task.",
        ),
    ],
)
def test_keys_become_labels(text: str, said: str) -> None:
    assert in_words(text) == said


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Where run folders are made; empty takes the workspace.", "empty: takes the workspace"),
        ("The data. Empty: those of the run; or a folder.", "empty: those of the run"),
        ("Its address, such as http://host:5000; empty keeps runs in a file.", "empty: keeps runs in a file"),
        ("A regular expression, as in (part\\d+)_.", "for example (part\\d+)_"),
        (
            "How names are written, such as {label}_{load}: each bracket is a field.",
            "for example {label}_{load}",
        ),
        ("A word of your own.", ""),
    ],
)
def test_an_empty_field_says_what_that_means(told: str, shown: str) -> None:
    assert when_empty(Option("a", "str", "", "A", told)) == shown
