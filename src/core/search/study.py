"""The trials of a search: drawn, judged and ended in a storage that many processes and machines may share.

A trial is never counted twice and never lost. The process that runs it writes its name into the storage; where that
process is dead, the first other one that notices ends the trial there (which only one can do) and enters a continuation
that goes on in the same run folder. Readers see one trial: a chain of continuations has the number of its first link.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import psutil
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from src.core.run import RunFolder, process_alive
from src.core.search.config import SearchError, SearchPlan, storage_address
from src.core.search.folder import SearchFolder
from src.core.search.space import in_effect
from src.core.search.storage import open_storage
from src.core.search.trials import STATES, TrialView, alive, view_of

#: A process shows so often that it lives; one of another machine that was silent for so long is dead (seconds).
BEAT_S, SILENCE_S = 30.0, 180.0
#: Draws of a trial that is there already, before it is taken all the same.
_DRAWS = 200


@dataclass(frozen=True)
class Claim:
    """A trial that this process has to run.

    Attributes:
        trial: Optuna's.
        number: As in `TrialView`.
        params: Dotted key to value.
        run: The run in which it was begun before, where there is one in this folder.
    """

    trial: optuna.Trial
    number: int
    params: dict[str, Any]
    run: RunFolder | None = None


class SearchStudy:
    """The storage of a search, and this process's part in it.

    Attributes:
        unsettled: Trials of which it is not known yet whether somebody works on them, after `begin` gave none.
    """

    def __init__(self, folder: SearchFolder, plan: SearchPlan) -> None:
        self.folder, self.plan = folder, plan
        self.unsettled = 0
        self._me = uuid.uuid4().hex
        process = psutil.Process()
        self._owner = {
            "id": self._me, "host": socket.gethostname(), "pid": os.getpid(), "create_time": process.create_time(),
        }  # fmt: skip
        self._storage = open_storage(folder.journal, storage_address(plan.settings))
        self._shared_by_folder = not plan.settings.storage
        #: Trial to what its process last showed, and when this process saw that (monotonic seconds).
        self._seen: dict[int, tuple[Any, float, bool]] = {}
        self._study = self._open()
        self._id = self._storage.get_study_id_from_name(self._study.study_name)

    def _open(self) -> optuna.Study:
        name = self.plan.settings.study or self.folder.name
        with self.folder.lock():
            study = optuna.create_study(
                storage=self._storage, study_name=name, load_if_exists=True, pruner=self._pruner(),
                sampler=optuna.samplers.RandomSampler(), direction="maximize" if self.plan.maximise else "minimize",
            )  # fmt: skip
            known, mine = study.user_attrs.get("lathe"), self.plan.sameness()
            if known is None:
                study.set_user_attr("lathe", mine)
            elif known != mine:
                differs = ", ".join(k for k in mine if known.get(k) != mine[k])
                raise SearchError(
                    f"The storage has a search “{name}” already, and it differs in: {differs}.",
                    "Give this search another name in the storage (study), or the same space and metric.",
                )
        return study

    def _pruner(self) -> optuna.pruners.BasePruner:
        settings = self.plan.settings
        epochs = next((int(d.high or max(d.choices)) for d in self.plan.space if d.key == "training.epochs"),
                      int(self.plan.base.config.training.epochs))  # fmt: skip
        if settings.pruner == "median":
            return optuna.pruners.MedianPruner(n_warmup_steps=settings.prune_after)
        if settings.pruner == "hyperband" and epochs > settings.prune_after:
            return optuna.pruners.HyperbandPruner(settings.prune_after, epochs)
        return optuna.pruners.NopPruner()

    def _sampler(self, drawn: int) -> optuna.samplers.BaseSampler:
        """A sampler for the next draw. Optuna does not keep the state of a sampler's random numbers: with a fixed seed a
        continued search would draw its first trials again, so each draw has a seed of its own.
        """
        settings = self.plan.settings
        seed = int(np.random.SeedSequence([settings.seed, drawn]).generate_state(1)[0] >> 1)
        if settings.sampler == "grid":
            grid = {d.key: d.values() or [] for d in self.plan.space}
            return optuna.samplers.GridSampler(grid, seed=settings.seed)
        if settings.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed, constant_liar=True)

    def begin(self) -> Claim | None:
        """The next trial to run: one that was interrupted, or a new one. None where there is nothing to do now.

        Raises:
            OSError, filelock.Timeout: The storage or the folder cannot be written.
        """
        with self.folder.lock():
            self._recover()
            for attempt in range(_DRAWS, -1, -1):
                chains = self._chains()
                waiting = any(c[-1].state == TrialState.WAITING for c in chains)
                if not waiting and len(chains) >= self.plan.trials:
                    return None
                if claim := self._draw(chains, take_any=not attempt):
                    return claim
        return None

    def _draw(self, before: list[list[FrozenTrial]], take_any: bool) -> Claim | None:
        """One trial; None, and the trial dropped, where it is there already or one too many."""
        self._study.sampler = self._sampler(len(self._all()))
        trial = self._study.ask()
        trial.set_user_attr("owner", self._owner)
        flat = self.plan.base.flat()
        params: dict[str, Any] = {}
        for dimension in self.plan.space:
            if in_effect(dimension, params, flat, self.plan.task):
                params[dimension.key] = dimension.suggest(trial)
        self._study.sampler = (
            optuna.samplers.RandomSampler()
        )  # GridSampler cannot be told of an end outside optimize()
        now = self._chains()
        number = 1 + next(n for n, chain in enumerate(now) if chain[-1].number == trial.number)
        if "origin" not in trial.user_attrs:
            same = any(dict(c[-1].params) == params for c in before)
            if number > self.plan.trials or (same and not take_any):
                trial.set_user_attr("surplus", True)
                self._study.tell(trial, state=TrialState.FAIL)
                return None
        run = str(trial.user_attrs.get("run", ""))
        known = (
            RunFolder(self.folder.path / run)
            if run and (self.folder.path / run / "config.yaml").is_file()
            else None
        )
        return Claim(trial, number, params, known)

    def note_run(self, claim: Claim, run: RunFolder) -> None:
        """Write down in which run a trial is."""
        claim.trial.set_user_attr("run", run.path.relative_to(self.folder.path).as_posix())

    def beat(self, claim: Claim) -> None:
        """Show other machines that this process lives; to be called every `BEAT_S`."""
        claim.trial.set_user_attr("beat", time.time())

    def report(self, claim: Claim, epoch: int, value: float) -> bool:
        """Tell the value of an epoch (from 1); returns whether the trial should be ended early."""
        if epoch not in self._storage.get_trial(self._row(claim.trial.number)).intermediate_values:
            claim.trial.report(value, epoch)
        return claim.trial.should_prune()

    def finish(
        self, claim: Claim, state: str, value: float | None = None, cause: str = "", cure: str = ""
    ) -> None:
        """End a trial as ``completed``, ``pruned`` or ``failed``; nothing happens where another process did it before."""
        try:
            if cause:
                claim.trial.set_user_attr("cause", cause)
                claim.trial.set_user_attr("cure", cure)
            kept = next(s for s, name in STATES.items() if name == state)
            self._study.tell(claim.trial, value if state == "completed" else None, kept)
        except (UpdateFinishedTrialError, ValueError):
            return  # this process was silent for so long that another one took the trial

    def release(self, claim: Claim, *, to_others_only: bool = False) -> None:
        """Give a trial back unfinished: whoever works on the search next goes on with it."""
        claim.trial.set_user_attr("owner", {"left_by": self._me} if to_others_only else None)

    def views(self) -> list[TrialView]:
        """All trials as people see them."""
        return [view_of(number, chain) for number, chain in enumerate(self._chains(), 1)]

    def importance(self) -> dict[str, float]:
        """Share of each option in what made trials good (PED-ANOVA, Watanabe et al., IJCAI 2023); empty where too few
        trials have ended to say.
        """
        done = [t for t in self._all() if t.state == TrialState.COMPLETE]
        if len(done) < 4 or len({t.value for t in done}) < 2:
            return {}
        try:
            found = optuna.importance.get_param_importances(self._study)
        except (ValueError, RuntimeError):
            return {}
        return {key: round(float(share), 6) for key, share in found.items()}

    def _row(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._id, number)

    def _all(self) -> list[FrozenTrial]:
        return self._storage.get_all_trials(self._id, deepcopy=False)

    def _chains(self) -> list[list[FrozenTrial]]:
        """Trials with their continuations, in the order of drawing; what was dropped at once is left out."""
        chains: dict[int, list[FrozenTrial]] = {}
        for trial in sorted(self._all(), key=lambda t: t.number):
            if not trial.user_attrs.get("surplus"):
                chains.setdefault(int(trial.user_attrs.get("origin", trial.number)), []).append(trial)
        return [chains[origin] for origin in sorted(chains)]

    def _recover(self) -> None:
        """Enter a continuation for each trial whose process is dead."""
        self.unsettled = 0
        for chain in self._chains():
            trial = chain[-1]
            if trial.state == TrialState.RUNNING:
                gone = self._gone(trial)
                if gone and self._still_ending(trial):
                    gone = None
                if gone is None:
                    self.unsettled += 1
                if not gone:
                    continue
                try:
                    self._storage.set_trial_user_attr(self._row(trial.number), "abandoned", True)
                    self._storage.set_trial_state_values(self._row(trial.number), TrialState.FAIL)
                except UpdateFinishedTrialError:
                    continue  # another process was first
            elif not (trial.state == TrialState.FAIL and trial.user_attrs.get("abandoned")):
                continue
            attrs = {k: v for k, v in trial.user_attrs.items() if k in ("origin", "run")}
            self._study.add_trial(
                optuna.trial.create_trial(
                    state=TrialState.WAITING,
                    params=trial.params,
                    distributions=trial.distributions,
                    user_attrs={"origin": trial.number, **attrs},
                    system_attrs=trial.system_attrs,
                    intermediate_values=trial.intermediate_values,
                )
            )

    def _gone(self, trial: FrozenTrial) -> bool | None:
        """Whether nobody works on a trial; None while that is not known."""
        owner = trial.user_attrs.get("owner", {})
        if owner is None:
            return True
        if owner.get("id") == self._me or owner.get("left_by") == self._me:
            return False
        if "left_by" in owner or (
            not owner and self._shared_by_folder
        ):  # it died between drawing and signing
            return True
        if owner.get("host") == self._owner["host"]:
            return not alive(owner)
        shown, now = trial.user_attrs.get("beat"), time.monotonic()
        before = self._seen.get(trial.number)
        if before is None or before[0] != shown:
            self._seen[trial.number] = (shown, now, before is not None)
            return False if before is not None else None
        if now - before[1] > SILENCE_S:
            return True
        return False if before[2] else None

    def _still_ending(self, trial: FrozenTrial) -> bool:
        """Whether the training of a dead process is still saving its state (or going on, where it was detached)."""
        run = str(trial.user_attrs.get("run", ""))
        return bool(run) and process_alive(RunFolder(self.folder.path / run))
