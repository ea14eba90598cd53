"""Small and large pictures of evaluated images: those that the evaluation kept, or the image files themselves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtGui import QImage

from src.ui.widgets.image_loader import ImageLoader

if TYPE_CHECKING:
    from src.core.dataset.masks import MaskMeaning
    from src.core.evaluation.pieces import ImageResult
    from src.ui.widgets.pyramid import Pyramid

_MOST_KEPT = 600
_THREADS = 2
Key = tuple[int, str]


class SmallPictures(QObject):
    """Pictures for the lines of a list: those in memory, and a queue for those that are wanted.

    Signals:
        loaded(int): A picture of this image came, or cannot be read.
    """

    loaded = pyqtSignal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[Key, QImage | None] = OrderedDict()
        self._loader: ImageLoader | None = None
        self._generation = 0

    def forget(self) -> None:
        """Another evaluation is shown."""
        self._generation += 1
        self._kept.clear()
        if self._loader is not None:
            self._loader.forget()

    def stop(self) -> None:
        """End the reading threads."""
        if self._loader is not None:
            self._loader.end()
            self._loader = None

    def find(self, index: int, kind: str) -> QImage | str | None:
        """The picture, None when it cannot be read, or ``"waiting"``."""
        if (index, kind) not in self._kept:
            return "waiting"
        self._kept.move_to_end((index, kind))
        return self._kept[index, kind]

    def want(self, wishes: Sequence[tuple[int, str, Path]], side: int) -> None:
        """Have these read, the first first; all other wishes are dropped."""
        missing = [wish for wish in wishes if wish[:2] not in self._kept]
        if not missing and self._loader is None:
            return
        if self._loader is None:
            self._loader = ImageLoader(self, threads=_THREADS)
            self._loader.loaded.connect(self._take)
        self._loader.want(
            ((self._generation, index, kind), partial(_small, path, side)) for index, kind, path in missing
        )

    def _take(self, key: tuple[int, int, str], picture: QImage | None) -> None:
        generation, index, kind = key
        if generation != self._generation:
            return
        self._kept[index, kind] = picture
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        self.loaded.emit(index)


def _small(path: Path, side: int) -> QImage:
    from src.core.dataset.files.thumbnails import ThumbnailStore, reduced
    from src.core.run import workspace
    from src.ui.widgets.overlay import to_image

    pixels, _ = ThumbnailStore(workspace() / "cache" / "thumbnails").pair(str(path), None, None, None)
    return to_image(reduced(pixels, side))


def small_path(folder: Path, image: ImageResult, kind: str) -> Path | None:
    """The file of a small picture: ``image``, or one of the kinds that were kept."""
    if image.pictures is not None:
        return folder / getattr(image.pictures, kind)
    return Path(image.image) if kind == "image" else None


def kept_picture(path: Path, width: int, height: int) -> Pyramid:
    """A kept picture in the coordinates of its image of ``width × height`` pixels. For a thread.

    Raises:
        UnreadableImageError: the file is gone or damaged.
    """
    from src.ui.widgets.pyramid import read_pyramid

    picture = read_pyramid(str(path), None, None, None)
    picture.first = max(width, height) / max(picture.width, picture.height)
    picture.width, picture.height = width, height
    return picture


def original(path: str, mask: str | None, model: str) -> Pyramid:
    """An image with its true classes, as far as the model file says what the mask values mean. For a thread.

    Raises:
        UnreadableImageError: the image cannot be read.
    """
    from src.ui.widgets.pyramid import read_pyramid

    meaning, intensity = _reading(model) if mask else (None, None)
    return read_pyramid(path, mask if meaning is not None else None, meaning, intensity)


def _reading(model: str) -> tuple[MaskMeaning | None, Any]:
    from src.core.dataset.masks import MaskMeaning
    from src.core.run import ModelError, find_model

    try:
        facts = find_model(model).facts
        meaning = MaskMeaning.from_dict(facts["masks"])
    except (ModelError, KeyError, TypeError, ValueError, OSError):
        return None, None
    span = facts.get("intensity_range")
    return meaning, tuple(span) if span else None
