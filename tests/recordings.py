"""A second task, made for tests alone: recordings as ``.npy`` files in class folders, described without torch."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from src.core.config import RunConfig
from src.core.config.fields import Section, option, section
from src.core.dataset.config import SplitConfig
from src.core.dataset.contract import Column, DescriptionCancelledError, Look
from src.core.dataset.described import BaseDescription
from src.core.dataset.findings import Finding, Noun, counted, exclude, named
from src.core.dataset.memory import read_exclusions
from src.core.dataset.splitting.divide import divide
from src.core.dataset.splitting.grouping import group_keys
from src.core.task_info import TaskInfo

RECORDING = Noun("recording", "recordings")
RATE = 100.0


class DataConfig(Section):
    folder: str = option("", "Recordings", "Folder with a folder a class.", path="folder")
    exclude: str = option("", "Left out", "Text file with the ids to leave out.", path="file")
    split: SplitConfig = section(SplitConfig, "Split")


class RecordingsConfig(RunConfig):
    task: Literal["recordings"] = option("recordings", "Task", "The training problem.")
    data: DataConfig = section(DataConfig, "")


@dataclass(frozen=True, slots=True)
class Recording:
    """One file; its class is its folder."""

    noun: ClassVar[Noun] = RECORDING

    id: str
    file: str
    group: str
    stratum: str
    classes: tuple[int, ...]
    seconds: float
    sensor: str

    @property
    def files(self) -> tuple[str, ...]:
        return (self.file,)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Recording:
        return cls(**{**data, "classes": tuple(data["classes"])})


@dataclass
class RecordingsDescription(BaseDescription[Recording]):
    record_type: ClassVar[Any] = Recording

    class_names: tuple[str, ...] = ()

    def row(self, sample: Recording) -> list[Any]:
        return [sample.seconds, sample.sensor]

    @classmethod
    def fields_of(cls, data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        return super().fields_of(data, folder) | {"class_names": tuple(data["class_names"])}


def describe(
    config: RecordingsConfig,
    progress: Callable[[int, int, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    quick: bool = False,
    anew: bool = False,
    store: bool = True,
) -> RecordingsDescription:
    root = Path(config.data.folder)
    out = set(read_exclusions(config.data.exclude)) if config.data.exclude else set()
    files = [f for f in sorted(root.glob("*/*.npy")) if f.relative_to(root).as_posix() not in out]
    names = tuple(sorted({f.parent.name for f in files}))
    found = RecordingsDescription(root=str(root), source=str(root), class_names=names)
    keys = group_keys([f.relative_to(root).as_posix() for f in files], config.data.split)
    samples, contents = [], {}
    for number, (file, key) in enumerate(zip(files, keys, strict=True), 1):
        if cancelled is not None and cancelled():
            raise DescriptionCancelledError
        if progress is not None:
            progress(number, len(files), "Reading recordings")
        name, data = file.relative_to(root).as_posix(), file.read_bytes()
        try:
            values = np.load(file, allow_pickle=False)
        except ValueError as error:
            found.quarantined.append((str(file), str(error)))
            continue
        contents[name] = hashlib.sha256(data).hexdigest()
        found.file_bytes[name] = (len(data),)
        label = file.parent.name
        samples.append(
            Recording(name, str(file), key or name, label, (names.index(label),), len(values) / RATE,
                      file.stem.rsplit("_", 1)[-1])
        )  # fmt: skip
    found.findings += _unreadable(found) + _short(samples)
    divide(found, samples, config.data.split, contents, anew=anew, store=store)
    found.fingerprint = hashlib.sha256("".join(sorted(contents.values())).encode()).hexdigest()
    found.statistics = _statistics(found, names)
    return found


def _unreadable(found: RecordingsDescription) -> list[Finding]:
    if not found.quarantined:
        return []
    text = f"{counted(len(found.quarantined), *RECORDING)} cannot be read."
    paths = [path for path, _ in found.quarantined]
    return [Finding("warning", "recordings.unreadable", text, "Replace or remove them.", named(paths))]


def _short(samples: Iterable[Recording]) -> list[Finding]:
    short = [s.id for s in samples if s.seconds < 1]
    if not short:
        return []
    text = f"{counted(len(short), *RECORDING)} last less than a second."
    return [Finding("notice", "recordings.short", text, "", named(short), (exclude(short, RECORDING.one),))]


def _statistics(found: RecordingsDescription, names: tuple[str, ...]) -> dict[str, Any]:
    parts = {part: list(samples) for part, samples in found.samples.items()}
    edges = np.linspace(0, 4, 9)
    return {
        "noun": list(RECORDING),
        "parts": {p: {"images": len(s), "groups": len({r.group for r in s})} for p, s in parts.items()},
        "classes": list(names),
        "class_images": {
            p: [Counter(r.classes[0] for r in s)[n] for n in range(len(names))] for p, s in parts.items()
        },
        "histograms": {
            "seconds": {
                "label": "Length", "unit": "s", "scale": "linear", "edges": edges.tolist(),
                "counts": {p: np.histogram([r.seconds for r in s], edges)[0].tolist() for p, s in parts.items()},
            }
        },
    }  # fmt: skip


def thumbnail(sample: Mapping[str, Any], side: int) -> np.ndarray:
    """The wave, dark on bright, twice as wide as high."""
    values = np.load(sample["file"], allow_pickle=False)
    wide, high = side, side // 2
    picture = np.full((high, wide, 3), 255, np.uint8)
    at = np.linspace(0, len(values) - 1, wide).astype(int)
    level = np.clip((0.5 - values[at] / 4) * (high - 1), 0, high - 1).astype(int)
    picture[level, np.arange(wide)] = (20, 60, 160)
    return picture


def check(config: RecordingsConfig, data: RecordingsDescription | None) -> list[Finding]:
    found = [] if data is None else list(data.findings)
    if not Path(config.data.folder).is_dir():
        text = f"The folder {config.data.folder} does not exist."
        found.append(Finding("error", "folder-missing", text, "Choose another.", ("data.folder",)))
    return found


def recognise(path: Path) -> Mapping[str, Any] | None:
    return {"folder": str(path)} if path.is_dir() and next(path.glob("*/*.npy"), None) else None


RECORDINGS = TaskInfo(
    id="recordings",
    title="Recordings",
    about="Each recording gets a class.",
    config=RecordingsConfig,
    runtime="tests.recordings:None",
    metrics={"accuracy": "Accuracy"},
    choices=lambda _: {},
    labels=lambda config: (Path(config.data.folder).name, "none"),
    check=check,
    describe=describe,
    load_description=lambda folder, _: RecordingsDescription.load(folder),
    estimate=lambda _: {},
    look=Look(
        RECORDING,
        (Column("seconds", "Length", "s"), Column("sensor", "Sensor", kind="text")),
        thumbnail=thumbnail,
    ),
    recognise=recognise,
)


def make_recordings(folder: Path, machines: int = 10, runs: int = 3) -> Path:
    """``healthy`` and ``worn`` recordings, several of each machine, one of them too short and one damaged."""
    rng = np.random.default_rng(0)
    for machine in range(machines):
        label = "worn" if machine % 2 else "healthy"
        (folder / label).mkdir(parents=True, exist_ok=True)
        for run in range(runs):
            seconds = 0.5 if (machine, run) == (0, 0) else 1 + (machine + run) % 3
            wave = np.sin(np.arange(int(seconds * RATE)) * (0.2 + machine / 10)) + rng.normal(
                0, 0.1, int(seconds * RATE)
            )
            np.save(folder / label / f"m{machine:02d}_run{run}_{'xyz'[run % 3]}.npy", wave.astype(np.float32))
    (folder / "worn" / "m99_run0_x.npy").write_bytes(b"\x93NUMPY broken")
    return folder
