"""What can be done with a data set that is shown: cures of findings, leaving out, taking back, augmentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PyQt5.QtWidgets import QWidget

from src.ui.text import count
from src.ui.wording import in_words

if TYPE_CHECKING:
    from src.ui.dataset_decisions import Decisions
    from src.ui.dataset_prepare import Prepared
    from src.ui.dataset_source import Source

_BY_HAND = "left out by hand"


class DatasetCommands(QWidget):
    """Base of `DatasetView`, which has the attributes and methods that are only named here.

    Attributes:
        decisions: What was decided about the data set, or None.
        prepared: What the last check found, or None.
    """

    source: Source | None
    decisions: Decisions | None
    prepared: Prepared | None
    images: Any
    thumbnails: Any
    note: Any
    tabs: Any
    check_again: Any
    _resolved: Any
    _given: Mapping[str, Any] = {}
    _augment: Any = None

    def training_start(self) -> tuple[Any, dict[str, Any] | None]:
        """What the training dialog starts from: a configuration, or options beside the preset; with all decisions."""
        source, decisions = self.source, self.decisions
        if source is None or decisions is None:
            return None, None
        if source.config_file:
            return decisions.applied(source.resolved), None
        origins = source.resolved.origins
        recognised = {k: v for k, v in source.resolved.flat().items() if origins[k] == "dialog"}
        return None, {"task": source.resolved.config.task, **recognised, **decisions.overrides()}

    def _as_found(self) -> str:
        """The configuration with what the check found rather than was told, as YAML text."""
        from src.core.config import ConfigError, Layer, dump_yaml, nest, resolve

        resolved = self._resolved
        try:
            values = {**resolved.flat(), **self._given}
            return dump_yaml(resolve(type(resolved.config), [Layer("dialog", nest(values))]))
        except ConfigError:  # what was found fits no more
            return dump_yaml(resolved)

    def _charts(self) -> list[Any]:
        from src.ui.widgets.statistics_page import charts

        description = self.prepared.description if self.prepared else {}
        data = self._resolved.config.model_dump().get("data", {}) if self._resolved is not None else {}
        statistics, sizes = description.get("statistics") or {}, description.get("sizes") or {}
        return charts(statistics, sizes, str(data.get("resize", "letterbox")))

    def act(self, action: Mapping[str, Any]) -> None:
        """Carry out the cure of a finding."""
        ids = [str(i) for i in action.get("ids") or ()]
        if action["kind"] == "exclude":
            self._exclude(ids, True, str(action.get("label") or ""))
        elif action["kind"] == "set" and self.decisions is not None:
            settings = dict(action["settings"])
            if self._decided(lambda: self._remember(settings)):
                self.check_again()
                words = in_words(", ".join(f"{k}={v}" for k, v in settings.items()))
                self.note.tell(f"Set {words}. Training on this data starts with it.", undo=True)
        elif action["kind"] == "open" and self.prepared is not None:
            rows = self.prepared.view.table.rows_of(ids).tolist()
            if rows:
                self.tabs.setCurrentIndex(0)
                self.images.show_only(rows)
            elif ids:
                from src.ui.files import show_in_folder

                show_in_folder(ids[0])

    def _remember(self, settings: Mapping[str, Any]) -> int:
        assert self.decisions is not None
        self.decisions.remember(settings)
        return len(settings)

    def _exclude(self, ids: list[str], out: bool, reason: str = "") -> None:
        decisions, prepared = self.decisions, self.prepared
        if decisions is None or prepared is None:
            return
        table = prepared.view.table
        known = [table.ids[row] for row in table.rows_of(ids)]  # a path stands for its sample
        many = self._decided(
            lambda: (
                decisions.exclude(known or ids, reason or _BY_HAND)
                if out
                else decisions.include(known or ids)
            )
        )
        if many:
            self._excluded_changed()
            verb = ("is" if many == 1 else "are") + (" left out" if out else " taken in again")
            text = f"{count(many, *table.look.noun)} {verb}, from the next check and training on. No file was changed."
            self.note.tell(text, undo=True, check=True)

    def _decided(self, act: Callable[[], int]) -> int:
        """Carry out a decision; where it cannot be kept, say so."""
        try:
            if self.decisions is not None and self.decisions.problem:
                self.note.tell(self.decisions.problem, "warn")
                return 0
            return act()
        except OSError as error:
            self.note.tell(
                f"This cannot be kept: {error}. Free some space or check the workspace's permissions.", "bad"
            )
            return 0

    def _excluded_changed(self) -> None:
        if self.prepared is not None and self.decisions is not None:
            self.prepared.view.set_excluded(self.decisions.excluded)
            self.images.excluded_changed()

    def undo(self) -> None:
        """Take the last decision back."""
        if self.decisions is None or not self.decisions.can_undo:
            return
        try:
            words = self.decisions.undo()
        except OSError as error:
            self.note.tell(f"This cannot be taken back: {error}.", "bad")
            return
        self._excluded_changed()
        self.note.tell(words, undo=self.decisions.can_undo, check=True)

    # ---- augmentation

    def _augment_current(self) -> None:
        if self.thumbnails.current_row() < 0 and len(self.thumbnails.samples.rows):
            self.thumbnails.go_to(int(self.thumbnails.samples.rows[0]))
        self.images.augment()

    def show_augmentation(self, sample: dict[str, Any]) -> None:
        """What augmentation does to this image."""
        if self._resolved is None or self.prepared is None:
            return
        if self._augment is None:
            from src.ui.widgets.augment_window import AugmentWindow

            self._augment = AugmentWindow(self._resolved, self.window())
            self._augment.kept.connect(self._keep_augmentation)
            self._augment.destroyed.connect(self._augment_closed)
        self._augment.show_sample(sample, self.prepared.description.get("masks"))

    def _augment_closed(self) -> None:
        self._augment = None

    def _keep_augmentation(self, settings: dict[str, Any]) -> None:
        if settings and self._decided(lambda: self._remember(settings)):
            self.note.tell("The augmentation was kept: training on this data starts with it.", undo=True)
