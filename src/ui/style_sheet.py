# ruff: noqa: E501
"""The style sheet: only what palette and Fusion style cannot say. Sizes are device-independent; no font sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ICONS = Path(__file__).resolve().parents[2] / "resources" / "icons"

_SHEET = """
QToolTip {{ color: {text}; background: {raised}; border: 1px solid {border}; padding: 4px 6px; }}
QMainWindow::separator {{ background: {border}; width: 1px; height: 1px; }}
QMenuBar {{ background: {window}; border-bottom: 1px solid {border}; }}
QMenuBar::item {{ padding: 4px 10px; background: transparent; border-radius: 4px; }}
QMenuBar::item:selected {{ background: {hover}; }}
QMenu {{ background: {raised}; border: 1px solid {border}; padding: 4px; }}
QMenu::item {{ padding: 5px 26px 5px 10px; border-radius: 4px; }}
QMenu::item:selected {{ background: {selected}; color: {text}; }}
QMenu::item:disabled {{ color: {disabled}; }}
QMenu::separator {{ height: 1px; background: {border}; margin: 4px 6px; }}
QMenu::icon {{ padding-left: 6px; }}
QToolBar {{ background: {window}; border: none; border-bottom: 1px solid {border}; padding: 4px 8px; spacing: 4px; }}
QToolBar::separator {{ background: {border}; width: 1px; margin: 5px 6px; }}
QToolButton {{ padding: 5px 9px; border: 1px solid transparent; border-radius: 5px; color: {text}; }}
QToolButton:hover {{ background: {hover}; }}
QToolButton:pressed, QToolButton:checked {{ background: {selected}; }}
QToolButton:focus {{ border-color: {accent}; }}
QToolButton:disabled {{ color: {disabled}; }}
QToolButton::menu-indicator {{ image: none; }}
QStatusBar {{ background: {window}; border-top: 1px solid {border}; }}
QStatusBar::item {{ border: none; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QPushButton {{ padding: 5px 14px; border: 1px solid {border}; border-radius: 5px; background: {raised}; color: {text}; }}
QPushButton:hover {{ background: {hover}; }}
QPushButton:pressed {{ background: {selected}; }}
QPushButton:focus {{ border-color: {accent}; }}
QPushButton:disabled {{ color: {disabled}; background: {window}; }}
QPushButton[role="primary"], QPushButton:default {{ background: {accent_fill}; color: {accent_text}; border-color: {accent_fill}; }}
QPushButton[role="primary"]:hover, QPushButton:default:hover {{ background: {accent_fill_hover}; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {text}; padding: 4px 13px; }}
QPushButton[role="primary"]:disabled, QPushButton:default:disabled {{ background: {border}; color: {disabled}; border-color: {border}; }}
QPushButton[role="menu"] {{ padding-right: 26px; }}
QPushButton::menu-indicator {{ image: url("{icons}/chevron-{variant}.svg"); width: 12px; height: 12px;
  subcontrol-origin: padding; subcontrol-position: right center; right: 8px; }}
QPushButton[role="danger"] {{ color: {bad}; border-color: {bad}; }}
QPushButton[role="danger"]:hover {{ background: {bad_soft}; }}
QPushButton[role="link"] {{ border: 1px solid transparent; background: transparent; color: {accent}; text-align: left; padding: 3px 6px; }}
QPushButton[role="link"]:hover {{ background: {hover}; }}
QPushButton[role="link"]:focus {{ border-color: {accent}; }}
QLineEdit, QPlainTextEdit, QTextEdit, QTextBrowser {{ background: {surface}; border: 1px solid {border}; border-radius: 5px;
  padding: 4px 6px; selection-background-color: {accent_fill}; selection-color: {accent_text}; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QTextBrowser:focus {{ border-color: {accent}; }}
QLineEdit:disabled {{ color: {disabled}; background: {window}; }}
QComboBox {{ background: {raised}; border: 1px solid {border}; border-radius: 5px; padding: 4px 8px; min-height: 1.1em; }}
QComboBox:hover {{ background: {hover}; }}
QComboBox:focus, QComboBox:on {{ border-color: {accent}; }}
QComboBox:disabled {{ color: {disabled}; background: {window}; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: url("{icons}/chevron-{variant}.svg"); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{ background: {raised}; border: 1px solid {border}; selection-background-color: {selected};
  selection-color: {text}; outline: none; padding: 3px; }}
QSpinBox, QDoubleSpinBox {{ background: {surface}; border: 1px solid {border}; border-radius: 5px; padding: 4px 6px; }}
QSpinBox:focus, QDoubleSpinBox:focus {{ border-color: {accent}; }}
QSpinBox:disabled, QDoubleSpinBox:disabled {{ color: {disabled}; background: {window}; }}
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {{ width: 18px; border: none;
  background: transparent; subcontrol-origin: border; }}
QSpinBox::up-button, QDoubleSpinBox::up-button {{ subcontrol-position: top right; }}
QSpinBox::down-button, QDoubleSpinBox::down-button {{ subcontrol-position: bottom right; }}
QSpinBox::up-button:hover, QDoubleSpinBox::up-button:hover, QSpinBox::down-button:hover, QDoubleSpinBox::down-button:hover
  {{ background: {hover}; }}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {{ image: url("{icons}/chevron-up-{variant}.svg"); width: 9px; height: 9px; }}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {{ image: url("{icons}/chevron-{variant}.svg"); width: 9px; height: 9px; }}
QCheckBox, QRadioButton {{ spacing: 7px; padding: 2px; border: 1px solid transparent; border-radius: 4px; }}
QCheckBox:focus, QRadioButton:focus {{ border-color: {accent}; }}
QCheckBox::indicator, QGroupBox::indicator {{ width: 15px; height: 15px; border: 1px solid {border_strong}; border-radius: 4px;
  background: {surface}; }}
QCheckBox::indicator:checked, QGroupBox::indicator:checked {{ background: {accent_fill}; border-color: {accent_fill};
  image: url("{icons}/check-white.svg"); }}
QCheckBox::indicator:disabled {{ background: {window}; border-color: {border}; }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {disabled}; }}
QGroupBox {{ border: none; margin-top: 1.9em; padding: 0; font-weight: 600; }}
QGroupBox::title {{ subcontrol-origin: margin; subcontrol-position: top left; padding: 0.5em 0 0.2em 0; color: {text}; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {border}; background: {window}; top: -1px; }}
QTabBar {{ qproperty-drawBase: 0; background: transparent; }}
QTabBar::tab {{ padding: 7px 14px; color: {muted}; background: transparent; border: none; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {text}; border-bottom: 2px solid {accent}; }}
QTabBar::tab:hover:!selected {{ color: {text}; background: {hover}; }}
QTabBar::tab:focus {{ background: {selected}; }}
QTabBar::tab:disabled {{ color: {disabled}; }}
QTabBar::close-button {{ image: url("{icons}/close-{variant}.svg"); width: 12px; height: 12px; padding: 2px; }}
QTabBar::close-button:hover {{ background: {hover}; border-radius: 3px; }}
QHeaderView::section {{ background: {window}; color: {muted}; border: none; border-bottom: 1px solid {border}; padding: 5px 4px; }}
QTableView, QTreeView, QListView {{ background: {surface}; border: 1px solid {border}; border-radius: 5px; gridline-color: {border};
  selection-background-color: {selected}; selection-color: {text}; outline: none; alternate-background-color: {window}; }}
QTableView::item, QTreeView::item {{ padding: 3px 6px; }}
QTableView:focus, QTreeView:focus, QListView:focus {{ border-color: {accent}; }}
QTableView QTableCornerButton::section {{ background: {window}; border: none; }}
QProgressBar {{ background: {hover}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; text-align: center; }}
QProgressBar::chunk {{ background: {accent_fill}; border-radius: 3px; }}
QSlider:horizontal {{ min-height: 22px; }}
QSlider::groove:horizontal {{ height: 4px; background: {border}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {accent_fill}; border-radius: 2px; }}
QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -6px 0; border-radius: 8px; background: {raised};
  border: 1px solid {border_strong}; }}
QSlider::handle:horizontal:hover {{ border-color: {accent}; }}
QSlider::handle:horizontal:focus {{ border: 2px solid {accent}; }}
QSlider::sub-page:horizontal:disabled, QSlider::groove:horizontal:disabled {{ background: {hover}; }}
QScrollBar:vertical {{ background: transparent; width: 11px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 11px; margin: 0; }}
QScrollBar::handle {{ background: {scroll}; border-radius: 4px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 28px; }}
QScrollBar::handle:horizontal {{ min-width: 28px; }}
QScrollBar::handle:hover {{ background: {border_strong}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSplitter::handle {{ background: {border}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}
QScrollArea {{ border: none; background: transparent; }}
QLabel[role="muted"] {{ color: {muted}; }}
QLabel[role="error"] {{ color: {bad}; }}
QLabel[role="warning"] {{ color: {warn}; }}
QLabel[role="good"] {{ color: {good}; }}
QFrame[role="card"] {{ background: {surface}; border: 1px solid {border}; border-radius: 8px; }}
QFrame[role="info"] {{ background: {info_soft}; border-radius: 6px; }}
QFrame[role="good"] {{ background: {good_soft}; border-radius: 6px; }}
QFrame[role="warn"] {{ background: {warn_soft}; border-radius: 6px; }}
QFrame[role="bad"] {{ background: {bad_soft}; border-radius: 6px; }}
QFrame[role="line"] {{ background: {border}; max-height: 1px; min-height: 1px; border: none; }}
"""


def style_sheet(colours: Mapping[str, str], dark: bool) -> str:
    """The sheet for one set of colours (role to ``#rrggbb``)."""
    return _SHEET.format(**colours, icons=ICONS.as_posix(), variant="dark" if dark else "light")
