"""Where Optuna keeps the trials: a journal in the search's folder, or a database that several machines reach."""

from __future__ import annotations

import os
import time
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from src.core.search.config import SearchError


class JournalLock(JournalFileOpenLock):
    """The lock of a journal: a file that only one process can create, which local disks, NFS from version 3 and SMB all
    keep to (SQLite's locks do not hold on many network drives). One that a dead process left is taken over after 30 s.

    Who holds the lock first cuts off a line that was half written when a process or a machine died: Optuna would add the
    next line to its end and could never read the file again (optuna/optuna issue 5138).
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path

    def acquire(self) -> bool:
        """Wait for the lock."""
        for patience in range(100, -1, -1):
            try:
                super().acquire()
                break
            except PermissionError:  # Windows: the file of the holder before is being deleted at this moment
                if os.name != "nt" or not patience:
                    raise
                time.sleep(0.02)
        try:
            mend_journal(self._path)
        except OSError:
            self.release()
            raise
        return True


def mend_journal(path: Path) -> bool:
    """Cut off a half-written last line; returns whether there was one. Nothing that anybody was told is lost by it."""
    with path.open("rb+") as handle:
        end = handle.seek(0, os.SEEK_END)
        if not end:
            return False
        handle.seek(end - 1)
        if handle.read(1) == b"\n":
            return False
        at, rest = end, b""
        while at and b"\n" not in rest:
            step = min(4096, at)
            at -= step
            handle.seek(at)
            rest = handle.read(step)
        handle.truncate(at + rest.rfind(b"\n") + 1)
        handle.flush()
        os.fsync(handle.fileno())
    return True


def open_storage(journal: Path, address: str) -> BaseStorage:
    """The storage of a search.

    Args:
        journal: The file where ``address`` is empty.
        address: Of a database, as SQLAlchemy writes it.

    Raises:
        SearchError: It cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if address:
        return _database(address)
    try:
        return JournalStorage(JournalFileBackend(str(journal), lock_obj=JournalLock(journal)))
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SearchError(
            f"The trials of the search cannot be read from {journal}: {type(error).__name__}: {error}.",
            "Restore the file from a copy, or start a new search; the runs of its trials are not affected.",
        ) from None


def _database(address: str) -> BaseStorage:
    shown = address.partition("://")[0] + "://…" + address.rpartition("@")[2].rpartition("://")[2]
    if "://" not in address or address.startswith("redis"):
        raise SearchError(
            f"“{shown}” is no address of a database.",
            "Write it as postgresql://…, mysql://… or sqlite:///…, or leave the storage empty.",
        )
    try:
        return RDBStorage(address, engine_kwargs={"pool_pre_ping": True})
    except ImportError as error:
        raise SearchError(
            f"The database {shown} needs a driver that is not installed: {error}.",
            "Install the driver, such as psycopg for PostgreSQL or PyMySQL for MySQL.",
        ) from None
    except Exception as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(address, shown)
        raise SearchError(
            f"The database {shown} cannot be used: {said}.",
            "Check the address, and that the database can be reached.",
        ) from None
