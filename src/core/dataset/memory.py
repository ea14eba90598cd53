"""What a person decided about a data set, kept beside it in the workspace; the original is never changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MEMORY_FOLDER = "datasets-memory"
DECISIONS_NAME = "decisions.json"
EXCLUDE_NAME = "exclude.txt"
_VERSION = 1
_NAME_LENGTH = 60


class MemoryDamagedError(ValueError):
    """The file of decisions cannot be read; the message says where and why."""


def memory_folder(workspace: str | os.PathLike[str], source: str | os.PathLike[str]) -> Path:
    """Where all is kept that is remembered of a data set; the same however its path is written."""
    key = os.path.normcase(os.path.realpath(source))
    name = re.sub(r"[^\w.-]+", "_", Path(source).name).strip("._")[:_NAME_LENGTH] or "data"
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Path(workspace) / MEMORY_FOLDER / f"{name}-{digest}"


class DatasetMemory:
    """Settings and excluded samples of one data set, in a folder of their own.

    ``<workspace>/datasets-memory/<name>-<hash of the source's path>/`` holds ``decisions.json`` and, for the
    option ``data.exclude``, ``exclude.txt`` with an id a line. Files are replaced as a whole, so a reader never
    sees half of one. Every change is written at once. One object may be used from several threads.

    Attributes:
        folder: Where it is kept; made at the first change.
        source: The data set it is about: a folder, table or configuration file.
        settings: Dotted configuration keys and the values that were chosen.
        excluded: Sample ids with the reason why they are left out.
    """

    def __init__(self, workspace: str | os.PathLike[str], source: str | os.PathLike[str]) -> None:
        """Open the memory of ``source``; nothing is written.

        Raises:
            MemoryDamagedError: what is there cannot be read.
        """
        self.source = os.path.abspath(os.fspath(source))  # noqa: PTH100
        self.folder = memory_folder(workspace, self.source)
        self.settings: dict[str, Any] = {}
        self.excluded: dict[str, str] = {}
        self._lock = threading.RLock()
        self._read()

    @property
    def exclude_file(self) -> Path:
        """The value for ``data.exclude``; exists only while something is excluded."""
        return self.folder / EXCLUDE_NAME

    def exclude(self, ids: Iterable[str], reason: str) -> None:
        """Leave samples out from now on; those that are already out keep their reason."""
        with self._lock:
            for sample_id in ids:
                self.excluded.setdefault(sample_id, reason)
            self._write()

    def include(self, ids: Iterable[str]) -> None:
        """Take excluded samples in again; unknown ids do nothing."""
        with self._lock:
            for sample_id in ids:
                self.excluded.pop(sample_id, None)
            self._write()

    def remember(self, settings: Mapping[str, Any]) -> None:
        """Keep option values; ``None`` is a value, ``forget`` takes one away."""
        with self._lock:
            self.settings.update(settings)
            self._write()

    def forget(self, keys: Iterable[str]) -> None:
        """Drop remembered options; unknown keys do nothing."""
        with self._lock:
            for key in keys:
                self.settings.pop(key, None)
            self._write()

    def overrides(self) -> dict[str, Any]:
        """The options to lay over a configuration: the settings, and ``data.exclude`` if anything is out."""
        with self._lock:
            values = dict(self.settings)
            if self.excluded:
                values["data.exclude"] = str(self.exclude_file)
            return values

    def _read(self) -> None:
        path = self.folder / DECISIONS_NAME
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise MemoryDamagedError(f"{path} cannot be read: {error}. Remove it to start afresh.") from error
        try:
            data = json.loads(text)
            if data["version"] != _VERSION:
                raise MemoryDamagedError(f"{path} is of another version of Lathe ({data['version']!r}).")
            self.settings = {str(key): value for key, value in data["settings"].items()}
            self.excluded = {str(key): str(value) for key, value in data["excluded"].items()}
        except json.JSONDecodeError as error:
            text = f"{path} is damaged: line {error.lineno}, {error.msg}. Remove it to start afresh."
            raise MemoryDamagedError(text) from error
        except (KeyError, TypeError, AttributeError) as error:
            raise MemoryDamagedError(f"{path} is damaged ({error!r}). Remove it to start afresh.") from error

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        data = {
            "version": _VERSION,
            "source": self.source,
            "changed": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings": self.settings,
            "excluded": self.excluded,
        }
        # The list first: were the program killed in between, the decisions would be read again and rewritten.
        _replace(self.exclude_file, exclusion_text(self.excluded))
        _replace(self.folder / DECISIONS_NAME, json.dumps(data, ensure_ascii=False, indent=1) + "\n")


def exclusion_text(excluded: Mapping[str, str]) -> str:
    """The text of a ``data.exclude`` file: an id a line, its reason behind a tab."""
    lines = ["# Samples that are left out: an id a line, the reason behind a tab."]
    lines += [
        f"{sample_id}\t{' '.join(reason.split())}".rstrip() for sample_id, reason in sorted(excluded.items())
    ]
    return "\n".join(lines) + "\n"


def read_exclusions(path: str | os.PathLike[str]) -> dict[str, str]:
    """The ids of a ``data.exclude`` file with their reasons; empty lines and lines with ``#`` count for nothing.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: it is not UTF-8.
    """
    found = {}
    for line in Path(path).read_text(encoding="utf-8-sig").splitlines():
        if line.strip() and not line.startswith("#"):
            sample_id, _, reason = line.partition("\t")
            found[sample_id.strip()] = reason.strip()
    return found


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
