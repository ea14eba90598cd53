"""Sentences with keys, as windows say them."""

from __future__ import annotations

import pytest

from src.ui.wording import in_words


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
