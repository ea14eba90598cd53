"""Makes the pictures of recordings, from the real window and simulated recordings of damaged bearings.

    python docs/make_bearing_screenshots.py
    python docs/make_bearing_screenshots.py RUN

writes docs/images/recording_*.png; with a run whose model predicted recordings also that of its newest prediction. Works
without a screen, too.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from docs.make_job_screenshots import newest
from docs.make_screenshots import IMAGES, SIZES, Photographer, wait, wait_until

RATE, SECONDS = 12_000, 8.0
BEARING = "SKF 6205-2RS JEM"


def make_recordings(folder: Path) -> None:
    """Three recordings of each damaged part at three speeds, as MATLAB files with rate, speed and label."""
    import numpy as np
    import scipy.io

    from src.tasks.bearing.geometry import known_bearing
    from src.tasks.bearing.signals.simulate import bearing_signal

    for part in ("inner", "outer", "ball"):
        for number, speed in enumerate((1480.0, 1750.0, 1797.0)):
            rng = np.random.default_rng([number, len(part)])
            signal = bearing_signal(
                known_bearing(BEARING), part, speed, RATE, SECONDS, rng, slip=0.004, snr_db=number * 2 - 4
            )
            values = {"acceleration": 0.3 * signal, "fs": float(RATE), "rpm": speed, "label": part}
            scipy.io.savemat(folder / f"{part}_{number + 1}.mat", values)


def photograph(photographer: Photographer, folder: Path) -> None:
    """All views of one recording, and its envelope spectrum alone."""
    from src.ui.widgets.views_window import ViewsWindow

    window = photographer.window
    window.resize(*SIZES[0])
    photographer.open_dataset(folder)
    view = window.tabs.dataset_view()
    names = [view.prepared.view.table.ids[row] for row in view.thumbnails.samples.rows]
    view.images.enlarge(view.thumbnails.samples.index(names.index("outer_3.mat")))
    shown = window.findChildren(ViewsWindow)[0]
    shown.resize(*SIZES[0])
    panel = shown.panel

    def drawn() -> bool:
        seen = [plot for plot in panel.plots.values() if plot.isVisible()]
        return bool(seen) and all(plot.shown is not None for plot in seen) and not shown._busy.text()

    wait_until(drawn)
    panel.common.set_value("bearing", BEARING)
    panel.common.changed.emit()
    wait(0.5)
    wait_until(drawn)
    panel.plots["signal"].set_range(2.0, 4.0)
    panel.plots["signal"].moved.emit(2.0, 4.0)
    wait(0.5)
    wait_until(drawn)
    photographer.small("recording_views", shown)
    panel.common.set_value("axis", "orders")
    panel.common.set_value("sidebands", 1)
    panel.common.changed.emit()
    panel.enlarge("envelope")
    wait(0.5)
    wait_until(drawn)
    panel.plots["envelope"].set_cross(3.585)
    photographer.small("recording_envelope", shown)
    shown.close()


def main() -> int:
    """Read the words, take the pictures, close the window."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, nargs="?", help="folder of a run that predicted recordings")
    run: Path | None = parser.parse_args().run
    place = Path(tempfile.mkdtemp())
    os.environ["LATHE_SETTINGS"] = str(place / "settings.ini")
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from src.threads.worker import stop_all
    from src.ui.application import make_application
    from src.ui.main_window import MainWindow
    from src.ui.theme import apply_theme

    app: Any = make_application([])
    apply_theme(app, "light")
    folder = place / "bearings"
    folder.mkdir()
    make_recordings(folder)
    window = MainWindow(place / "runs")
    window.show()
    wait(1.5)
    photographer = Photographer(window, IMAGES)
    photograph(photographer, folder)
    if run is not None and (predicted := newest(run.resolve() / "predictions")) is not None:
        window.tabs.open_job(predicted)
        window.pages.setCurrentWidget(window.tabs)
        wait(1.0)
        panel = window.tabs.currentWidget().page.panel
        wait_until(lambda: all(plot.shown is not None for plot in panel.plots.values()))
        photographer.small("recording_prediction")
    window.close()
    stop_all()
    print(f"{len(photographer.taken)} pictures in {photographer.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
