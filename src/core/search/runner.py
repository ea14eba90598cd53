"""One process that works on a search: it starts trials as runs of their own, follows them, ends those that fall behind."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from src.core.config import ConfigError
from src.core.run import (
    ChildProcess,
    CommandInbox,
    EventTail,
    EventWriter,
    RunFolder,
    RunFolderError,
    RunSummary,
    commands,
    create_run,
    process_alive,
    summarise,
)
from src.core.search.care import keep_best_models
from src.core.search.config import SearchPlan
from src.core.search.folder import SearchFolder
from src.core.search.results import best_of, trial_config, write_results
from src.core.search.study import BEAT_S, Claim, SearchStudy

#: Seconds between two looks at the trials; between two writings of the results while nothing ends.
LOOK_S, RESULTS_S = 0.1, 2.0
#: Seconds until it is looked again whether somebody left a trial.
RECOVER_S = 1.0


@dataclass
class Active:
    """A trial that runs in a child process of this one.

    Attributes:
        behind: Why it was ended early, as a sentence; empty where it was not.
        wrong: Why its value does not count; empty where it does.
    """

    claim: Claim
    run: RunFolder
    child: ChildProcess
    tail: EventTail
    device: str
    beat: float
    behind: str = ""
    wrong: str = ""


class SearchRunner:
    """Works on a search until its trials have ended or a command ends it.

    Attributes:
        parallel: Trials at the same time.
        active: Those that run now.
    """

    def __init__(
        self, folder: SearchFolder, plan: SearchPlan, parallel: int, writer: EventWriter, inbox: CommandInbox
    ) -> None:
        self.folder, self.plan, self.parallel = folder, plan, parallel
        self.study = SearchStudy(folder, plan)
        self.active: list[Active] = []
        self._writer, self._inbox = writer, inbox
        self._command: str | None = None
        self._look_for_more, self._results_due, self._changed = 0.0, 0.0, True
        self._importance: tuple[int, dict[str, float]] = (-1, {})

    def run(self) -> dict[str, Any]:
        """Work; returns the ending: ``status``, ``cause``, ``cure`` and what is told at the end."""
        try:
            while True:
                self._obey()
                for active in list(self.active):
                    self._follow(active)
                waiting = False if self._command else self._fill()
                self._write_results()
                if not self.active and not waiting:
                    break
                time.sleep(LOOK_S)
        finally:
            for (
                active
            ) in self.active:  # an error of this process: the trials save their state and can be continued
                active.child.ask("stop")
                active.child.wait(60)
                self.study.release(active.claim)
        self._write_results(at_once=True)
        return self._ending()

    def _obey(self) -> None:
        command = self._inbox.poll()
        if command and command != self._command:
            self._command = command
            if command in ("stop", "pause"):
                for active in self.active:
                    active.child.ask("stop")

    def _fill(self) -> bool:
        """Start trials while there is room; returns whether there may be more to do later."""
        while len(self.active) < self.parallel:
            if time.monotonic() < self._look_for_more:
                return True
            claim = self.study.begin()
            self._changed = True
            if claim is None:
                self._look_for_more = time.monotonic() + RECOVER_S
                return bool(self.study.unsettled)
            self._start(claim)
        return True

    def _start(self, claim: Claim) -> None:
        device = self._free_device()
        before = summarise(claim.run) if claim.run else None
        if before is not None and _has_ended(before):  # its process outlived the one that started it
            self._judge(claim, before)
            return
        try:
            run = claim.run or self._new_run(claim, device)
            self.study.note_run(claim, run)
            resume = before is not None and before.state != "new"
            child = ChildProcess(run, detached=False, resume=resume)
            child.start()
        except (ConfigError, RunFolderError, OSError) as error:
            self._end(claim, "failed", None, str(error), getattr(error, "cure", ""))
            return
        self._tell("trial_started", claim, run=run.name, params=claim.params, resumed=resume)
        self.active.append(Active(claim, run, child, EventTail(run.events), device, time.monotonic()))

    def _new_run(self, claim: Claim, device: str) -> RunFolder:
        more: dict[str, Any] = {"runs_dir": str(self.folder.runs), "name": f"trial-{claim.number}"}
        if device:
            more["training__device"] = device
        if self.parallel > 1 and not self.plan.base.config.training.cpu_threads:
            more["training__cpu_threads"] = max(1, (os.cpu_count() or 1) // self.parallel)
        return create_run(trial_config(self.plan, claim.params, **more), self.plan.task)

    def _free_device(self) -> str:
        devices = self.plan.settings.devices
        used = [a.device for a in self.active]
        return min(devices, key=used.count) if devices else ""

    def _follow(self, active: Active) -> None:
        ended = active.child.poll() is not None
        for event in active.tail.read(skip=("batch_progress", "resource_sample")):
            if event.type == "run_started":
                self._check(active, str(event["metric"]), event["mode"] == "max")
            elif event.type == "epoch_completed" and not active.wrong:
                self._epoch(active, int(event["epoch"]), event["metrics"].get(self.plan.metric), ended)
        if not ended and time.monotonic() - active.beat > BEAT_S:
            active.beat = time.monotonic()
            self.study.beat(active.claim)
        if ended:
            active.child.settle()
            self.active.remove(active)
            self._judge(active.claim, summarise(active.run), active)

    def _check(self, active: Active, metric: str, maximise: bool) -> None:
        if (metric, maximise) != (self.plan.metric, self.plan.maximise) and not active.wrong:
            active.wrong = f"The run judges its epochs by {metric}, not by {self.plan.metric}: there are no validation images."
            active.child.ask("stop")

    def _epoch(self, active: Active, epoch: int, value: float | None, ended: bool) -> None:
        if value is None:
            return
        self._changed = True
        behind = self.study.report(active.claim, epoch, value)
        if (
            not behind
            or ended
            or active.behind
            or self._command in ("stop", "pause")
            or epoch >= self._epochs(active)
        ):
            return
        active.behind = (
            f"Ended early by the search {self.folder.name}: after epoch {epoch} its {self.plan.metric} of {value:.4f} was "
            "behind that of other trials."
        )
        commands.send(active.run, "stop", reason=active.behind)

    def _epochs(self, active: Active) -> int:
        planned = active.claim.params.get("training.epochs", self.plan.base.config.training.epochs)
        return int(planned)

    def _judge(self, claim: Claim, summary: RunSummary, active: Active | None = None) -> None:
        """Enter how a run ended."""
        asked = self._command in ("stop", "pause")
        reason = summary.history[-1].get("pruned", "") if summary.history else ""
        if active is not None and active.wrong:
            self._end(
                claim,
                "failed",
                None,
                active.wrong,
                "Give the data set validation images (data.split.val_fraction).",
            )
        elif summary.state in ("completed", "stopped_early") or _all_epochs(summary):
            if summary.best_value is None:
                self._end(
                    claim,
                    "failed",
                    None,
                    f"The run has no {self.plan.metric}.",
                    "Look at its curves and its log.",
                )
            else:
                self._end(claim, "completed", summary.best_value)
        elif summary.state == "stopped" and reason:
            self._end(claim, "pruned", None, str(reason))
        elif asked and summary.state in ("stopped", "paused", "killed"):
            self.study.release(claim)
            self._tell("trial_left", claim, run=summary.folder.name)
        elif summary.state == "paused":
            self.study.release(claim, to_others_only=True)
            self._tell("trial_left", claim, run=summary.folder.name)
        elif summary.state == "stopped":
            state = "pruned" if summary.best_value is not None else "failed"
            self._end(claim, state, None, "The run was stopped by hand.", "")
        else:
            self._end(claim, "failed", None, summary.cause, summary.cure)

    def _end(self, claim: Claim, state: str, value: float | None, cause: str = "", cure: str = "") -> None:
        self.study.finish(claim, state, value, cause, cure)
        self._tell("trial_ended", claim, state=state, value=value, cause=cause, cure=cure)
        self._write_results(at_once=True)
        keep_best_models(self.folder, self.study.views(), self.plan.settings.keep_models, self.plan.maximise)

    def _tell(self, type: str, claim: Claim, **facts: Any) -> None:
        self._writer.write(type, trial=claim.number, trials=self.plan.trials, **facts)
        self._changed = True

    def _write_results(self, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and (not self._changed or now < self._results_due):
            return
        self._results_due, self._changed = now + RESULTS_S, False
        views = self.study.views()
        done = sum(v.state == "completed" for v in views)
        if done != self._importance[0]:
            self._importance = (done, self.study.importance())
        try:
            write_results(self.folder, self.plan, views, self._importance[1])
        except OSError as error:  # the trials themselves are safe in the storage
            self._writer.write(
                "warning", severity="warning", code="search.results", where=[str(self.folder.results)],
                message=f"The results of the search were not written: {error.strerror or error}.",
                cure="Free some space; they are written again after the next trial.",
            )  # fmt: skip

    def _ending(self) -> dict[str, Any]:
        views = self.study.views()
        ended = [v for v in views if v.state in ("completed", "pruned", "failed")]
        best = best_of(self.plan, views)
        found: dict[str, Any] = {
            "search": str(self.folder.path), "trials": self.plan.trials, "ended": len(ended), "cause": "", "cure": "",
            "states": {s: sum(v.state == s for v in views) for s in ("completed", "pruned", "failed")},
            "best": None if best is None else {"number": best.number, "value": best.value, "params": dict(best.params)},
        }  # fmt: skip
        again = f"Go on: app.py search --resume {self.folder.path}"
        if len(ended) < self.plan.trials:
            others = sum(v.state == "running" for v in views)
            trials = "one trial goes" if others == 1 else f"{others} trials go"
            cause = (
                "Stopped by request."
                if self._command
                else f"Nothing is left to begin; {trials} on in other processes."
            )
            return {
                **found,
                "status": "stopped",
                "cause": cause,
                "cure": again if self._command or not others else "",
            }
        if best is None:
            last = next((v for v in reversed(views) if v.state == "failed"), None)
            cause = "No trial ran to its end." + (f" The last one: {last.cause}" if last else "")
            return {**found, "status": "failed", "cause": cause, "cure": last.cure if last else ""}
        return {**found, "status": "completed"}


def _all_epochs(summary: RunSummary) -> bool:
    return summary.state in ("stopped", "killed") and 0 < summary.epochs <= summary.epoch


def _has_ended(summary: RunSummary) -> bool:
    """Whether nothing of a run is left to do, although the process that started it did not see its end."""
    pruned = bool(summary.history) and bool(summary.history[-1].get("pruned"))
    alive = process_alive(summary.folder)
    return not alive and (summary.state in ("completed", "stopped_early") or pruned or _all_epochs(summary))


__all__ = ["Active", "SearchRunner"]
