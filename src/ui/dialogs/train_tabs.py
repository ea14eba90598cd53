"""Which option stands on which tab of the train dialog, and the forms made from that."""

from __future__ import annotations

from collections.abc import Callable

from src.core.config import Option
from src.core.task_info import TaskInfo
from src.ui.widgets.form import SchemaForm

TABS = ("Model", "Training", "Data", "Monitoring")
#: Over the options of a tab that belong to no group.
TITLES = {"Model": "Network", "Training": "Amount", "Data": "Data", "Monitoring": "This run"}
#: Tabs with few options show what each does; a form with room for three columns does so anyway.
WITH_HELP = ("Model", "Monitoring")
#: Offered for options that take any text; the words say what a person would not guess.
SUGGESTIONS = {
    "training.device": {
        "auto": "Automatic: the first GPU, or the CPU",
        "cpu": "CPU",
        "cuda:0": "First NVIDIA GPU (cuda:0)",
        "cuda:1": "Second NVIDIA GPU (cuda:1)",
        "mps": "Apple GPU (mps)",
    },
}


def tab_of(option: Option) -> str:
    """The tab on which an option stands; none for the task, which the window itself stands for."""
    if option.key == "task":
        return ""
    return {"model": "Model", "training": "Training", "data": "Data"}.get(option.section, "Monitoring")


def make_forms(info: TaskInfo) -> dict[str, SchemaForm]:
    """Tab to form."""
    return {
        name: SchemaForm(
            info.config,
            _on_tab(name),
            info.choices,
            SUGGESTIONS,
            title=TITLES[name],
            show_help=name in WITH_HELP,
        )
        for name in TABS
    }


def _on_tab(name: str) -> Callable[[Option], bool]:
    return lambda option: tab_of(option) == name
