"""The groups that a key makes, shown while it is typed, and what the check says of leakage between the parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QFrame, QVBoxLayout, QWidget

from src.core.config import Resolved, dump_yaml, options
from src.core.dataset.findings import IMAGE, Finding
from src.core.dataset.records import SPLITS
from src.core.dataset.sample_table import SampleTable
from src.core.dataset.splitting.leakage import CODES
from src.tasks.catalog import task_info
from src.threads.data_session import DataSession
from src.ui.dialogs.train_findings import breakable
from src.ui.dialogs.transfer_parts import PARTS, emptied, heading, sentence
from src.ui.text import count
from src.ui.theme import set_role
from src.ui.wording import in_words

_DELAY_MS = 250
#: Seconds after which a pattern is given up: some never come to an end.
_LIMIT_S = 20.0
_EXAMPLES, _MEMBERS, _UNMATCHED = 4, 3, 4
_NONE = (
    "Each {one} stands for itself. Where several {many} are of one thing (photographs of one part, frames of one "
    "scene), say so under “Keep together”: else the validation sees what was trained on."
)
_NO_DATA = "Choose the {many} first."
_LOOKS = "Images that look alike stay on one side; they are found while the data are checked."


class GroupsPreview(QFrame):
    """A card below the options of the split. The files are listed by a child process, once for each data set.

    Attributes:
        answer: What the data job said last, or None.
    """

    def __init__(self, parent: QWidget | None = None, delay_ms: int = _DELAY_MS) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setObjectName("groups")
        self.answer: dict[str, Any] | None = None
        self._session: DataSession | None = None
        self._request = 0
        self._asked: dict[str, Any] | None = None
        self._resolved: Resolved[Any] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(delay_ms)
        self._timer.timeout.connect(self._ask)
        self.summary = sentence("")
        self.examples = QVBoxLayout()
        self.examples.setSpacing(3)
        self.parts = sentence("", "muted")
        self.leaks = QVBoxLayout()
        self.leaks.setSpacing(3)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(6)
        column.addWidget(heading("Groups and leakage"))
        column.addWidget(self.summary)
        column.addLayout(self.examples)
        column.addWidget(self.parts)
        column.addLayout(self.leaks)
        self._say(_NO_DATA.format(many=IMAGE.many))

    # -- groups ---------------------------------------------------------------------------------
    def update_from(self, resolved: Resolved[Any] | None) -> None:
        """Show the groups of this configuration; None while a value cannot be used."""
        wanted = _wanted(resolved)
        if wanted == self._asked:
            return
        self._asked = wanted
        self._timer.stop()
        if self._session is not None:
            self._session.cancel()
        key = (wanted or {}).get("data.split.group_by", "none")
        if key == "none" and (wanted or {}).get("data.split.join") == "near":
            key = "duplicates"
        if wanted is None or resolved is None or key in ("none", "duplicates"):
            self.answer = None
            noun = task_info(resolved.config.task).look.noun if resolved is not None else IMAGE
            words = {"none": _NONE, "duplicates": _LOOKS}[key] if wanted else _NO_DATA
            self._say(words.format(one=noun.one, many=noun.many))
            return
        self._resolved = resolved
        self._timer.start()

    def close_preview(self) -> None:
        """End what runs in the background."""
        self._timer.stop()
        self._asked = None
        session, self._session = self._session, None
        if session is not None:
            session.cancel()
            session.stop()

    def _ask(self) -> None:
        if self._session is None:
            self._session = DataSession(self)
            self._session.answered.connect(self._answered)
            self._session.failed.connect(self._failed)
            self._session.progress.connect(self._progress)
            self._session.start()
        assert self._resolved is not None, "the timer was started with it"
        self._request = self._session.ask("groups", _LIMIT_S, config=dump_yaml(self._resolved))

    def _progress(self, number: int, done: int, total: int, what: str) -> None:
        if number == self._request and done < max(total, 1):
            self._say(f"{what}…")

    def _failed(self, number: int, reason: str, findings: list[dict[str, Any]]) -> None:
        if number != self._request:
            return
        self.answer = None
        errors = [f for f in findings if f["severity"] == "error"]
        self._say(f"{errors[0]['message']} {errors[0].get('cure', '')}" if errors else reason, "error")

    def _answered(self, number: int, answer: dict[str, Any]) -> None:
        if number != self._request:
            return
        self.answer = answer
        if answer["problem"]:
            self._say(_with_columns(answer), "error")
            return
        self._say(_counts(answer))
        for example in answer["examples"][:_EXAMPLES]:
            members, more = example["members"][:_MEMBERS], example["images"] - _MEMBERS
            text = ", ".join(members) + (f" and {more:,} more" if more > 0 else "")
            self.examples.addWidget(
                sentence(breakable(f"“{example['name']}” ({example['images']:,}): {text}"), "muted")
            )
        if answer["groups"] > _EXAMPLES:
            self.examples.addWidget(
                sentence(f"and {count(answer['groups'] - _EXAMPLES, 'group')} more", "muted")
            )
        if unmatched := answer["unmatched_images"]:
            names = ", ".join(answer["unmatched"][:_UNMATCHED])
            more = f" and {unmatched - _UNMATCHED:,} more" if unmatched > _UNMATCHED else ""
            verb = "gives" if unmatched == 1 else "give"
            text = f"{count(unmatched, *answer['noun'])} {verb} no group and stand for themselves: {breakable(names)}{more}"
            self.examples.addWidget(sentence(text, "warning"))

    def _say(self, text: str, role: str = "") -> None:
        self.summary.setText(in_words(text.strip()))
        set_role(self.summary, role)
        emptied(self.examples)

    # -- the check ------------------------------------------------------------------------------
    def show_check(
        self, description: Mapping[str, Any] | None, findings: Sequence[Finding], done: bool
    ) -> None:
        """What the check of the data found; ``done``: it is of the configuration as it stands now."""
        self.parts.setText(_parts(description) if done else "")
        self.parts.setVisible(bool(self.parts.text()))
        emptied(self.leaks)
        if not done or not description:
            return
        leaks = [f for f in findings if f.code in CODES]
        for finding in leaks:
            role = "warning" if finding.severity != "notice" else "muted"
            self.leaks.addWidget(sentence(in_words(finding.message), role))
        if not leaks and self.parts.text():
            self.leaks.addWidget(sentence("No leakage was found between the parts.", "muted"))


def _wanted(resolved: Resolved[Any] | None) -> dict[str, Any] | None:
    """The options that the groups depend on; None where there is no data set."""
    if resolved is None:
        return None
    flat = resolved.flat()
    if "data.images_dir" not in flat:  # which options say where the samples are, only their task knows
        data = {key: value for key, value in flat.items() if key.startswith("data.")}
        places = [
            o.key
            for o in options(type(resolved.config))
            if o.path and o.key in data and o.key != "data.exclude"
        ]
        return data if any(data[key] for key in places) else None
    sources = ("table", "image_column", "mask_column", "split_dir", "images_dir", "masks_dir")
    if not any(flat.get(f"data.{key}") for key in ("table", "split_dir", "images_dir")):
        return None
    split = (k for k in flat if k.startswith("data.split.group") or k == "data.split.join")
    keys = [*(f"data.{key}" for key in sources), *split]
    return {key: flat.get(key) for key in keys}


def _counts(answer: Mapping[str, Any]) -> str:
    largest, smallest = answer["largest"][1], answer["smallest"][1]
    sizes = (
        f"of {largest:,} each"
        if largest == smallest
        else f"of {smallest:,} to {largest:,} {answer['noun'][1]}"
    )
    return f"{count(answer['groups'], 'group')} {sizes}, {count(answer['images'], *answer['noun'])} in all."


def _with_columns(answer: Mapping[str, Any]) -> str:
    columns = ", ".join(answer["columns"])
    return f"{answer['problem']} The columns are {columns}." if columns else str(answer["problem"])


def _parts(description: Mapping[str, Any] | None) -> str:
    """Images and groups of each part, as the check divided them."""
    table = (description or {}).get("samples")
    if not isinstance(table, SampleTable):
        return ""
    found, noun = [], table.look.noun
    for number, part in enumerate(SPLITS):
        groups = table.group[table.part == number].tolist()
        if groups:
            many = count(len(groups), *noun)
            found.append(f"{many} in {count(len(set(groups)), 'group')} for {PARTS[part]}")
    return f"{', '.join(found)}." if found else ""
