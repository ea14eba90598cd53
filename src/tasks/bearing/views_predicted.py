"""A recording that a prediction knows by its file: read again as the prediction read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from src.core.dataset.views import ViewRefusedError
from src.core.job import JobError
from src.core.prediction.folder import HEADER_NAME
from src.core.run.folder import RunFolder
from src.tasks.bearing.files import UnreadableSignalError
from src.tasks.bearing.sources import SourceFile


def located(sample: Mapping[str, Any], config: Any) -> tuple[Mapping[str, Any], Any]:
    """The sample with its channel, rate and speed, and the configuration with its bearing.

    A sample of a data set has them; one of a prediction is read with the options of the job and of the model's run.

    Raises:
        ViewRefusedError: The results cannot be read, or the file is not what it was.
    """
    prediction = sample.get("prediction")
    if not prediction or "channel" in sample:
        return sample, config
    from src.tasks.bearing.jobs.data_config import RecordingsConfig
    from src.tasks.bearing.jobs.new_data import data_options, recordings_of

    folder, file = Path(str(prediction["folder"])), Path(str(sample["file"]))
    try:
        header = json.loads((folder / HEADER_NAME).read_bytes())
        run = str(header["model"].get("run") or "")
        options = data_options(
            RunFolder(Path(run)) if run else None, RecordingsConfig(**header["recordings"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ViewRefusedError(f"The results in {folder} cannot be read: {error}.") from error
    try:
        recordings, bearing = recordings_of(SourceFile(str(prediction["name"]), str(file)), options)
    except (UnreadableSignalError, OSError, JobError) as error:
        raise ViewRefusedError(f"{file.name} cannot be read: {error}.") from error
    found = next((r for r in recordings if r.id == prediction["recording"]), None)
    if found is None:
        raise ViewRefusedError(f"{file.name} has no recording {prediction['recording']} any more.")
    if bearing and options.bearing.kind == "unknown":
        options = options.model_copy(
            update={"bearing": options.bearing.model_copy(update={"kind": "rolling", "model": bearing})}
        )
    known = {"channel": found.channel, "rate": found.rate, "speed": found.speed}
    return {**sample, "id": found.id, **known}, SimpleNamespace(data=options)
