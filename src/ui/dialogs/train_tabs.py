"""Which option stands on which tab of the train dialog, and the forms made from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt5.QtGui import QIcon
from PyQt5.QtWidgets import QTabWidget

from src.core.config import Option, RunConfig
from src.core.config.extras import unavailable
from src.core.task_info import TaskInfo
from src.ui.dialogs.train_findings import LOOK
from src.ui.icons import icon
from src.ui.widgets.form import SchemaForm

TABS = ("Model", "Training", "Data", "Monitoring")
#: Over the options of a tab that belong to no group.
TITLES = {"Model": "Network", "Training": "Amount", "Data": "Data", "Monitoring": "This run"}
#: Tabs with few options show what each does; a form with room for three columns does so anyway.
WITH_HELP = ("Model", "Monitoring")
#: Offered for options that take any text; the words say what a person would not guess.
SUGGESTIONS = {
    "training.device": {
        "auto": "Automatic: GPU, else CPU",
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
    own = option.section not in RunConfig.model_fields  # of the task: inputs, what the network is made of
    known = {"training": "Training", "distillation": "Training", "data": "Data"}
    return known.get(option.section, "Model" if own else "Monitoring")


def make_forms(info: TaskInfo, breathe: Callable[[], None] | None = None) -> dict[str, SchemaForm]:
    """Tab to form; ``breathe`` is called now and then. What needs a library that is not installed is grey."""
    forms = {
        name: SchemaForm(
            info.config,
            _on_tab(name),
            info.choices,
            SUGGESTIONS,
            title=TITLES[name],
            show_help=name in WITH_HELP,
            breathe=breathe,
        )
        for name in TABS
    }
    absent = unavailable()
    for form in forms.values():
        form.grey_out(absent)
    return forms


def mark_tabs(
    tabs: QTabWidget, forms: Mapping[str, SchemaForm], messages: Mapping[str, tuple[str, str]]
) -> None:
    """Reasons beside the fields, and a mark on each tab that has one; ``messages`` as of `field_messages`."""
    for index, (name, form) in enumerate(forms.items()):
        form.show_messages(messages)
        worst = {messages[key][0] for key in form.fields if key in messages}
        mark = "error" if "error" in worst else "warning" if "warning" in worst else ""
        word, icon_name, role, _ = LOOK[mark] if mark else ("", "", "", "")
        tabs.setTabIcon(index, icon(icon_name, role) if mark else QIcon())
        said = f": {word.lower()} on this tab" if mark else ""
        tabs.setTabToolTip(index, f"{name} (Ctrl+{index + 1}){said}")


def _on_tab(name: str) -> Callable[[Option], bool]:
    return lambda option: tab_of(option) == name
