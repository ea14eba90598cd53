"""The trackers, by the documented interfaces of their libraries."""

from __future__ import annotations

import os
import re
import struct
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

from src.core.config.extras import TrackersConfig, availability
from src.core.run.folder import workspace
from src.core.tracking.sink import RunFacts, Sink, TrackerError


class TensorBoardSink:
    """Event files in ``tensorboard/`` of the run; ``tensorboard --logdir RUNS`` shows those of all runs."""

    def __init__(self, config: TrackersConfig) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event, self._summary, self._writer_of = Event, Summary, EventFileWriter
        self._writer: Any = None

    def open(self, run: RunFacts) -> str:
        """Begin another file; TensorBoard reads all files of a folder as one run."""
        folder = run.folder / "tensorboard"
        self._writer = self._writer_of(str(folder))
        return str(folder)

    def values(self, values: dict[str, float], step: int, time: float) -> None:
        """Scalars."""
        parts = [self._summary.Value(tag=name, simple_value=v) for name, v in values.items()]
        self._writer.add_event(self._event(wall_time=time, step=step, summary=self._summary(value=parts)))

    def image(self, name: str, file: Path, step: int, time: float) -> None:
        """The PNG as it is; its size stands at bytes 16 to 24."""
        data = file.read_bytes()
        width, height = struct.unpack(">II", data[16:24])
        picture = self._summary.Image(height=height, width=width, colorspace=3, encoded_image_string=data)
        summary = self._summary(value=[self._summary.Value(tag=name, image=picture)])
        self._writer.add_event(self._event(wall_time=time, step=step, summary=summary))

    def flush(self) -> None:
        """To the disk."""
        self._writer.flush()

    def close(self, status: str) -> None:
        """Close the file."""
        self._writer.close()


class MlflowSink:
    """A run of MLflow, on a server or in the workspace. MLflow itself is told the state at the end."""

    _ENDINGS: ClassVar[dict[str, str]] = {
        "completed": "FINISHED",
        "stopped_early": "FINISHED",
        "stopped": "FINISHED",
        "failed": "FAILED",
    }

    def __init__(self, config: TrackersConfig) -> None:
        # its client tries a dead server for minutes otherwise
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        from mlflow.entities import Metric, Param
        from mlflow.tracking import MlflowClient

        self._metric, self._param = Metric, Param
        self._client = MlflowClient(tracking_uri=config.mlflow_server or _local_store())
        self._run = ""

    def open(self, run: RunFacts) -> str:
        """The experiment is the project; a run that MLflow knows is taken up again."""
        if run.known_as:
            self._run = run.known_as
            self._client.update_run(self._run, status="RUNNING")
            return self._run
        found = self._client.get_experiment_by_name(run.project)
        experiment = found.experiment_id if found else self._client.create_experiment(run.project)
        self._run = self._client.create_run(experiment, run_name=run.name).info.run_id
        options = [self._param(key, str(value)[:500]) for key, value in run.options.items()]
        for first in range(0, len(options), 100):  # as many as a request may hold
            self._client.log_batch(self._run, params=options[first : first + 100])
        return self._run

    def values(self, values: dict[str, float], step: int, time: float) -> None:
        """Metrics; a name keeps the characters that MLflow allows."""
        made = [
            self._metric(re.sub(r"[^\w\-. /]", "_", k), v, int(time * 1000), step) for k, v in values.items()
        ]
        self._client.log_batch(self._run, metrics=made)

    def image(self, name: str, file: Path, step: int, time: float) -> None:
        """An artifact a preview."""
        self._client.log_artifact(self._run, str(file), f"preview/epoch{step:05d}")

    def flush(self) -> None:
        """Each request is sent at once."""

    def close(self, status: str) -> None:
        """Tell how it ended."""
        self._client.set_tag(self._run, "lathe.status", status)
        self._client.set_terminated(self._run, self._ENDINGS.get(status, "KILLED"))


def _local_store() -> str:
    """A database where MLflow is complete; its small package knows files only, and wants to hear that this is meant."""
    try:
        metadata.version("mlflow")
    except metadata.PackageNotFoundError:
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
        return (workspace() / "mlruns").as_uri()
    return f"sqlite:///{(workspace() / 'mlflow.db').as_posix()}"


class WandbSink:
    """A run of Weights & Biases; offline it stays in ``wandb/`` of the run."""

    def __init__(self, config: TrackersConfig) -> None:
        import wandb

        self._wandb, self._online = wandb, config.wandb_online
        self._run: Any = None

    def open(self, run: RunFacts) -> str:
        """The same id again for a run that is resumed; epochs have an axis of their own."""
        name = run.known_as or re.sub(r"[^\w-]", "-", run.name)[-60:]
        self._run = self._wandb.init(
            project=re.sub(r"[^\w.-]", "-", run.project), name=run.name, id=name, resume="allow", dir=str(run.folder),
            config=run.options, mode="online" if self._online else "offline",
        )  # fmt: skip
        self._run.define_metric("step")
        self._run.define_metric("epoch")
        self._run.define_metric("*", step_metric="step")
        self._run.define_metric("epoch/*", step_metric="epoch")
        self._run.define_metric("preview/*", step_metric="epoch")
        return name

    def values(self, values: dict[str, float], step: int, time: float) -> None:
        """Values with the axis that they belong to."""
        axis = "epoch" if all(name.startswith("epoch/") for name in values) else "step"
        self._run.log({**values, axis: step})

    def image(self, name: str, file: Path, step: int, time: float) -> None:
        """A picture with its epoch."""
        self._run.log({name: self._wandb.Image(str(file)), "epoch": step})

    def flush(self) -> None:
        """Its own process sends all the time."""

    def close(self, status: str) -> None:
        """Finish; everything but a failure counts as done."""
        self._run.summary["status"] = status
        self._run.finish(exit_code=1 if status in ("failed", "killed") else 0)


_SINKS: dict[str, type[Any]] = {"tensorboard": TensorBoardSink, "mlflow": MlflowSink, "wandb": WandbSink}


def make_sink(name: str, config: TrackersConfig) -> Sink:
    """A tracker by its name.

    Raises:
        TrackerError: Its library is not installed.
    """
    if reason := availability()[name]:
        what, _, cure = reason.partition(". ")
        raise TrackerError(f"{what}.", f"{cure}.")
    made: Sink = _SINKS[name](config)
    return made
