"""The formats of the export: what is made of one mask (in threads), and what is written in the end (in one)."""

from __future__ import annotations

import csv
import json
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, ClassVar

import numpy as np

from src.core.dataset.export.outline import objects, outline
from src.core.dataset.formats import rle
from src.core.dataset.formats.making import TABLE_NAME
from src.core.dataset.formats.writing import write_png, write_text, write_yaml
from src.core.dataset.masks import IGNORE_INDEX
from src.core.dataset.records import SPLITS, Split

#: Enough that a share times 65,536 pixels is right to a millionth of a pixel.
_DIGITS = 12
IGNORE_CATEGORY = "ignore"


@dataclass(frozen=True)
class Picture:
    """One image of the export: its relative name, part, where it lies (relative or absolute), and its size."""

    name: str
    part: Split
    image: str
    width: int
    height: int


class Writer(ABC):
    """Writes one format into a folder; ``target`` is where the folder will be when it is complete.

    ``draw`` is called from several threads at once, all other methods from one.
    """

    title: ClassVar[str]
    can_reference: ClassVar[bool] = True
    can_ignore: ClassVar[bool] = True

    def __init__(self, folder: Path, target: Path) -> None:
        self.folder, self.target = folder, target
        self.names: list[str] = []
        self.first = 0

    def __enter__(self) -> Writer:
        return self

    def __exit__(  # noqa: B027  (most writers keep nothing open)
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""

    def begin(self, names: list[str], first: int) -> None:
        """Names of all classes, and the first class number that is an object."""
        self.names, self.first = names, first

    def image_place(self, name: str, part: Split) -> str:
        """Where a copied image goes."""
        return f"images/{name}"

    @abstractmethod
    def draw(self, picture: Picture, labels: np.ndarray) -> Any:
        """What ``add`` needs of a mask (``H×W`` uint8 class numbers, 255 ignored)."""

    @abstractmethod
    def add(self, picture: Picture, drawn: Any) -> int:
        """Take one image; the number of its objects."""

    @abstractmethod
    def end(self) -> None:
        """Write what concerns all images."""

    def values(self, labels: np.ndarray) -> list[int]:
        """The class numbers on a mask that are objects."""
        return [v for v in np.unique(labels).tolist() if self.first <= v < len(self.names)]


class MaskWriter(Writer):
    """Index masks with a table of classes: Lathe's own form, read by it without import."""

    title = "index masks"

    def begin(self, names: list[str], first: int) -> None:
        super().begin(names, first)
        self._rows: list[list[str]] = []

    def draw(self, picture: Picture, labels: np.ndarray) -> str:
        """Write the mask; its relative path."""
        name = f"masks/{PurePosixPath(picture.name).with_suffix('.png').as_posix()}"
        write_png(self.folder / name, labels)
        return name

    def add(self, picture: Picture, drawn: str) -> int:
        self._rows.append([picture.image, drawn, picture.part])
        return 0

    def end(self) -> None:
        with (self.folder / TABLE_NAME).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([["image", "mask", "split"], *self._rows])
        write_text(self.folder / "classes.txt", "\n".join(self.names) + "\n")
        masks = {"meaning": "index", "classes": self.names, "ignore_value": IGNORE_INDEX}
        write_yaml(
            self.folder / "lathe.yaml",
            {"data": {"table": TABLE_NAME, "split_column": "split", "masks": masks}},
        )


class CocoWriter(Writer):
    """COCO JSON, a file a part; each object as compressed run lengths, which keep every pixel.

    Ignored pixels are one crowd region an image, of a category of its own.
    """

    title = "COCO"

    def begin(self, names: list[str], first: int) -> None:
        super().begin(names, first)
        self._images: dict[Split, list[dict[str, Any]]] = {}
        self._open: dict[Split, IO[str]] = {}
        self._count = self._number = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self._open.values():
            stream.close()

    def draw(self, picture: Picture, labels: np.ndarray) -> list[dict[str, Any]]:
        """The annotations without their ids."""
        found = []
        for value in self.values(labels):
            for thing in objects(labels, value):
                found.append(
                    _annotation(thing.piece, thing.left, thing.top, picture, value - self.first + 1, 0)
                )
        ignored = labels == IGNORE_INDEX
        if ignored.any():
            found.append(_annotation(ignored, 0, 0, picture, len(self.names) - self.first + 1, 1))
        return found

    def add(self, picture: Picture, drawn: list[dict[str, Any]]) -> int:
        if picture.part not in self._open:
            path = self.folder / "annotations" / f"{picture.part}.part"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[picture.part] = path.open("w", encoding="utf-8", newline="\n")
            self._images[picture.part] = []
        self._number += 1
        name = picture.name if not Path(picture.image).is_absolute() else picture.image
        images = self._images[picture.part]
        images.append(
            {"id": self._number, "file_name": name, "width": picture.width, "height": picture.height}
        )
        stream = self._open[picture.part]
        for annotation in drawn:
            self._count += 1
            stream.write(",\n" if stream.tell() else "")
            stream.write(json.dumps({"id": self._count, "image_id": self._number, **annotation}))
        return sum(not annotation["iscrowd"] for annotation in drawn)

    def end(self) -> None:
        categories = [
            {"id": n, "name": name, "supercategory": ""}
            for n, name in enumerate(self.names[self.first :], start=1)
        ]
        categories.append({"id": len(categories) + 1, "name": IGNORE_CATEGORY, "supercategory": ""})
        for part, stream in self._open.items():
            stream.close()
            beside = Path(stream.name)
            with (beside.parent / f"instances_{part}.json").open("w", encoding="utf-8", newline="\n") as out:
                out.write('{"info": {"description": "Exported by Lathe"},\n"images": ')
                json.dump(self._images[part], out, ensure_ascii=False)
                out.write(',\n"categories": ')
                json.dump(categories, out, ensure_ascii=False)
                out.write(',\n"annotations": [\n')
                with beside.open(encoding="utf-8") as annotations:
                    shutil.copyfileobj(annotations, out)
                out.write("\n]}\n")
            beside.unlink()


def _annotation(
    piece: np.ndarray, left: int, top: int, picture: Picture, category: int, crowd: int
) -> dict[str, Any]:
    counts = rle.encode(piece, left, top, picture.width, picture.height)
    rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
    box = [
        int(columns[0]) + left,
        int(rows[0]) + top,
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
    ]
    return {
        "category_id": category, "iscrowd": crowd, "bbox": box, "area": int(np.count_nonzero(piece)),
        "segmentation": {"size": [picture.height, picture.width], "counts": rle.pack(counts)},
    }  # fmt: skip


class YoloWriter(Writer):
    """YOLO segmentation: outlines along the edges of the pixels, holes joined by bridges."""

    title = "YOLO"
    can_reference = False
    can_ignore = False

    def begin(self, names: list[str], first: int) -> None:
        super().begin(names, first)
        self._parts: set[Split] = set()

    def image_place(self, name: str, part: Split) -> str:
        return f"images/{part}/{name}"

    def draw(self, picture: Picture, labels: np.ndarray) -> int:
        """Write the label file; its number of lines."""
        lines = []
        for value in self.values(labels):
            for thing in objects(labels, value):
                shares = outline(thing) / (picture.width, picture.height)
                lines.append(
                    " ".join(
                        [str(value - self.first), *(f"{v:.{_DIGITS}g}" for v in shares.ravel().tolist())]
                    )
                )
        path = self.folder / "labels" / picture.part / PurePosixPath(picture.name).with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
        return len(lines)

    def add(self, picture: Picture, drawn: int) -> int:
        self._parts.add(picture.part)
        return drawn

    def end(self) -> None:
        places: dict[str, Any] = {part: f"images/{part}" for part in SPLITS if part in self._parts}
        names = dict(enumerate(self.names[self.first :]))
        write_yaml(self.folder / "data.yaml", {**places, "names": names})


__all__ = ["CocoWriter", "MaskWriter", "Picture", "Writer", "YoloWriter"]
