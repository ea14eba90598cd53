"""Import of segmentation data sets as people have them: recognised, previewed, then written to the workspace.

Three steps, of which only the last writes anything::

    found = recognise(path)               # formats, the surest first
    plan = plan_import(found[0])          # what was understood, and what is wrong
    folder = carry_out(plan)              # masks, table, lathe.yaml, import.json
"""

from __future__ import annotations

from src.core.dataset.formats.book import ImportCancelledError, Recognised
from src.core.dataset.formats.making import carry_out, default_folder
from src.core.dataset.formats.plan import ImportPlan, Outcome, plan_import
from src.core.dataset.formats.recognition import FORMATS, nothing_known, recognise
from src.core.dataset.formats.shapes import MERGE_WORDS, Merge
from src.core.dataset.formats.writing import ImportFailedError

__all__ = [
    "FORMATS",
    "MERGE_WORDS",
    "ImportCancelledError",
    "ImportFailedError",
    "ImportPlan",
    "Merge",
    "Outcome",
    "Recognised",
    "carry_out",
    "default_folder",
    "nothing_known",
    "plan_import",
    "recognise",
]
