"""The names under a folder, read once and shared by all recognisers."""

from __future__ import annotations

import os
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from src.core.dataset.files.image_files import IMAGE_SUFFIXES
from src.core.dataset.sources.source_rows import absolute

#: Suffixes of files that hold annotations or lists.
TEXT_SUFFIXES = frozenset({".json", ".yaml", ".yml", ".txt", ".csv", ".xml", ".names"})
#: Names that are read; a larger folder is recognised by its first names.
MOST_ENTRIES = 1_000_000
#: Text files of one kind that are kept of a folder, beside those with a telling name.
_KEPT_A_FOLDER = 64
_TELLING = frozenset(
    [
        "train",
        "training",
        "val",
        "valid",
        "validation",
        "test",
        "trainval",
        "labels",
        "label",
        "classes",
        "class_names",
        "obj_names",
        "labelmap",
        "classdict",
        "class_dict",
        "data",
        "dataset",
        "lathe",
        "label_names",
        "tiles",
    ]
)


@dataclass
class Folder:
    """What lies directly in a folder: its path relative to the root (empty for the root itself)."""

    relative: str
    folders: list[str] = field(default_factory=list)
    images: int = 0
    some_images: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    suffixes: Counter[str] = field(default_factory=Counter)


@dataclass
class Tree:
    """The folders under a root, nearest first, and whether not all names were read."""

    root: str
    folders: dict[str, Folder]
    cut: bool = False

    def texts(self, *suffixes: str) -> list[str]:
        """Absolute paths of the kept text files with one of the suffixes, nearest first."""
        return [
            self.path(folder.relative, name)
            for folder in self.folders.values()
            for name in sorted(folder.texts)
            if PurePosixPath(name).suffix.lower() in suffixes
        ]

    def path(self, *parts: str) -> str:
        """Absolute path of something under the root."""
        return absolute(Path(self.root, *[p for p in parts if p]))

    def named(self, *names: str) -> list[str]:
        """Relative folders with one of the names (in lower case), nearest first."""
        return [f for f in self.folders if f and PurePosixPath(f).name.lower() in names]

    @property
    def images(self) -> int:
        """Image files, as far as names were read."""
        return sum(folder.images for folder in self.folders.values())


def read_tree(root: str | os.PathLike[str]) -> Tree:
    """Read the names under a folder, breadth first; links that lead in a circle are followed once.

    Raises:
        OSError: the folder itself cannot be listed.
    """
    start = absolute(root)
    tree = Tree(start, {})
    waiting, seen, entries = deque([""]), {os.path.realpath(start)}, 0
    while waiting:
        relative = waiting.popleft()
        folder = Folder(relative)
        try:
            with os.scandir(tree.path(relative)) as found:
                for entry in found:
                    entries += 1
                    if entries > MOST_ENTRIES:
                        tree.cut = True
                        break
                    _note(folder, entry, seen)
        except OSError:
            if not relative:
                raise
            continue
        tree.folders[relative] = folder
        folder.folders.sort()
        waiting.extend(f"{relative}/{name}" if relative else name for name in folder.folders)
        if tree.cut:
            break
    return tree


def _note(folder: Folder, entry: os.DirEntry[str], seen: set[str]) -> None:
    name = entry.name
    if name.startswith("."):
        return
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        folder.images += 1
        folder.suffixes[suffix] += 1
        if len(folder.some_images) < 256:
            folder.some_images.append(name)
        return
    if suffix in TEXT_SUFFIXES:
        folder.suffixes[suffix] += 1
        if folder.suffixes[suffix] <= _KEPT_A_FOLDER or PurePosixPath(name).stem.lower() in _TELLING:
            folder.texts.append(name)
        return
    if _is_folder(entry):
        real = os.path.realpath(entry.path)
        if real not in seen:
            seen.add(real)
            folder.folders.append(name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def walk_files(root: str, *suffixes: str) -> list[str]:
    """Absolute paths of all files with one of the suffixes under a folder, sorted; links are followed once."""
    found: list[str] = []
    waiting, seen = [absolute(root)], {os.path.realpath(root)}
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if PurePosixPath(entry.name).suffix.lower() in suffixes:
                        found.append(entry.path)
                    elif _is_folder(entry) and (real := os.path.realpath(entry.path)) not in seen:
                        seen.add(real)
                        waiting.append(entry.path)
        except OSError:
            continue
    return sorted(found)
