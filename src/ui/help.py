"""Guide, keyboard shortcuts and About, in windows that block nothing."""

from __future__ import annotations

from PyQt5.QtCore import PYQT_VERSION_STR, QT_VERSION_STR, Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from src.ui.commands import COMMANDS

GUIDE = """
<h2>From a folder of images to a model</h2>
<ol>
<li><b>Open your data</b> (File &gt; Open Data Set Folder). Lathe looks for a folder of images and one of
masks; a mask has
the name of its image. It says what it found and what is wrong with it. The slider lays the masks over the
images.</li>
<li><b>Train</b> (Tools &gt; Train Model). The settings are chosen well from the start; those that matter
most are on top. The
dialog says what will happen, and why Start is grey while something is wrong.</li>
<li><b>Watch.</b> The loss should fall and the IoU (overlap of prediction and truth, 1 is perfect) should
rise. If the
validation loss rises while the training loss falls, the model learns the images by heart: more images or
stronger
augmentation help. The previews show what the model sees.</li>
<li><b>Stop, pause, resume</b> whenever you like. <i>Finish this epoch</i> ends at the next round,
<i>Stop</i> at once; both keep
the model. <i>Pause</i> frees the GPU. <i>Resume</i> goes on as if nothing had happened.</li>
<li><b>Use it.</b> The best model, the report and all else are in the run folder (Run &gt; Open Run
Folder).</li>
</ol>
<p>Runs are programs of their own: they go on when this window is closed, and are shown again when it is
opened.</p>
<h3>Words</h3>
<p><b>Run</b>: one training with its results. <b>Epoch</b>: one round through all training images.
<b>Batch</b>: the images of one step.
<b>Training, validation, test</b>: images to learn from, to choose the best model by, and to judge it at
the
very end.</p>
"""


class _Page(QDialog):
    def __init__(self, title: str, html: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setWindowFlags(self.windowFlags() & ~Qt.WindowContextHelpButtonHint)
        text = QTextBrowser()
        text.setOpenExternalLinks(True)
        text.setHtml(html)
        text.setAccessibleName(title)
        text.document().setDocumentMargin(12)
        buttons = QDialogButtonBox(QDialogButtonBox.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(text, 1)
        column.addWidget(buttons)
        self.resize(640, 560)


def show_guide(parent: QWidget) -> None:
    """The guide in short."""
    _Page("Guide", GUIDE, parent).show()


def show_shortcuts(parent: QWidget) -> None:
    """All keys, made from the commands."""
    rows = [
        (c.text.replace("&", "").rstrip("…"), QKeySequence(c.shortcut).toString(QKeySequence.NativeText))
        for c in COMMANDS
        if c.shortcut
    ]
    rows += [
        ("Next and previous image, in the large view", "Page Down, Page Up"),
        ("Zoom a plot or a picture", "+ and −"),
        ("Show all of a plot, fit a picture", "Home"),
        ("Values of a plot, epoch by epoch", "Left, Right"),
    ]
    body = "".join(
        f"<tr><td style='padding: 3px 24px 3px 0'>{text}</td><td><b>{keys}</b></td></tr>"
        for text, keys in rows
    )
    _Page("Keyboard shortcuts", f"<h2>Keyboard shortcuts</h2><table>{body}</table>", parent).show()


def show_about(parent: QWidget) -> None:
    """Version and licence."""
    import platform

    html = f"""<h2>Lathe</h2><p>Version {version()}</p>
<p>Trains segmentation models on your own images, on your own workstation, without code.</p>
<p>Free software under the GNU General Public License, version 3 or later. It comes without any warranty.</p>
<p>Python {platform.python_version()}, Qt {QT_VERSION_STR}, PyQt {PYQT_VERSION_STR}.</p>"""
    _Page("About Lathe", html, parent).show()


def version() -> str:
    """Of the installed program, or of the checkout."""
    import re
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed
    from pathlib import Path

    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.is_file() and (
        found := re.search(r'^version = "(.+)"', project.read_text("utf-8"), re.MULTILINE)
    ):
        return found[1]
    try:
        return installed("lathe")
    except PackageNotFoundError:
        return "unknown"
