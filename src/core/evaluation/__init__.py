"""How good a model is, in numbers with their uncertainty: statistics, the document, comparison. Torch-free, Qt-free.

What needs OpenCV is loaded when it is asked for: windows take the document from here and must not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from src.core.evaluation.classified import ClassEvaluation
from src.core.evaluation.comparison import compare
from src.core.evaluation.document import (
    DocumentError,
    Evaluation,
    read_any_evaluation,
    read_evaluation,
    write_evaluation,
)

if TYPE_CHECKING:
    from src.core.evaluation.build import at_threshold
    from src.core.evaluation.files import images_behind
    from src.core.evaluation.threshold import StoredThreshold, read_threshold, write_threshold

__all__ = [
    "ClassEvaluation", "DocumentError", "Evaluation", "StoredThreshold", "at_threshold", "compare", "images_behind",
    "read_any_evaluation", "read_evaluation", "read_threshold", "write_evaluation", "write_threshold",
]  # fmt: skip
_LATE = {
    "at_threshold": "build",
    "images_behind": "files",
    "StoredThreshold": "threshold",
    "read_threshold": "threshold",
    "write_threshold": "threshold",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
