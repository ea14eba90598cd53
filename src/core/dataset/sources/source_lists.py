"""Split files: ``train.txt``, ``val.txt`` and perhaps ``test.txt``, a line an image."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from src.core.dataset.config import ImageDataConfig
from src.core.dataset.files.image_files import IMAGE_SUFFIXES, why
from src.core.dataset.findings import Finding, counted, listed, named
from src.core.dataset.records import Split
from src.core.dataset.sources.relocation import Found, Resolver, foreign_root
from src.core.dataset.sources.source_folders import Pairing, ambiguous_finding, find_pairs
from src.core.dataset.sources.source_rows import Row, Sources, absolute, apply_unlabelled, missing_folder, nfc
from src.core.dataset.splitting.split_record import recorded_root

_FILES: dict[Split, tuple[str, ...]] = {
    "train": ("train.txt", "training.txt"),
    "val": ("val.txt", "valid.txt", "validation.txt"),
    "test": ("test.txt", "testing.txt"),
}
_QUOTED = re.compile(r'"([^"]+)"|\'([^\']+)\'|([^\s,;]+)')


def read_text(path: Path) -> str:
    """A text file as editors write it: UTF-8, UTF-16 with a byte-order mark, else Windows-1252."""
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Number and text of each line that is neither empty nor a comment (``#``)."""
    lines = enumerate(read_text(path).splitlines(), start=1)
    return [(n, line.strip()) for n, line in lines if line.strip() and not line.strip().startswith("#")]


def readings(line: str) -> Iterator[tuple[str, ...]]:
    """The ways to read a line as an image, or an image and a mask; the likeliest first.

    White space separates only where an image's suffix stands before it or nothing else fits, since paths may
    hold spaces.
    """
    if line[0] in "\"'" or line[-1] in "\"'":
        yield tuple(next(group for group in m.groups() if group) for m in _QUOTED.finditer(line))[:2]
    for separator in "\t,;":
        parts = [part.strip().strip("\"'") for part in line.split(separator)]
        if len(parts) >= 2 and parts[0] and parts[1]:
            yield tuple(parts[:2])
    gaps = [(line[: m.start()], line[m.end() :]) for m in re.finditer(r"\s+", line)]
    yield from [pair for pair in gaps if _has_suffix(pair[0]) and _has_suffix(pair[1])]
    yield (line,)
    yield from [pair for pair in gaps if not (_has_suffix(pair[0]) and _has_suffix(pair[1]))]


def _has_suffix(text: str) -> bool:
    return PurePosixPath(text.replace("\\", "/")).suffix.lower() in IMAGE_SUFFIXES


@dataclass
class _Reader:
    """State while the files of one split folder are read."""

    config: ImageDataConfig
    images: Resolver
    masks: Resolver
    pairing: Pairing
    rows: list[Row] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    unclear: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mask_of = {absolute(i.path): m for i, m in self.pairing.pairs}
        self.unsettled = {absolute(i.path): (i, masks) for i, masks in self.pairing.ambiguous}
        self.by_stem: dict[str, list[str]] = defaultdict(list)
        for image in [i for i, _ in self.pairing.pairs] + [i for i, _ in self.pairing.ambiguous]:
            relative = str(PurePosixPath(image.relative).with_suffix(""))
            for key in {
                relative.casefold(),
                image.stem.casefold(),
                image.relative.rpartition("/")[2].casefold(),
            }:
                self.by_stem[key].append(absolute(image.path))

    def find_image(self, written: str) -> Found:
        if not _has_suffix(written):
            same = self.by_stem.get(nfc(written).replace("\\", "/").casefold(), [])
            if same:
                return Found("direct", same[0]) if len(same) == 1 else Found("ambiguous", "", tuple(same))
        return self.images.find(written)

    def read_line(self, line: str) -> tuple[tuple[str, ...], list[Found]]:
        """The first reading all of whose parts are found, else the likeliest one."""
        whole = self.images.exists(line)
        if whole:
            return (line,), [Found("direct", whole)]
        first: tuple[tuple[str, ...], list[Found]] | None = None
        for reading in readings(line):
            found = [self.find_image(reading[0])]
            if len(reading) == 2:
                found.append(self.masks.find(reading[1], not_this=found[0].path))
            if all(f.path for f in found):
                return reading, found
            if first is None or (
                any(f.how == "ambiguous" for f in found) and all(f.how != "missing" for f in found)
            ):
                first = (reading, found)
        assert first is not None, "readings() yields at least the whole line"
        return first

    def add(self, where: str, line: str, split: Split) -> None:
        reading, found = self.read_line(line)
        for written, result in zip(reading, found, strict=True):
            if result.how == "ambiguous":
                self.unclear.append(
                    f"{where}: {written} could be {listed([os.fspath(c) for c in result.candidates])}"
                )
            elif result.how == "missing":
                self.missing.append((written, f"is named in {where} but was not found"))
            elif result.how == "relocated":
                self.moved[foreign_root(written, result.path)] += 1
        if not all(f.path for f in found):
            return
        image = found[0].path
        if len(found) == 2:
            mask: str | None = found[1].path
        else:
            partner = self.mask_of.get(image)
            mask = absolute(partner.path) if partner else None
        self.rows.append(Row("", image, mask, split))


def read_split_files(config: ImageDataConfig) -> Sources:
    """The rows that the split files in ``config.split_dir`` name.

    A line is a path, a stem, or an image and a mask. Relative paths are sought in the folder of the images
    (or masks), in the split folder and in the one above. Paths of another machine are found by the longest
    tail that they share with a file here.
    """
    folder = Path(config.split_dir)
    problem = missing_folder("split_dir", config.split_dir) or _bad_folder(config)
    if problem:
        return Sources(findings=[problem])
    files = {split: _first_file(folder, names) for split, names in _FILES.items()}
    if files["train"] is None:
        text = f"There is no train.txt in {folder}."
        return Sources(
            findings=[Finding("error", "split.no_train", text, "Write one, or leave data.split_dir empty.")]
        )
    reader = _reader(config)
    for split, path in files.items():
        if path is None:
            continue
        try:
            lines = read_lines(path)
        except OSError as error:
            text = f"The split file {path} cannot be read: {why(error)}."
            return Sources(
                findings=[Finding("error", "split.unreadable", text, "Ask for permission to read it.")]
            )
        for number, line in lines:
            reader.add(f"{path.name} line {number}", line, split)
    return _finish(reader, config)


def _bad_folder(config: ImageDataConfig) -> Finding | None:
    for key in ("images_dir", "masks_dir"):
        if getattr(config, key) and (problem := missing_folder(key, getattr(config, key))):
            return problem
    return None


def _first_file(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _reader(config: ImageDataConfig) -> _Reader:
    split_dir = absolute(config.split_dir)
    recorded = recorded_root(split_dir)
    own = [
        split_dir,
        str(Path(split_dir).parent),
        *([recorded] if recorded and Path(recorded).is_dir() else []),
    ]
    pairing = Pairing()
    if config.images_dir and config.masks_dir:
        pairing = find_pairs(config.images_dir, config.masks_dir)
    elif config.images_dir:
        pairing = find_pairs(config.images_dir, config.images_dir)
    images = [absolute(config.images_dir)] if config.images_dir else []
    masks = [absolute(config.masks_dir)] if config.masks_dir else images
    return _Reader(
        config, Resolver([*images, *own], images or own), Resolver([*masks, *own], masks or own), pairing
    )


def _finish(reader: _Reader, config: ImageDataConfig) -> Sources:
    findings = reader.findings
    for (there, here), count in reader.moved.most_common():
        text = f"{counted(count, 'path')} of another machine under {there} found under {here}."
        findings.append(Finding("notice", "split.relocated", text))
    if reader.unclear:
        text = f"{counted(len(reader.unclear), 'line')} of the split files could mean more than one file."
        cure = (
            "Write more of the path in the split files, or set data.images_dir and "
            "data.masks_dir more narrowly."
        )
        findings.append(Finding("error", "split.ambiguous", text, cure, named(reader.unclear)))
    rows = each_once(reader.rows, findings)
    undecided = [reader.unsettled[r.image] for r in rows if r.mask is None and r.image in reader.unsettled]
    if undecided:
        findings.append(ambiguous_finding(undecided))
    root = common_root([row.image for row in rows], config)
    named_images = {row.image for row in rows}
    present = [absolute(image.path) for image, mask in reader.pairing.pairs if mask is not None]
    unlisted = [relative_id(path, root) for path in present if path not in named_images]
    rows = [Row(relative_id(row.image, root), row.image, row.mask, row.split) for row in rows]
    if any(row.mask for row in rows):
        rows, more = apply_unlabelled(rows, config.unlabelled)
        findings += more
    elif rows:
        text = "No mask belongs to any of the images in the split files."
        findings.append(
            Finding("error", "source.no_masks", text, "Name the masks on the lines, or set data.masks_dir.")
        )
        rows = []
    elif reader.missing:
        text = f"None of the {counted(len(reader.missing), 'file')} that the split files name was found."
        cure = "Set data.images_dir and data.masks_dir to the folders that hold them here."
        findings.append(Finding("error", "split.none_found", text, cure, named(p for p, _ in reader.missing)))
    rows.sort(key=lambda r: r.id)
    return Sources(rows, findings, reader.missing, root, split_given=True, unlisted=sorted(unlisted))


def each_once(rows: list[Row], findings: list[Finding]) -> list[Row]:
    """Each image once; an error when two parts claim one."""
    parts: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        parts[row.image].add(str(row.split))
    both = [image for image, splits in parts.items() if len(splits) > 1]
    if both:
        text = (
            f"{counted(len(both), 'image stands', 'images stand')} in more than one split "
            "file: validation would not be honest."
        )
        findings.append(
            Finding("error", "split.overlap", text, "Remove each from all files but one.", named(both))
        )
    repeated = len(rows) - sum(len(splits) for splits in parts.values())
    if repeated:
        text = f"{counted(repeated, 'line')} of the split files repeat an image: taken once."
        findings.append(Finding("warning", "split.repeated", text))
    return list({row.image: row for row in reversed(rows)}.values())


def common_root(images: list[str], config: ImageDataConfig) -> str:
    """Folder to which ids are relative: the images' own, else the deepest that holds all of them."""
    split_dir = absolute(config.split_dir) if config.split_dir else ""
    parents = (split_dir, str(Path(split_dir).parent), recorded_root(split_dir)) if split_dir else ()
    for folder in (config.images_dir, *parents):
        base = absolute(folder) if folder else ""
        if base and images and all(image.startswith(base.rstrip(os.sep) + os.sep) for image in images):
            return base
    try:
        return os.path.commonpath([Path(image).parent for image in images]) if images else ""
    except ValueError:  # two drives
        return ""


def relative_id(image: str, root: str) -> str:
    """See ``Sample.id``."""
    return nfc(Path(os.path.relpath(image, root)).as_posix()) if root else nfc(Path(image).as_posix())
