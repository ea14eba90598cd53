"""Training, and jobs with a trained model, from Python, in the calling process: what the windows and the command line do in a child.

>>> from src.jobs.face import evaluate, predict  # doctest: +SKIP
>>> evaluate("runs/2026-11-21_parts_unet-resnet18_1", part="val")["metrics"]["iou"]  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from src.core.config import Layer, file_layer, nest, preset_layer, read_yaml, resolve
from src.core.job import Job, JobCancelledError
from src.core.run import CommandInbox, EventWriter, create_job, create_run, find_model, summarise
from src.core.run.state import claim
from src.jobs.in_folder import failure
from src.jobs.work import AGAIN, load_runtime
from src.tasks.catalog import job_info, task_info

Progress = Callable[[int, int, str], None]


class _ToldJob(Job):
    """A job that tells its caller how far it is."""

    def __init__(self, *parts: Any, tell: Progress | None) -> None:
        super().__init__(*parts)
        self._tell = tell

    def progress(self, done: int, total: int, what: str) -> None:
        super().progress(done, total, what)
        if self._tell is not None:
            self._tell(done, total, what)


def do(job: str, model: str | Path, *, progress: Progress | None = None, **options: Any) -> dict[str, Any]:
    """Do a job of this name with a model and return what came of it, with ``folder``, where the results are.

    Args:
        job: ``evaluate``, ``predict``, ``export``, ``rank``, ``pseudo_label``.
        model: A run (folder or name), or the file of a model.
        progress: Called with done, total and what is going on; what it raises ends the job.
        options: As ``app.py settings --job`` lists them; those with dots in their names as
            ``**{"inference.tta": "flips"}``.

    Raises:
        ConfigError: Unknown options, or values out of bounds.
        ModelError, RunFolderError: No such model; no place for the results.
        JobError, DatasetError: The job cannot be done; the sentence says why, ``cure`` what to do.
    """
    task = _task_of(model, options)
    options.pop("task", None)
    info = job_info(task, job)
    plain = {key: _plain(value) for key, value in options.items()}
    resolved = resolve(
        info.config, [Layer("command line", nest({"task": task, "model": str(model), **plain}))]
    )
    folder = create_job(resolved, info)
    config = resolved.config.model_copy(update={"job": info.id, "model": str(model)})
    lock = folder.lock()
    writer = EventWriter(folder.events)
    ending: dict[str, Any] = {"status": "stopped", "cause": "Stopped by request.", "cure": ""}
    try:
        claim(folder)
        found = load_runtime(info)(_ToldJob(config, folder, writer, CommandInbox(folder), tell=progress))
        ending = {"status": "completed", "cause": "", "cure": "", **found}
        return {**found, "folder": folder.path}
    except JobCancelledError:
        return {"status": "stopped", "folder": folder.path}
    except Exception as error:
        ending = failure(error, AGAIN)
        raise
    finally:
        writer.write("run_ended", **ending)
        writer.close()
        lock.release()


def _task_of(model: str | Path, options: dict[str, Any]) -> str:
    """What the model says of itself, else what the caller says."""
    return str(find_model(str(model)).facts.get("task") or options.get("task", "segmentation"))


def train(
    config: str | Path | None = None,
    *,
    callbacks: Sequence[Any] = (),
    preset: str = "default",
    task: str = "segmentation",
    **options: Any,
) -> dict[str, Any]:
    """Train a run in the calling process, with callbacks of your own beside those of the configuration.

    Args:
        config: A YAML file; None takes the preset and ``options`` alone.
        callbacks: Objects of classes derived from `src.core.engine.callbacks.Callback`. What one raises ends the run, and is
            its cause. They are no part of the configuration: a run that is resumed elsewhere goes on without them.
        preset, task: As on the command line.
        options: Those of the configuration, as ``**{"training.epochs": 3}``.

    Returns:
        What ``app.py train --json`` prints: ``status``, ``run`` (its folder), ``best_value``, ``model``, ….

    Raises:
        ConfigError, RunFolderError: As on the command line, before anything starts.
    """
    from src.jobs.train import run_training

    layers = []
    if config is not None:
        path = Path(config)
        task = str(read_yaml(path).get("task", task))
        layers = [file_layer(path, task_info(task).config)]
    info = task_info(task)
    given = Layer("command line", nest({k: _plain(v) for k, v in options.items()}))
    folder = create_run(resolve(info.config, [preset_layer(task, preset), *layers, given]), info)
    run_training(folder.path, resume=False, follow_parent=False, callbacks=callbacks, signals=False)
    return summarise(folder).as_json()


def _plain(value: Any) -> Any:
    """Paths as text; ``images`` may hold several."""
    if isinstance(value, Path):
        return str(value)
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def evaluate(model: str | Path, data: str | Path = "", **options: Any) -> dict[str, Any]:
    """How good a model is on its own test images, or on other data; see `do`."""
    return do("evaluate", model, data=data, **options)


def predict(model: str | Path, files: str | Path | Sequence[str | Path], **options: Any) -> dict[str, Any]:
    """What a model says of files (images, recordings), such as masks or verdicts; see `do`."""
    several = [files] if isinstance(files, (str, Path)) else list(files)
    info = job_info(_task_of(model, options), "predict")
    options[info.takes] = several
    return do("predict", model, **options)


def export(model: str | Path, format: str = "onnx", **options: Any) -> dict[str, Any]:
    """A model for other programs, compared with the original; see `do`."""
    return do("export", model, format=format, **options)
