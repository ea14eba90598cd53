"""The run folder: where everything of a run is, and how a new one gets its name."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

_PROJECT = Path(__file__).resolve().parents[3]


class RunFolderError(Exception):
    """A run folder that cannot be made, read or used; the message says why and what to do."""


def workspace() -> Path:
    """Where Lathe puts what it produces: ``$LATHE_WORKSPACE``, else ``workspace`` in the checkout, else ``~/Lathe``."""
    named = os.environ.get("LATHE_WORKSPACE")
    if named:
        return Path(named).expanduser().resolve()
    if (_PROJECT / ".git").exists() and os.access(_PROJECT, os.W_OK):
        return _PROJECT / "workspace"
    return Path.home() / "Lathe"


def default_runs_dir() -> Path:
    """Where runs go unless the configuration says otherwise."""
    return workspace() / "runs"


#: Numbers the files that are written at the same time by one process.
_writes = itertools.count()


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the target, flush to the disk, rename: a reader sees the old file or the new one, never half.

    Two threads may write the same file, and a signal may come in the middle and do so: the last rename counts.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}-{next(_writes)}.tmp")
    try:
        with beside.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename durable. Windows has no such call and does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def slug(text: str, limit: int = 32) -> str:
    """A piece of a file name: letters of any script, digits and hyphens."""
    text = unicodedata.normalize("NFC", text)
    return re.sub(r"[^\w]+|_+", "-", text, flags=re.UNICODE).strip("-")[:limit].strip("-") or "data"


class RunFolder:
    """Paths of one run, and its small files.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).resolve()

    config = property(lambda self: self.path / "config.yaml")
    environment = property(lambda self: self.path / "environment.json")
    events = property(lambda self: self.path / "events.jsonl")
    log = property(lambda self: self.path / "train.log")
    checkpoints = property(lambda self: self.path / "checkpoints")
    previews = property(lambda self: self.path / "previews")
    report = property(lambda self: self.path / "report")
    dataset = property(lambda self: self.path / "dataset")
    job = property(lambda self: self.path / "job.json")
    command = property(lambda self: self.path / "command.json")

    @property
    def name(self) -> str:
        """The folder's own name, which is how people call the run."""
        return self.path.name

    @classmethod
    def create(cls, runs_dir: Path, dataset: str, model: str, name: str = "") -> RunFolder:
        """Make ``<date>_<dataset>_<model>_<n>``; two callers at the same moment get two folders.

        Raises:
            RunFolderError: The folder cannot be made (no permission, a file in its place, a full disk).
        """
        try:
            return cls.numbered(runs_dir, f"{slug(name or dataset)}_{slug(model)}")
        except OSError as error:
            raise RunFolderError(
                f"No run folder can be made in {runs_dir}: {error.strerror or error}. "
                "Choose another runs folder (option runs_dir), or mend the permissions."
            ) from None

    @classmethod
    def numbered(cls, root: Path, words: str) -> RunFolder:
        """Make ``<date>_<words>_<n>`` in a folder, which is made too.

        Raises:
            OSError: It cannot be made.
        """
        stem = f"{dt.date.today():%Y-%m-%d}_{words}"
        root.mkdir(parents=True, exist_ok=True)
        taken = [re.fullmatch(re.escape(stem) + r"_(\d+)", p.name) for p in root.iterdir()]
        number = max((int(m[1]) for m in taken if m), default=0) + 1
        while True:
            try:
                (root / f"{stem}_{number}").mkdir()
                return cls(root / f"{stem}_{number}")
            except FileExistsError:
                number += 1

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """An existing run, by its path or by its name in the default runs folder.

        Raises:
            RunFolderError: There is no such run.
        """
        for candidate in (Path(path), default_runs_dir() / str(path)):
            if (candidate / "config.yaml").is_file():
                return cls(candidate)
        raise RunFolderError(
            f"{path} is not a run folder: there is no config.yaml in it. “app.py runs” lists the runs that are there."
        )

    def read_json(self, path: Path) -> dict[str, Any]:
        """A small JSON file of this run, or an empty mapping where it is absent or damaged."""
        try:
            value = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def write_json(self, path: Path, value: Any) -> None:
        """Write a small JSON file atomically."""
        write_atomically(path, json.dumps(value, ensure_ascii=False, indent=1).encode())

    def lock(self, timeout: float = 0.0) -> FileLock:
        """Take the run for writing; the operating system gives it back when the process dies.

        Raises:
            RunFolderError: Another process has it.
        """
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=timeout)
        except Timeout:
            raise RunFolderError(
                f"The run {self.name} is in use by another process (a training that goes on, or another window). "
                "Stop it first, or wait until it has ended."
            ) from None
        except OSError as error:
            raise RunFolderError(
                f"The run folder {self.path} cannot be written: {error.strerror or error}."
            ) from None
        return lock
