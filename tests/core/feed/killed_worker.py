"""A program for a test: kills a loader's worker process and prints what the person would be told."""

from __future__ import annotations

import json
import multiprocessing
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.engine.explain import explain_error
from src.core.feed.augment import Augmentation
from src.core.feed.dataset import ImageMaskDataset
from src.core.feed.loader import FeedLoader


def main() -> None:
    """Read one batch, kill, read on."""
    samples = [Sample.from_dict(raw) for raw in json.loads(Path(sys.argv[1]).read_text("utf-8"))]
    meaning = MaskMeaning("binary", ("background", "object"), (), 127, "bright", None)
    data = ImageMaskDataset(samples, meaning, 32, augmentation=Augmentation(32))
    with FeedLoader(data, 2, workers=1, worker_kind="process") as loader:
        batches = loader.epoch(0)
        next(batches)
        for process in multiprocessing.active_children():
            process.kill()
        list(batches)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        print(explain_error(error).cause, flush=True)
