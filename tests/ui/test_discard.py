"""Widgets that are taken away one at a time."""

from __future__ import annotations

from typing import Any

from PyQt5 import sip
from PyQt5.QtCore import QCoreApplication, QEvent
from PyQt5.QtWidgets import QLabel, QVBoxLayout, QWidget

from src.ui.widgets.discard import Discard


def page(qtbot: Any, number: int) -> tuple[QWidget, list[QLabel], Discard]:
    parent = QWidget()
    qtbot.addWidget(parent)
    column = QVBoxLayout(parent)
    labels = [QLabel(str(k)) for k in range(number)]
    for label in labels:
        column.addWidget(label)
    parent.show()
    return parent, labels, Discard(parent)


def gone(labels: list[QLabel]) -> int:
    return sum(sip.isdeleted(label) for label in labels)


def test_they_are_hidden_at_once_and_deleted_one_a_turn(qtbot: Any) -> None:
    parent, labels, discard = page(qtbot, 6)
    discard.take(labels[:5])
    assert not any(label.isVisible() for label in labels[:5]) and labels[5].isVisible()
    assert gone(labels) == 0
    seen = []
    for _ in range(60):
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)
        seen.append(gone(labels))
    steps = {b - a for a, b in zip([0, *seen], seen, strict=False)}
    assert seen[-1] == 5 and max(steps) == 1, "never two in one turn of the event loop"
    assert parent.isVisible() and labels[5].isVisible()


def test_more_may_come_while_some_wait_and_nothing_runs_afterwards(qtbot: Any) -> None:
    parent, labels, discard = page(qtbot, 4)
    discard.take(())
    assert not discard._timer.isActive()
    discard.take(labels[:2])
    discard.take(labels[2:])
    qtbot.waitUntil(lambda: gone(labels) == 4, timeout=3000)
    assert not discard._timer.isActive() and not sip.isdeleted(parent)


def test_those_that_wait_go_with_their_parent(qtbot: Any) -> None:
    parent, labels, discard = page(qtbot, 3)
    discard.take(labels)
    sip.delete(parent)
    assert gone(labels) == 3 and sip.isdeleted(discard)
    QCoreApplication.processEvents()
