"""The main window through its face: commands, runs, tabs, settings, messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAbstractScrollArea, QAction, QWidget

from src.core.run import RunFolder, summarise
from src.ui.commands import COMMANDS
from src.ui.main_window import MainWindow
from src.ui.theme import apply_theme
from src.ui.widgets.dataset_view import DatasetView
from src.ui.widgets.run_view import RunView
from tests.fakes import FakeFollower, make_fake_run


@pytest.fixture
def window(qtbot, qapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setattr(RunView, "follower", staticmethod(FakeFollower))
    apply_theme(qapp, "light", 1.0)
    made = MainWindow(tmp_path / "runs")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(made.warmup.isFinished, timeout=15000)
    yield made
    made.close()


def fill(window: MainWindow, *folders: RunFolder) -> None:
    """List these runs at once instead of waiting for the watcher."""
    window._put_runs([summarise(f) for f in folders])


def test_every_command_is_in_a_menu_and_does_something(window: MainWindow) -> None:
    listed = {a.objectName() for menu in window.menuBar().actions() for a in all_actions(menu)}
    for command in COMMANDS:
        assert callable(getattr(window, command.id)), command.id
        assert command.id in listed
        assert command.tip, f"{command.id} says nothing about itself"


def all_actions(action: QAction) -> list[QAction]:
    menu = action.menu()
    return [action] if menu is None else [found for child in menu.actions() for found in all_actions(child)]


def test_shortcuts_and_mnemonics_are_unique() -> None:
    keys = [QKeySequence(c.shortcut).toString() for c in COMMANDS if c.shortcut]
    assert all(keys) and len(keys) == len(set(keys))
    for menu in {(c.menu, c.submenu) for c in COMMANDS}:
        letters = [c.text[c.text.index("&") + 1].lower() for c in COMMANDS if (c.menu, c.submenu) == menu]
        assert len(letters) == len(set(letters)), menu


def test_the_first_page_says_what_to_do_and_its_buttons_work(window: MainWindow, qtbot) -> None:
    assert window.pages.currentWidget() is window.welcome
    asked = []
    window.menus.actions["train_model"].triggered.disconnect()
    window.menus.actions["train_model"].triggered.connect(lambda: asked.append("train"))
    button = next(
        b for b in window.welcome.findChildren(QWidget) if getattr(b, "text", str)() == "&Train model…"
    )
    qtbot.mouseClick(button, Qt.LeftButton)
    assert asked == ["train"]


def test_a_run_appears_in_the_list_and_opens(window: MainWindow, qtbot, tmp_path: Path) -> None:
    make_fake_run(tmp_path / "runs", epochs=3, previews=False)
    shown = window.runs.list.model()
    qtbot.waitUntil(lambda: "Completed" in str(shown.index(0, 0).data(Qt.AccessibleTextRole)), timeout=8000)
    index = shown.index(0, 0)
    window.runs.list.setCurrentIndex(index)
    window.runs.list.setFocus()
    qtbot.keyClick(window.runs.list, Qt.Key_Return)
    view = window.tabs.run_view()
    assert view is not None
    qtbot.waitUntil(lambda: len(view.data.epochs) == 3)
    assert "tiles" in window.windowTitle()


def test_opening_a_run_twice_shows_the_same_tab_and_several_stay_open(
    window: MainWindow, tmp_path: Path
) -> None:
    first = make_fake_run(tmp_path / "runs", epochs=2, previews=False)
    second = make_fake_run(
        tmp_path / "runs", name="2026-05-02_tiles_fpn_1", epochs=2, previews=False, ending=None
    )
    window.show_run(first)
    window.show_run(second)
    window.show_run(RunFolder(first.path))
    assert window.tabs.count() == 2 and window.tabs.currentIndex() == 0
    window.menus.actions["next_tab"].trigger()
    assert window.tabs.currentIndex() == 1
    window.menus.actions["close_tab"].trigger()
    window.menus.actions["close_tab"].trigger()
    assert window.pages.currentWidget() is window.welcome
    assert not window.menus.actions["close_tab"].isEnabled()


def test_the_filter_finds_runs_by_name_and_state(window: MainWindow, tmp_path: Path) -> None:
    good = make_fake_run(tmp_path / "a", name="2026-05-01_tiles_unet_1", epochs=2, previews=False)
    bad = make_fake_run(
        tmp_path / "a", name="2026-05-01_nuts_unet_1", epochs=2, previews=False, ending="failed", cause="Why."
    )
    fill(window, good, bad)
    shown = window.runs.list.model()
    window.runs.filter.setText("failed")
    assert [shown.index(r, 0).data() for r in range(shown.rowCount())] == ["nuts · unet · 1"]
    window.runs.filter.setText("zebra")
    assert shown.rowCount() == 0 and window.runs._none.isVisibleTo(window.runs)


def test_the_context_menu_offers_only_what_works(window: MainWindow, tmp_path: Path) -> None:
    done = make_fake_run(tmp_path / "a", epochs=2, previews=False)
    paused = make_fake_run(
        tmp_path / "a", name="2026-05-01_nuts_unet_1", epochs=4, done=2, previews=False, ending="paused"
    )
    for folder, expected in ((done, {"open", "folder"}), (paused, {"open", "folder", "resume"})):
        menu = window.runs.menu_of(summarise(folder))
        always = {"clone", "reproduce", "star", "notes", "trash"} | (
            {"queue"} if "resume" in expected else set()
        )
        assert {a.objectName() for a in menu.actions() if a.objectName()} == expected | always
        menu.deleteLater()


def test_menus_follow_the_run_that_is_shown(window: MainWindow, qtbot, tmp_path: Path) -> None:
    actions = window.menus.actions
    assert not actions["stop_run"].isEnabled() and not actions["resume_run"].isEnabled()
    window.show_run(make_fake_run(tmp_path / "runs", epochs=4, done=2, previews=False, ending="paused"))
    qtbot.waitUntil(actions["resume_run"].isEnabled, timeout=3000)
    assert not actions["stop_run"].isEnabled()


def test_a_folder_that_is_no_run_is_told_with_a_cure(window: MainWindow, tmp_path: Path) -> None:
    window.open_run_path(tmp_path)
    assert window.message.isVisible()
    assert "config.yaml" in window.message.text.text() and "Choose" in window.message.text.text()


def test_a_run_that_cannot_be_resumed_is_told(window: MainWindow, tmp_path: Path) -> None:
    window.resume(make_fake_run(tmp_path / "runs", epochs=2, previews=False))
    assert "nothing left to resume" in window.message.text.text()


def test_size_and_panels_are_kept(qtbot, qapp, tmp_path: Path) -> None:
    apply_theme(qapp, "light")
    first = MainWindow(tmp_path)
    qtbot.addWidget(first)
    first.show()
    first.resize(911, 622)
    first.menus.actions["show_runs"].trigger()
    first.close()
    second = MainWindow(tmp_path)
    qtbot.addWidget(second)
    second.show()
    assert (second.width(), second.height()) == (911, 622)
    assert not second.runs.isVisible() and not second.menus.actions["show_runs"].isChecked()
    second.close()


def test_theme_and_zoom_by_menu(window: MainWindow, qapp) -> None:
    from src.ui.theme import is_dark, theme

    before = qapp.font().pointSizeF()
    window.menus.actions["theme_dark"].trigger()
    assert is_dark() and window.settings.text("theme") == "dark"
    window.menus.actions["zoom_in"].trigger()
    assert qapp.font().pointSizeF() > before
    window.menus.actions["zoom_reset"].trigger()
    window.menus.actions["theme_light"].trigger()
    assert not is_dark() and theme().zoom == 1.0


def test_recent_folders_are_offered(window: MainWindow, tmp_path: Path) -> None:
    folder = make_fake_run(tmp_path / "runs", epochs=1, previews=False)
    window.open_run_path(folder.path)
    window.menus.recent.aboutToShow.emit()
    assert any(str(folder.path) in a.text() for a in window.menus.recent.actions())


def test_dataset_folder_without_images_says_what_is_expected(
    window: MainWindow, tmp_path: Path, qtbot
) -> None:
    (tmp_path / "empty").mkdir()
    window.show_dataset(tmp_path / "empty")
    view = window.tabs.currentWidget()
    assert isinstance(view, DatasetView)
    qtbot.waitUntil(lambda: view.pages.currentIndex() == 0, timeout=8000)
    assert "images" in view.empty._text.text() and view.pages.currentIndex() == 0


def test_good_news_goes_with_its_tab_and_an_error_stays(window: MainWindow, tmp_path: Path) -> None:
    first, second = (
        make_fake_run(tmp_path / "runs", f"2026-05-0{k}_a_b_1", epochs=1, previews=False) for k in (1, 2)
    )
    window.show_run(first)
    window.tell("Imported 5 images.", "good")
    window.tabs_changed()
    assert window.message.isVisible()
    window.show_run(second)
    assert not window.message.isVisible()
    window.tell("That could not be done. Do this.")
    window.show_run(first)
    assert window.message.isVisible()


def test_everything_that_takes_input_has_a_name(window: MainWindow, tmp_path: Path) -> None:
    window.show_run(make_fake_run(tmp_path / "runs", epochs=1, previews=False))
    nameless = [
        w
        for w in window.findChildren(QWidget)
        if w.focusPolicy() & Qt.TabFocus
        and w.isEnabled()
        and w.isVisible()
        and not w.objectName().startswith("qt_")
        and not isinstance(w.parent(), QAbstractScrollArea)
        and not (w.accessibleName() or getattr(w, "text", str)() or w.toolTip())
        and type(w).__name__
        not in ("QTabBar", "QTabWidget", "OpenTabs", "QScrollArea", "CloseButton", "QMenuBar")
    ]
    assert [type(w).__name__ for w in nameless] == []
