"""A program for tests: builds a cache slowly, says how far it is and what it came to, and keeps it until its input ends."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from cache_files import MEANING

from src.core.dataset.records import Sample
from src.core.feed.cache import Recipe, Want, prepare

#: As in the tests' own process, see tests/conftest.py: whether there is room must not depend on this disk.
ROOM = type(shutil.disk_usage(Path.cwd()))(250 * 10**9, 50 * 10**9, 200 * 10**9)
building: Any = importlib.import_module("src.core.feed.cache.building")


def main() -> None:
    """``cache_child.py SAMPLES CACHES SECONDS``: a JSON file, a folder, and how long decoding one image takes."""
    samples, caches, seconds = sys.argv[1:]
    decode = building.decode
    decoded = 0

    def slowly(*words: object) -> object:
        nonlocal decoded
        time.sleep(float(seconds))
        decoded += 1
        return decode(*words)

    building.decode = slowly
    shutil.disk_usage = lambda _: ROOM
    wants = [Want(Sample.from_dict(raw)) for raw in json.loads(Path(samples).read_text("utf-8"))]
    done = prepare(
        wants, Recipe(MEANING), "on", 10**12, epochs=5, dataset="Bleche", caches=Path(caches), threads=1,
        progress=lambda done, _total, what: print("progress", done, what, flush=True),
    )  # fmt: skip
    assert done.cache is not None
    print("decoded", decoded, "cached", len(done.cache), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
