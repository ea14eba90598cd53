"""A run once more: from exactly its configuration and its split, with what is different here said beforehand. Torch-free."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from src import __version__
from src.core.config import (
    ConfigError,
    Layer,
    Resolved,
    file_layer,
    flatten,
    nest,
    options,
    read_yaml,
    resolve,
)
from src.core.run.create import create_run
from src.core.run.folder import RunFolder, RunFolderError

if TYPE_CHECKING:
    from src.core.task_info import TaskInfo

#: Note in the new run of which run it repeats.
REPRODUCED_FILE = "reproduces.json"
_SPLIT_FILES = ("train.txt", "val.txt", "test.txt")
_SPLIT_DIR = "data.split_dir"
_HOW_CLOSE = {
    "torch": "the numbers may differ a little", "numpy": "the numbers may differ a little",
    "timm": "the network may be another one",
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was.

    Attributes:
        what: ``device``, ``data``, ``torch``, …
        before, now: The two values.
        serious: The result will be another one, not only a little different.
        said: One sentence.
    """

    what: str
    before: str
    now: str
    serious: bool
    said: str

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "what": self.what,
            "before": self.before,
            "now": self.now,
            "serious": self.serious,
            "said": self.said,
        }


def configuration_of(run: RunFolder, task_info: Callable[[str], TaskInfo]) -> Resolved[Any]:
    """The configuration of a run, to begin another one with; its name is left out.

    Raises:
        ConfigError: It cannot be read, or holds what this version does not know.
    """
    raw = read_yaml(run.config)
    info = task_info(str(raw.get("task", "segmentation")))
    values = flatten(file_layer(run.config, info.config).values)
    return resolve(info.config, [Layer("file", nest({**values, "name": ""}))])


def reproduce(run: RunFolder, task_info: Callable[[str], TaskInfo]) -> RunFolder:
    """A new run folder with exactly the configuration of another and a copy of its split; nothing is started.

    Raises:
        ConfigError: The configuration cannot be used any more.
        RunFolderError: There is no split yet, or the new folder cannot be written.
    """
    resolved = configuration_of(run, task_info)
    info = task_info(resolved.config.task)
    wants_split = any(o.key == _SPLIT_DIR for o in options(info.config))
    files = [run.dataset / name for name in _SPLIT_FILES if (run.dataset / name).is_file()]
    if wants_split and not files:
        raise RunFolderError(
            f"{run.name} has no split yet, so there is nothing that could be repeated exactly: it ended before its data were "
            "read. Clone it instead."
        )
    made = create_run(resolved, info)
    try:
        if wants_split:
            _give_split(made, resolved, files, info)
        made.write_json(made.path / REPRODUCED_FILE, {"version": 1, "run": str(run.path), "name": run.name})
    except OSError as error:
        raise RunFolderError(
            f"{made.path} cannot be written: {error.strerror or error}. Free some space."
        ) from None
    return made


def _give_split(made: RunFolder, resolved: Resolved[Any], files: list[Any], info: TaskInfo) -> None:
    from src.core.config import dump_yaml
    from src.core.run.folder import write_atomically

    split = made.path / "split"
    split.mkdir()
    for file in files:
        shutil.copyfile(file, split / file.name)
    both = resolve(
        info.config, [Layer("default", nest(resolved.flat())), Layer("file", nest({_SPLIT_DIR: str(split)}))]
    )
    write_atomically(
        made.config, dump_yaml(Resolved(both.config, {**resolved.origins, _SPLIT_DIR: "file"})).encode()
    )


def environment_now(packages: Mapping[str, Any]) -> dict[str, Any]:
    """What of the environment can be said without starting anything: versions of these packages, Python, system."""
    versions = {}
    for name in packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"lathe": __version__, "python": platform.python_version(), "platform": platform.platform(),
            "processor": platform.processor() or platform.machine(), "versions": versions}  # fmt: skip


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """What is different between two environments (``environment.json``); of what one does not say, nothing is said.

    The serious ones come first.
    """
    found = []
    old, new = before.get("versions") or {}, now.get("versions") or {}
    for name in old:
        if old[name] != new.get(name):
            close = _HOW_CLOSE.get(name, "")
            said = f"{name} {old[name]} then, {new.get(name) or 'not installed'} now" + (
                f": {close}." if close else "."
            )
            found.append(Difference(name, str(old[name]), str(new.get(name) or ""), False, said))
    for key, title, serious, after in (
        ("data_fingerprint", "the data", True, "The data are not the same any more: files were changed, added or removed."),
        ("split_hash", "the split", True, "The split is another one: other images are trained on."),
        ("lathe", "Lathe", False, "Lathe {0} then, {1} now."), ("git", "the source", False, "The source was {0}, and is {1}."),
        ("python", "Python", False, "Python {0} then, {1} now."),
        ("device", "the device", False, "It ran on {0} then, {1} now: the numbers may differ a little."),
        ("processor", "the processor", False, "The processor was {0}, and is {1}."),
        ("platform", "the system", False, "The system was {0}, and is {1}."),
    ):  # fmt: skip
        a, b = before.get(key), now.get(key)
        if a and b and a != b:
            found.append(Difference(title, str(a), str(b), serious, after.format(a, b)))
    return sorted(found, key=lambda one: not one.serious)


def differences_now(run: RunFolder, data_fingerprint: str = "", split_hash: str = "") -> list[Difference]:
    """What is different here from when a run was begun; data and device only as far as they are given."""
    before = run.read_json(run.environment)
    now = environment_now(before.get("versions") or {})
    return differences(before, {**now, "data_fingerprint": data_fingerprint, "split_hash": split_hash})


def reproduced_from(run: RunFolder) -> RunFolder | None:
    """The run that this one repeats; None where it repeats none, or that is gone."""
    said = run.read_json(run.path / REPRODUCED_FILE).get("run")
    return RunFolder(said) if said and (RunFolder(said).config).is_file() else None


def differences_of(run: RunFolder) -> list[Difference]:
    """What was different when a run was repeated, once it has begun: its own environment against that of the other."""
    other = reproduced_from(run)
    now = run.read_json(run.environment)
    return differences(other.read_json(other.environment), now) if other and now else []


__all__ = [
    "ConfigError", "Difference", "configuration_of", "differences", "differences_now", "differences_of", "environment_now",
    "reproduce", "reproduced_from",
]  # fmt: skip
