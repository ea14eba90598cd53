"""The training job: brings the run folder, the task and the engine together in a process of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.config import (
    ConfigError,
    Layer,
    Resolved,
    RunConfig,
    dump_yaml,
    file_layer,
    nest,
    read_yaml,
    resolve,
)
from src.core.dataset.findings import DatasetError
from src.core.run import CheckpointIndex, CommandInbox, EventWriter, RunFolder
from src.core.run.commands import reason
from src.core.run.folder import write_atomically
from src.jobs.baselines import measure_baselines
from src.jobs.going_on import START_CODES, ResumeError, restore, unchanged
from src.jobs.in_folder import carry_out, failure, reason_of
from src.tasks.catalog import load_task, task_info

if TYPE_CHECKING:
    from src.jobs.devices import Company


def load_config(folder: RunFolder) -> Resolved[RunConfig]:
    """The configuration of a run with the layers that its values came from."""
    raw = read_yaml(folder.config)
    info = task_info(str(raw.get("task", "segmentation")))
    resolved: Resolved[RunConfig] = resolve(info.config, [file_layer(folder.config, info.config)])
    origins = dict.fromkeys(resolved.origins, "default") | dict(raw.get("origins") or {})
    return Resolved(resolved.config, origins)


def run_training(
    path: Path, *, resume: bool, follow_parent: bool, callbacks: Sequence[Any] = (), signals: bool = True
) -> int:
    """Train the run in ``path``; every ending is written to its log. Returns 0 unless the run failed.

    Args:
        callbacks: `Callback` objects beside those of the configuration.
        resume, follow_parent, signals: Go on with it; see `carry_out`.
    """

    def begin(folder: RunFolder, writer: EventWriter, inbox: CommandInbox) -> TrainingJob:
        return TrainingJob(folder, writer, inbox, resume, callbacks)

    return carry_out(path, begin, follow_parent=follow_parent, signals=signals)


class TrainingJob:
    """One run from its folder to its end.

    Attributes:
        ending: Status, cause and cure, once it is known.
    """

    def __init__(
        self,
        folder: RunFolder,
        writer: EventWriter,
        inbox: CommandInbox,
        resume: bool,
        callbacks: Sequence[Any] = (),
    ) -> None:
        self.folder, self.writer, self.inbox, self._callbacks = folder, writer, inbox, callbacks
        self._resume = resume
        self.index = CheckpointIndex(folder)
        #: Its weights come from a checkpoint of its own: whatever it began from need not be there any more.
        self._goes_on = resume and bool(self.index.entries())
        self.ending: dict[str, Any] = {}
        self._trainer: Any = None

    def run(self) -> None:
        """Read the data, build everything, train, keep the model, report."""
        resolved = self._measured(load_config(self.folder))
        config = resolved.config
        info = task_info(config.task)
        data = self._describe(info, config)
        if data is None:
            self.ending = {
                "status": "stopped",
                "cause": "Stopped by request before the first batch.",
                "cure": "",
            }
            return
        self._note_detected(resolved, info, data)
        from src.jobs.devices import Company

        company = Company(config, self.folder, self._resume, self._give_up)
        try:
            self._train(config, info, data, company)
        finally:
            company.close(at_once=self.ending.get("status") in (None, "failed"))

    def _train(self, config: RunConfig, info: Any, data: Any, company: Company) -> None:
        from src.core.engine.ending import found_nothing
        from src.jobs.assemble import assemble, environment

        self.folder.write_json(self.folder.environment, environment(config, data, company.group))
        trainer = self._trainer = assemble(
            config, load_task(info.id), data, self.folder, self.writer, self.inbox, self._goes_on, self._callbacks, company.group
        )  # fmt: skip
        refused = False
        try:
            resumed = self._resume and restore(self.index, trainer, data, self._warn)
            self._announce(trainer, config, data, resumed)
            if not resumed:
                measure_baselines(trainer.task, self.writer, self.inbox, reason_of)
            outcome = trainer.fit()
            self.ending = {"status": outcome.status, "cause": outcome.cause, "cure": outcome.cure}
            if outcome.status in ("completed", "stopped_early") and (barren := found_nothing(trainer)):
                self.ending |= {
                    "verdict": barren.verdict,
                    "cause": f"{outcome.cause} {barren.cause}".strip(),
                    "cure": barren.cure,
                }
            if outcome.status == "stopped" and (why := reason(self.folder)):  # not by a person
                self.ending |= {
                    "cause": why,
                    "cure": "Resume trains it to the end all the same.",
                    "pruned": why,
                }
        except ResumeError:  # nothing was trained: model and report stay what they were
            refused = True
            raise
        except Exception as error:
            from src.core.engine.explain import explain

            outcome = explain(company.cause(error), trainer.task, trainer.device)
            self.ending = {"status": outcome.status, "cause": outcome.cause, "cure": outcome.cure}
            raise
        finally:
            trainer.close()
            if not refused:
                self._finish(config)

    def _give_up(self, lost: Exception) -> None:
        """A device is lost and the computation waits for it for ever: end this process, whatever it does."""
        self.ending = self.failure(lost)
        with contextlib.suppress(OSError):
            self.writer.write("run_ended", **{**self.result(), **self.ending})
        os._exit(1)

    def _measured(self, resolved: Resolved[RunConfig]) -> Resolved[RunConfig]:
        """Options that nobody set take what was measured on this machine; of a run that goes on nothing changes."""
        if self._resume or not resolved.config.training.machine_tuning:
            return resolved
        import torch

        from src.core.engine.device import choose_device, device_title
        from src.jobs.tune import with_measured

        found = with_measured(
            resolved, device_title(choose_device(resolved.config.training.device)), torch.__version__
        )
        changed = [k for k, v in found.origins.items() if v != resolved.origins.get(k)]
        if changed:
            write_atomically(self.folder.config, dump_yaml(found).encode())
            flat = found.flat()
            said = ", ".join(f"{key}={flat[key]}" for key in changed)
            self._warn("tuned", f"As it was measured on this machine: {said}.",
                       "Set these options yourself to choose otherwise.", changed, "notice")  # fmt: skip
        return found

    def _describe(self, info: Any, config: RunConfig) -> Any:
        """The data set as it was when the run began, or as it is now; None where a command came first.

        Raises:
            DatasetError: The data cannot be trained on.
        """
        from src.core.dataset.contract import DESCRIPTION_NAME, DescriptionCancelledError

        if (self.folder.dataset / DESCRIPTION_NAME).exists():
            data = info.load_description(self.folder.dataset, config)
        else:
            try:
                data = info.describe(config, None, lambda: self.inbox.poll() is not None)
            except DescriptionCancelledError:
                return None
        findings = info.check(config, data) + info.refused(config)
        if self._goes_on:
            findings = [f for f in findings if f.code not in START_CODES]
        for finding in findings:
            if finding.severity != "error":
                self._warn(finding.code, finding.message, finding.cure, list(finding.where), finding.severity)
        if any(f.severity == "error" for f in findings):
            raise DatasetError([f for f in findings if f.severity == "error"])
        data.save(self.folder.dataset)
        data.compact()
        return data

    def _note_detected(self, resolved: Resolved[RunConfig], info: Any, data: Any) -> None:
        """Enter what was read from the data into the configuration, under a layer of its own."""
        flat = resolved.flat()
        detected = {k: v for k, v in data.resolved().items() if k in flat and flat[k] != v}
        if not detected:
            return
        both = resolve(info.config, [Layer("default", nest(flat)), Layer("detected", nest(detected))])
        origins = {k: "detected" if k in detected else v for k, v in resolved.origins.items()}
        write_atomically(self.folder.config, dump_yaml(Resolved(both.config, origins)).encode())

    def _announce(self, trainer: Any, config: RunConfig, data: Any, resumed: bool) -> None:
        from src.core.engine.device import device_title
        from src.core.engine.task import count_parameters
        from src.core.run.events import EventTail

        attempts = sum(
            1 for e in EventTail(self.folder.events).read(("batch_progress",)) if e.type == "run_started"
        )
        state = trainer.state
        self.writer.write(
            "run_started", attempt=attempts + 1, resumed=resumed, epoch=state.epoch, step=state.step, task=config.task,
            device=device_title(trainer.device), devices=trainer.group.size, precision=trainer.precision.name,
            epochs=trainer.options.epochs,
            steps_per_epoch=len(trainer.train_loader), batch_size=config.training.batch_size,
            train_samples=len(data.samples["train"]), val_samples=len(data.samples["val"]),
            parameters=count_parameters(trainer.model), metric=trainer.metric, mode="max" if trainer.maximise else "min",
            class_names=list(data.class_names), data=data.summary(), split_hash=data.split_hash,
            trial=bool(config.training.debug.fast or config.training.debug.overfit_batches),
        )  # fmt: skip

    def _finish(self, config: RunConfig) -> None:
        """Keep the model under its plain name, and write the report; neither can turn a good run into a failed one."""
        if best := self.index.with_role("best") or self.index.with_role("last"):
            source, target = self.index.file_of(best), self.folder.path / "model.safetensors"
            beside = self.folder.path / ".model.tmp"
            try:
                shutil.copyfile(source, beside)
                beside.replace(target)
            except OSError as error:
                self._warn("ending.model", f"The model was not copied to {target}: {reason_of(error)}.",
                           f"{source} is the same model: copy it by hand once there is room for it.", [])  # fmt: skip
            finally:
                with contextlib.suppress(OSError):
                    beside.unlink(missing_ok=True)  # what was copied before the disk was full keeps it full
        if not (config.monitoring.report and self._trainer.state.history):
            return
        try:
            from src.core.report import write_report

            write_report(self.folder, self.ending)
        except Exception as error:
            traceback.print_exc()
            self._warn("ending.report", f"The report was not written: {reason_of(error)}.",
                       "Model, checkpoints and curves are complete: open the run in the window to see them.", [])  # fmt: skip

    def _warn(self, code: str, message: str, cure: str, where: list[str], severity: str = "warning") -> None:
        self.writer.write("warning", severity=severity, code=code, message=message, cure=cure, where=where)

    def failure(self, error: Exception) -> dict[str, Any]:
        """The ending for an error before the loop began; a run that may not go on is what it was before."""
        ending = failure(error, "resume goes on from the last checkpoint")
        if self._goes_on and isinstance(error, (DatasetError, ResumeError)):
            ending |= unchanged(self.folder, error)
        return ending

    def result(self) -> dict[str, Any]:
        """What the run came to, for its last event."""
        state = self._trainer.state if self._trainer else None
        newest = self.index.with_role("best") or self.index.with_role("last")
        model, report = self.folder.path / "model.safetensors", self.folder.report / "index.html"
        return {
            "epoch": len(state.history) if state else 0,
            "best_value": state.best_value if state else None,
            "best_epoch": state.best_epoch if state else None,
            "checkpoint": str(self.index.file_of(newest)) if newest else None,
            "model": str(model) if model.exists() else None,
            "report": str(report) if report.exists() else None,
        }


__all__ = ["ConfigError", "ResumeError", "TrainingJob", "load_config", "run_training"]
