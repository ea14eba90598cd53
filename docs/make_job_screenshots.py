"""Makes the pictures of what is done with a trained model, from the real window and a run's real results.

    python app.py evaluate RUN
    python app.py predict RUN IMAGES
    python app.py export RUN
    python docs/make_job_screenshots.py RUN

writes docs/images/evaluation_*.png, prediction.png, export.png and models.png. Works without a screen, too.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from docs.make_screenshots import IMAGES, SIZES, Photographer, wait

#: Folder in the run, and the name of the picture; of an evaluation one a tab.
RESULTS = {
    "evaluations": "evaluation",
    "predictions": "prediction",
    "export": "export",
    "rankings": "ranking",
}
TABS = ("overview", "threshold", "decision", "worst")


def newest(folder: Path) -> Path | None:
    """The folder of a job that was begun last."""
    found = [p for p in folder.glob("*") if (p / "config.yaml").is_file()]
    return max(found, key=lambda p: (p / "config.yaml").stat().st_mtime, default=None)


def photograph(photographer: Photographer, run: Path) -> None:
    """All results of a run, the newest of each kind."""
    from PyQt5.QtWidgets import QTabWidget

    window = photographer.window
    window.resize(*SIZES[0])
    for kind, name in RESULTS.items():
        folder = newest(run / kind)
        if folder is None:
            continue
        window.tabs.open_job(folder)
        window.pages.setCurrentWidget(window.tabs)
        wait(3.0)
        view = window.tabs.currentWidget()
        if kind != "evaluations":
            photographer.small(name)
            continue
        pages = view.findChildren(QTabWidget)[0]
        for index, page in enumerate(TABS):
            pages.setCurrentIndex(index)
            wait(1.0)
            photographer.small(f"{name}_{page}")
    window.show_models()
    wait(1.5)
    photographer.small("models")


def main() -> int:
    """Read the words, take the pictures, close the window."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a run that was evaluated")
    run: Path = parser.parse_args().run.resolve()
    os.environ["LATHE_SETTINGS"] = str(Path(tempfile.mkdtemp()) / "settings.ini")
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from src.threads.worker import stop_all
    from src.ui.application import make_application
    from src.ui.main_window import MainWindow
    from src.ui.theme import apply_theme

    app: Any = make_application([])
    apply_theme(app, "light")
    window = MainWindow(run.parent)
    window.show()
    wait(1.5)
    photographer = Photographer(window, IMAGES)
    photograph(photographer, run)
    window.close()
    stop_all()
    print(f"{len(photographer.taken)} pictures in {photographer.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
