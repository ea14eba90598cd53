"""What becomes of a search beside its trials: the models that are not kept, and taking a whole search away and back."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.run import RunFolder, RunFolderError, process_alive
from src.core.run.checkpoints import CheckpointIndex
from src.core.run.library_care import LibraryError, move_to_trash, restore
from src.core.run.said import read_said
from src.core.search.config import SearchError
from src.core.search.folder import SearchFolder

if TYPE_CHECKING:
    from src.core.search.trials import TrialView

ENDED = ("completed", "pruned", "failed")


def ranked(views: Sequence[TrialView], maximise: bool) -> list[TrialView]:
    """The trials that ran to their end with a value, the best first; of equals the earlier one."""
    done = [v for v in views if v.state == "completed" and v.value is not None]
    return sorted(done, key=lambda v: (-(v.value or 0.0) if maximise else (v.value or 0.0), v.number))


def keep_best_models(
    folder: SearchFolder, views: Sequence[TrialView], most: int, maximise: bool
) -> list[RunFolder]:
    """Delete the checkpoints and models of ended trials that are not among the ``most`` best; 0 keeps all.

    Everything else of their runs stays. So do the models of runs that a person starred, that a process works on, or that lie
    on another machine. Returns the runs that let go of something.
    """
    if not most:
        return []
    kept = {v.run for v in ranked(views, maximise)[:most]}
    ended = [v for v in views if v.state in ENDED and v.run and v.run not in kept]
    return [run for v in ended if _let_go(run := RunFolder(folder.path / v.run))]


def _let_go(run: RunFolder) -> bool:
    index = CheckpointIndex(run)
    model = run.path / "model.safetensors"
    if not run.checkpoints.is_dir() or read_said(run).starred or process_alive(run):
        return False
    found = [index.file_of(entry) for entry in index.entries()] + ([model] if model.is_file() else [])
    if not found:
        return False
    try:
        lock = run.lock()
    except (RunFolderError, OSError):  # somebody goes on with it at this moment
        return False
    try:
        run.write_json(index.path, {"version": 1, "checkpoints": []})  # first: nothing names what is gone
        for path in found:
            with contextlib.suppress(OSError):
                path.unlink()
    except OSError:
        return False  # the folder cannot be written: the models stay
    finally:
        lock.release()
    return True


def trash_search(folder: SearchFolder) -> Path:
    """Move a search with the runs of all its trials into the folder ``trash`` beside it; nothing is deleted. Returns where.

    Raises:
        SearchError: A process works on it or on one of its trials, or it cannot be moved.
    """
    runs = [p for p in folder.runs.glob("*") if (p / "config.yaml").is_file()]
    if any(process_alive(r) for r in folder.runner_folders()) or any(
        process_alive(RunFolder(p)) for p in runs
    ):
        raise SearchError(f"A process works on the search {folder.name}.", "Stop it first.")
    try:
        return move_to_trash(folder.path, folder.name)
    except LibraryError as error:
        raise SearchError(str(error)) from None


def bring_back(trashed: Path) -> SearchFolder:
    """Bring a search back from the trash.

    Raises:
        SearchError: It is not there any more, or another search took its name.
    """
    try:
        return SearchFolder(restore(trashed))
    except LibraryError as error:
        raise SearchError(str(error)) from None


__all__ = ["bring_back", "keep_best_models", "ranked", "trash_search"]
