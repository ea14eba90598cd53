"""The check job: reads a data set and prints what it found as JSON lines. Needs no torch."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from src.core.config import ConfigError, file_layer, read_yaml, resolve
from src.core.dataset.findings import DatasetError, Finding
from src.tasks.catalog import task_info


def _say(**line: Any) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


def description_as_json(data: Any) -> dict[str, Any]:
    """What a window shows of a data set."""
    pixels = data.class_pixels.get("train", [])  # empty where no mask could be read
    total = sum(pixels) or 1
    return {
        "summary": data.summary(),
        "splits": {name: len(samples) for name, samples in data.samples.items()},
        "classes": list(data.class_names),
        "class_share": {name: count / total for name, count in zip(data.class_names, pixels, strict=False)},
        "sizes": data.sizes,
        "samples": {
            name: [{"id": s.id, "image": s.image, "mask": s.mask, "group": s.group} for s in samples]
            for name, samples in data.samples.items()
        },
        "masks": data.meaning.to_dict() if data.meaning else None,
    }


def run_check(config_file: Path) -> int:
    """Print progress, then the description with all findings; faults of the configuration are findings too."""
    last = [0.0]

    def progress(done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now - last[0] > 0.05 or done == total:
            last[0] = now
            _say(progress=[done, total, what])

    try:
        info = task_info(str(read_yaml(config_file).get("task", "segmentation")))
        config = resolve(info.config, [file_layer(config_file, info.config)]).config
        faults = [
            f
            for f in info.check(config, None)
            if f.severity == "error" and f.where and f.where[0].startswith("data.")
        ]
        if faults:
            raise DatasetError(faults)
        data = info.describe(config, progress)
        _say(
            description=description_as_json(data),
            findings=[f.to_dict() for f in info.check(config, data)],
            resolved=data.resolved(),
        )
    except ConfigError as error:
        _say(
            error=str(error),
            findings=[
                Finding("error", "config", text, where=(key,)).to_dict() for key, text in error.problems
            ],
        )
    except DatasetError as error:
        _say(error=str(error), findings=[f.to_dict() for f in error.findings])
    except BrokenPipeError:  # whoever asked is gone
        sys.stderr.close()
    return 0
