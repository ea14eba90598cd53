"""Writing folders as a whole or not at all, and the files in them."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import cv2
import numpy as np
import yaml

from src.core.dataset.files.image_files import why

T = TypeVar("T")
_LEFT_OVER_S = 86_400.0


class ImportFailedError(Exception):
    """Nothing was written; the message says why and what to do."""


def all_or_nothing(target: Path, write: Callable[[Path], T]) -> T:
    """Let ``write`` fill a folder beside ``target`` and rename it when it is complete.

    Raises:
        ImportFailedError: with the reason; also whatever ``write`` raises. The folder beside is removed then.
    """
    part: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_over(target)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        if os.name != "nt":
            mask = os.umask(0)
            os.umask(mask)
            part.chmod(0o777 & ~mask)
        result = write(part)
        if target.is_dir():
            target.rmdir()  # empty, as was looked at before; else this fails and nothing is overwritten
        part.rename(target)
        part = None
        return result
    except OSError as error:
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", -1))
        cause = "the disk is full" if full else why(error)
        cure = (
            "Free some space or choose another disk."
            if full
            else "Choose another folder, or ask for permission to write."
        )
        raise ImportFailedError(
            f"{target} could not be written: {cause}. {cure} Nothing was left behind."
        ) from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _remove_left_over(target: Path) -> None:
    """What a process that was killed could not clear away: half folders of this name that nobody wrote to for a day."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        newest = max((p.stat().st_mtime for p in (left, *left.iterdir())), default=0.0)
        if time.time() - newest > _LEFT_OVER_S:
            shutil.rmtree(left, ignore_errors=True)


def write_png(path: Path, mask: np.ndarray) -> None:
    """Write an ``H×W`` uint8 array as a grey PNG; raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(".png", mask)
    if not done:
        raise OSError(errno.EIO, "the mask could not be encoded")
    path.write_bytes(data.tobytes())


def write_yaml(path: Path, values: dict[str, Any]) -> None:
    """Write a mapping as YAML, to the disk."""
    write_text(path, yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=120))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, to the disk."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def safe_path(sample_id: str) -> str:
    """A relative path that stays inside its folder."""
    parts = [
        p
        for p in PurePosixPath(sample_id.replace("\\", "/")).parts
        if p not in ("/", ".", "..") and not p.endswith(":")
    ]
    return "/".join(parts) or "image"


def mask_name(sample_id: str, taken: set[str]) -> str:
    """Relative path of a PNG for an image, unlike all in ``taken`` (also where letters' case does not count)."""
    path = PurePosixPath(safe_path(sample_id))
    name = path.with_suffix(".png").as_posix()
    if name.casefold() in taken:  # a.jpg and a.png
        name = f"{path.as_posix()}.png"
    number = 1
    while name.casefold() in taken:
        number += 1
        name = f"{path.as_posix()}-{number}.png"
    taken.add(name.casefold())
    return name
