"""The check job: reads a data set and prints what it found as JSON lines, none of them long. Needs no torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.core.config import ConfigError, file_layer, read_yaml, resolve
from src.core.dataset.contract import Description, Look, Record
from src.core.dataset.findings import DatasetError, Finding
from src.core.run.progress import Seldom
from src.core.task_info import TaskInfo
from src.tasks.catalog import task_info

#: Samples a line: a reader holds the interpreter for about a millisecond with it.
SAMPLES_A_LINE = 256
_SAY_EVERY_S = 0.05


def _say(**line: Any) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


def description_as_json(data: Description, info: TaskInfo) -> dict[str, Any]:
    """What a window shows of a data set, without its samples: see `sample_lines`."""
    return {
        "task": info.id,
        "summary": data.summary(),
        "splits": {name: len(samples) for name, samples in data.samples.items()},
        "classes": list(data.class_names),
        "statistics": data.statistics,
        "root": data.root,
        "fingerprint": data.fingerprint,
        "split_hash": data.split_hash,
        **data.details(),
    }


def sample_lines(data: Description, look: Look) -> Iterator[dict[str, Any]]:
    """How the samples look, ``{"look": {...}}``, then the samples in portions, ``{"samples": part, "rows": [...]}``,
    each row as ``sample_table.SampleTable.append`` says.
    """
    yield {"look": look.to_dict()}
    for part, samples in data.samples.items():
        for first in range(0, len(samples), SAMPLES_A_LINE):
            yield {
                "samples": part,
                "rows": [_row(s, data, look) for s in samples[first : first + SAMPLES_A_LINE]],
            }


def _row(sample: Record, data: Description, look: Look) -> list[Any]:
    first, *others = sample.files
    mask = [others[0] if others else None] if look.masks else []
    classes = list(sample.classes) if data.class_names else None
    return [sample.id, first, *mask, sample.group, classes, *data.row(sample)]


def run_check(config_file: Path) -> int:
    """Print progress, the samples in portions, each finding, and at last the description with the word ``done``;
    faults of the configuration are findings too.
    """
    progress = Seldom(lambda *progress: _say(progress=progress), _SAY_EVERY_S)
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
        for line in sample_lines(data, info.look):
            _say(**line)
        _say_findings(info.check(config, data))
        _say(description=description_as_json(data, info), resolved=data.resolved())
    except ConfigError as error:
        _say_findings([Finding("error", "config", text, where=(key,)) for key, text in error.problems])
        _say(error=str(error))
    except DatasetError as error:
        _say_findings(error.findings)
        _say(error=str(error))
    except BrokenPipeError:  # whoever asked is gone
        sys.stderr.close()
    return 0


def _say_findings(findings: list[Finding]) -> None:
    for finding in findings:
        _say(finding=finding.to_dict())
