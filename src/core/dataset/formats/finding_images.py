"""Finding the images that annotations name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from src.core.dataset.formats.remarks import Remarks
from src.core.dataset.sources.relocation import Resolver
from src.core.dataset.sources.source_lists import relative_id
from src.core.dataset.sources.source_rows import absolute

#: Folders in which images are usually kept, tried before the whole tree is searched.
IMAGE_FOLDERS = ("images", "imgs", "img", "image", "JPEGImages", "data")


def is_file(path: Path) -> bool:
    """Whether a file is there, also for names that no system takes."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


class ImageFinder:
    """Finds images by the names in annotations, relative to the usual places or by the longest shared tail."""

    def __init__(self, root: str, near: Sequence[str], remarks: Remarks) -> None:
        """Search below ``root``; ``near`` are folders to which names may be relative, the likeliest first."""
        self.root = absolute(root)
        bases = [*near, self.root]
        bases += [str(Path(base, name)) for base in (*near, self.root) for name in IMAGE_FOLDERS]
        self._resolver = Resolver(list(dict.fromkeys(bases)), [self.root])
        self._remarks = remarks

    def find(self, written: str, where: str) -> str:
        """Absolute path; empty, with a remark, where there is none or more than one."""
        try:
            found = self._resolver.find(written) if written.strip() and "\0" not in written else None
        except (OSError, ValueError):  # such as a name that is too long
            found = None
        if found is not None and found.path:
            return found.path
        self._remarks.add("image_ambiguous" if found and found.how == "ambiguous" else "image_missing", where)
        return ""

    def id_of(self, path: str) -> str:
        """Path relative to the root, see ``Sample.id``."""
        try:
            return relative_id(path, self.root)
        except ValueError:  # another drive
            return relative_id(path, "")
