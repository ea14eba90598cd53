"""What a data set is: its files, their meaning, its split. No torch, no Qt; imported when first used.

The function ``describe`` is imported from ``src.core.dataset.describe``: here the name is that module.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "findings": ("DatasetError", "Finding"),
    "files.images": ("ImageHeader", "UnreadableImageError", "read_header", "read_image", "read_mask"),
    "masks": ("IGNORE_INDEX", "MaskMeaning", "MaskValueError"),
    "mask_detection": ("detect_meaning",),
    "records": ("SPLITS", "Sample"),
    "sources.sources": ("find_sources",),
    "splitting.grouping": ("group_key", "preview_groups"),
    "splitting.split": ("leakage", "make_split"),
    "splitting.split_record": ("read_split", "split_hash", "write_split"),
    "describe": ("DatasetDescription", "DescriptionCancelledError"),
    "weights": ("class_weights", "foreground_prior"),
    "sample.sample_data": ("make_sample_data",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
