"""Waiting for images that somebody else puts into folders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from src.core.dataset.findings import Finding
from src.core.prediction.images import IMAGES, FileKind, ImageFile, find_images

#: An empty file is somebody's placeholder: it is waited for, but not for ever.
_EMPTY_S = 30.0


class Watch:
    """Gives each image (or other file) of folders and patterns once it stopped growing, and again when it is replaced.

    A file is taken when its size and time are the same at two looks, ``every_s`` apart: programs that write slowly are
    waited for. Lathe's own results are never taken, see `find_images`.

    Attributes:
        waiting: Images that are still growing.
    """

    def __init__(
        self,
        paths: Sequence[str],
        without: Iterable[str] = (),
        known: Iterable[tuple[str, str]] = (),
        every_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        kind: FileKind = IMAGES,
    ) -> None:
        """Watch ``paths``; ``known`` and ``kind`` as in `find_images`."""
        self._kind = kind
        self.paths, self.without, self.every_s = list(paths), tuple(without), every_s
        self._clock, self._sleep = clock, sleep
        self._known: dict[str, str] = dict(known)
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}
        self._given: dict[str, tuple[int, int]] = {}
        self.waiting = 0

    def look(self) -> tuple[list[ImageFile], list[Finding]]:
        """The images that are complete now and were not given before; and what the search found odd."""
        found = find_images(self.paths, self.without, self._known.items(), self._kind)
        now, ready = self._clock(), []
        self.waiting = 0
        present = set()
        for image in found.images:
            self._known[image.path] = image.name
            present.add(image.path)
            state = (image.size, image.mtime_ns)
            if self._given.get(image.path) == state:
                continue
            before, since = self._seen.get(image.path, (None, now))
            steady = before == state and now - since >= self.every_s
            if before != state:
                self._seen[image.path] = (state, now)
            if steady and (image.size or now - since >= _EMPTY_S):
                self._given[image.path] = state
                del self._seen[image.path]
                ready.append(image)
            else:
                self.waiting += 1
        for gone in self._seen.keys() - present:
            del self._seen[gone]
        # An empty folder is what one watches
        return ready, [f for f in found.findings if f.code != "images.none"]

    def batches(
        self, cancelled: Callable[[], bool], idle: Callable[[], None], note: Callable[[Finding], None]
    ) -> Iterator[list[ImageFile]]:
        """Complete images until ``cancelled``, all that one look found at once.

        Args:
            cancelled: Asked several times a second.
            idle: Called at every look that found none.
            note: Called once a finding.
        """
        said: set[tuple[str, tuple[str, ...]]] = set()
        while not cancelled():
            ready, findings = self.look()
            for finding in findings:
                if (finding.code, finding.where) not in said and len(said) < 1000:
                    said.add((finding.code, finding.where))
                    note(finding)
            if ready:
                yield ready
            else:
                idle()
            until = self._clock() + self.every_s
            while not cancelled() and self._clock() < until:
                self._sleep(min(0.1, self.every_s))
