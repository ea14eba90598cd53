"""The data job: answers a window's questions about a data set, one after the other, until the window goes.

A line on standard input is a request, ``{"id": 1, "do": "look", ...}``; lines on standard output are its progress,
``{"id": 1, "progress": [done, total, what]}``, and at last its answer, ``{"id": 1, "answer": {...}}`` or
``{"id": 1, "error": sentence, "findings": [...]}``. The request ``cancel`` ends the one that is worked on, as the end
of standard input does: nothing half-written is left behind. Needs no torch.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from src.core.dataset.findings import IMAGE, DatasetError
from src.core.dataset.views import ViewCancelledError
from src.core.run.progress import Seldom
from src.jobs.sample_views import SampleViews

_SAY_EVERY_S = 0.05
_PICTURE_SIDE = 220
_COVER = 0.5

Request = dict[str, Any]
Progress = Callable[[int, int, str], None]


class DataSession:
    """What is kept between two requests.

    Attributes:
        plan: Of the import that was looked at last.
    """

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self.plan: Any = None
        self._rows: tuple[Any, Any] = (None, None)
        self._answers = answers
        self._asked: queue.Queue[Request | None] = queue.Queue()
        self._cancelled = threading.Event()
        self._views = SampleViews(self._cancelled.is_set)
        threading.Thread(target=self._listen, args=(requests,), name="requests", daemon=True).start()

    def _listen(self, requests: IO[str]) -> None:
        for line in requests:
            request = json.loads(line)
            if request["do"] == "cancel":
                self._cancelled.set()
            else:
                self._asked.put(request)
        self._cancelled.set()
        self._asked.put(None)

    def run(self) -> int:
        """Answer until there are no more requests."""
        from src.core.dataset.formats import ImportCancelledError

        do = {
            "look": self._look,
            "carry_out": self._carry_out,
            "export": self._export,
            "groups": self._groups,
            "open_sample": self._views.open,
            "view": self._views.show,
            "listen": self._views.listen,
        }
        while (request := self._asked.get()) is not None:
            number = request["id"]
            self._cancelled.clear()
            try:
                self._say(id=number, answer=do[request["do"]](request, self._progress(number)))
            except (ImportCancelledError, ViewCancelledError):
                self._say(id=number, error="")
            except DatasetError as error:
                self._say(id=number, error=str(error), findings=[f.to_dict() for f in error.findings])
            except BrokenPipeError:
                return 0
            except Exception as error:
                traceback.print_exc()
                self._say(id=number, error=_sentence(error))
        return 0

    def _say(self, **line: Any) -> None:
        print(json.dumps(line, ensure_ascii=False), file=self._answers, flush=True)

    def _progress(self, number: int) -> Progress:
        return Seldom(lambda *progress: self._say(id=number, progress=progress), _SAY_EVERY_S)

    # -- import ---------------------------------------------------------------------------------
    def _look(self, request: Request, progress: Progress) -> dict[str, Any]:
        """What lies in ``path``: all formats, the plan for one of them (number ``choice``), and pictures."""
        from src.core.dataset.formats import default_folder, nothing_known, plan_import, recognise

        found = recognise(request["path"])
        if not found:
            raise nothing_known(request["path"])
        chosen = found[min(int(request.get("choice", 0)), len(found) - 1)]
        self.plan = None
        plan = plan_import(chosen, "", request.get("merge") or None, progress, self._cancelled.is_set)
        self.plan = plan
        return {
            "formats": [r.to_dict() for r in found],
            "plan": plan.to_dict(),
            "folder": str(default_folder(plan.name)),
            "pictures": self._pictures(plan, Path(request["pictures"]), progress),
        }

    def _pictures(self, plan: Any, place: Path, progress: Progress) -> list[dict[str, Any]]:
        """Small pictures of the samples with what is marked on them, as PNG files in ``place``."""
        from src.core.dataset.formats import ImportCancelledError

        found = []
        for number, sample in enumerate(plan.samples, 1):
            if self._cancelled.is_set():
                raise ImportCancelledError("Cancelled.")
            path, why = place / f"{number}.png", ""
            try:
                _draw(plan, sample, path)
            except (KeyError, ValueError, OSError) as error:
                why = _sentence(error)
            found.append({**sample, "picture": "" if why else str(path), "why": why})
            progress(number, len(plan.samples), "Drawing samples")
        return found

    def _carry_out(self, request: Request, progress: Progress) -> dict[str, Any]:
        from src.core.dataset.formats import ImportFailedError, carry_out

        if self.plan is None:
            raise ImportFailedError("Nothing was looked at yet: choose a folder or a file first.")
        folder = carry_out(self.plan, request.get("to") or None, progress, self._cancelled.is_set)
        outcome = self.plan.outcome
        return {
            "folder": str(folder),
            "unchanged": outcome.unchanged,
            "masks": outcome.masks,
            "findings": [f.to_dict() for f in outcome.findings],
        }

    # -- export ---------------------------------------------------------------------------------
    def _export(self, request: Request, progress: Progress) -> dict[str, Any]:
        """Write the data set of a configuration (YAML text) in another format."""
        from src.core.dataset.export import export_dataset

        data = _config(request["config"]).data
        done = export_dataset(
            data, request["form"], request["to"], request["images"], progress, self._cancelled.is_set
        )
        return {
            "folder": str(done.folder), "images": done.images, "objects": done.objects,
            "findings": [f.to_dict() for f in done.findings],
        }  # fmt: skip

    # -- groups ---------------------------------------------------------------------------------
    def _groups(self, request: Request, progress: Progress) -> dict[str, Any]:
        """The groups that a configuration (YAML text) makes of the files of its data set."""
        from dataclasses import asdict

        from src.core.dataset.sources.sources import find_sources
        from src.core.dataset.splitting.grouping import preview_groups

        config = _config(request["config"])
        data = config.data
        if not hasattr(data, "images_dir"):
            return self._groups_of_task(config, progress)
        key = [
            getattr(data, name)
            for name in ("table", "image_column", "mask_column", "split_dir", "images_dir", "masks_dir")
        ]
        if self._rows[0] != key:
            progress(0, 0, "Listing the files")
            plain = data.model_copy(deep=True)
            plain.split.group_column = plain.split.stratify_column = ""  # a wrong one shall not hide the rows
            self._rows = (key, find_sources(plain))
            progress(1, 1, "Listing the files")
        sources = self._rows[1]
        if not sources.rows:
            raise DatasetError(sources.findings)
        columns = list(sources.rows[0].columns) if sources.rows else []
        preview = preview_groups(sources.rows, data.split)
        return {**asdict(preview), "noun": list(IMAGE), "columns": columns}

    def _groups_of_task(self, config: Any, progress: Progress) -> dict[str, Any]:
        """The groups of samples that only their task can read."""
        from dataclasses import asdict

        from src.core.dataset.contract import DescriptionCancelledError, noun_of
        from src.core.dataset.splitting.grouping import groups_of
        from src.tasks.catalog import task_info

        info = task_info(config.task)
        try:
            found = info.describe(config, progress, self._cancelled.is_set, quick=True, store=False)
        except DescriptionCancelledError:
            raise ViewCancelledError from None
        samples = found.all_samples
        if not samples:
            raise DatasetError([f for f in found.findings if f.severity == "error"])
        return {
            **asdict(groups_of(samples, config.data.split)),
            "noun": list(noun_of(samples)),
            "columns": [],
        }


def _config(text: str) -> Any:
    import yaml

    from src.core.config import Layer, resolve
    from src.tasks.catalog import task_info

    values = dict(yaml.safe_load(text))
    values.pop("origins", None)
    info = task_info(str(values.get("task", "segmentation")))
    return resolve(info.config, [Layer("file", values)]).config


def _draw(plan: Any, sample: dict[str, Any], path: Path) -> None:
    """Write the picture of a sample: the image, its classes in their colours over it.

    Raises:
        KeyError, ValueError, OSError: image or annotation cannot be used.
    """
    import cv2
    import numpy as np

    from src.core.dataset.files.thumbnails import read_pair, reduced_labels
    from src.core.dataset.masks import IGNORE_INDEX
    from src.core.dataset.palette import class_colours

    image, labels = read_pair(sample["image"], None, None, _PICTURE_SIDE)
    if plan.book is not None:
        labels = reduced_labels(plan.draw(sample["id"]), image.shape[1], image.shape[0])
    elif sample.get("mask"):
        labels = read_pair(sample["image"], sample["mask"], plan.meaning, _PICTURE_SIDE)[1]
    if labels is not None:
        colours = np.zeros((256, 3), np.uint8)
        colours[: len(plan.classes)] = class_colours(len(plan.classes))
        colours[IGNORE_INDEX] = 128
        marked = labels > 0
        image = image.copy()
        image[marked] = (image[marked] * (1 - _COVER) + colours[labels[marked]] * _COVER).astype(np.uint8)
    done, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    if not done:
        raise ValueError("the picture could not be written")
    path.write_bytes(data.tobytes())


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
    known = type(error).__module__.startswith("src.")
    return str(error) if known else f"Lathe does not know this error: {type(error).__name__}: {error}"


def run_session() -> int:
    """Entry of the job."""
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    answers, sys.stdout = (
        sys.stdout,
        sys.stderr,
    )  # a library's word on stdout shall not be taken for an answer
    return DataSession(sys.stdin, answers).run()
