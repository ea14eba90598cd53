"""Time from the start of the process to the window on the screen, and what was imported by then.

The alternative that is measured beside it: the same window in a process that imports torch first, as
programs do whose
window and training live together.

    python benchmarks/window_startup.py [--repeat 7]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "cv2", "matplotlib", "numpy", "pyqtgraph", "pydantic")


def child(with_torch: bool) -> None:
    """Open the window, print the seconds since this process began, close."""
    sys.path.insert(0, str(ROOT))
    if with_torch:
        import torch  # noqa: F401
    import psutil

    from src.ui.application import run_desktop

    def shown(window: object) -> None:
        seconds = time.time() - psutil.Process().create_time()
        print(
            json.dumps({"seconds": seconds, "imported": [m for m in HEAVY if m in sys.modules]}), flush=True
        )
        window.close()  # type: ignore[attr-defined]

    run_desktop([], theme="light", on_shown=shown)


def measure(words: list[str]) -> dict[str, object]:
    """One start in a fresh process."""
    with tempfile.TemporaryDirectory() as place:
        environment = dict(os.environ, LATHE_SETTINGS=str(Path(place) / "s.ini"), LATHE_WORKSPACE=place)
        environment.setdefault(
            "QT_QPA_PLATFORM", "" if environment.get("DISPLAY") or os.name == "nt" else "offscreen"
        )
        done = subprocess.run(
            [sys.executable, __file__, "--child", *words],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure both and write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--with-torch", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.with_torch)
        return
    from PyQt5.QtCore import QT_VERSION_STR

    machine = f"{platform.system()}-{platform.machine()}-{os.cpu_count()}cores"
    name = f"window_startup_{machine}_qt{QT_VERSION_STR}.csv"
    target = ROOT / "benchmarks" / "results" / name
    target.parent.mkdir(exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as handle:
        table = csv.writer(handle)
        table.writerow(["variant", "median_s", "min_s", "max_s", "repeats", "imported"])
        for variant, words, repeats in (
            ("lathe", [], options.repeat),
            ("with torch in the process", ["--with-torch"], 3),
        ):
            measure(words)  # the first start reads the files from the disk
            found = [measure(words) for _ in range(repeats)]
            seconds = [float(f["seconds"]) for f in found]  # type: ignore[arg-type]
            row = [
                variant,
                f"{statistics.median(seconds):.3f}",
                f"{min(seconds):.3f}",
                f"{max(seconds):.3f}",
                repeats,
                " ".join(found[0]["imported"]),
            ]  # type: ignore[arg-type]
            table.writerow(row)
            print(*row, sep="\t")
    print(f"written to {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
