"""The export of a segmentation model: written, run by its own runtime, compared, described."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from src.core.dataset.findings import Finding
from src.core.exporting import __version__
from src.core.exporting.formats import FILES, INSTALL, availability, check
from src.core.exporting.graph import ExportGraph
from src.core.exporting.onnx_runner import OnnxRunError
from src.core.exporting.torch_files import ExportError, image_axes
from src.core.exporting.writing import CURES, free_folder, running, settle, write_form, write_json
from src.core.inference.model import LoadedModel
from src.core.job import Job, JobError
from src.core.run.folder import write_atomically
from src.core.run.model_source import ModelSource, find_model
from src.tasks.segmentation.jobs.export_check import Check, Checked
from src.tasks.segmentation.jobs.export_config import ExportConfig
from src.tasks.segmentation.jobs.export_graph import OUTPUTS, Original, build_graph
from src.tasks.segmentation.jobs.export_images import Images, find_images
from src.tasks.segmentation.jobs.export_papers import class_table, metadata, model_card
from src.tasks.segmentation.jobs.export_script import use_script
from src.tasks.segmentation.loaded import load_model


def run(job: Job) -> dict[str, Any]:
    """Write the model of ``job.config``, compare it with the original, and describe it.

    In the folder: the model, ``parity.json``, ``classes.json``, ``MODEL_CARD.md``, ``use_model.py``. Files that are
    there already stay: then all goes into a numbered folder inside.

    Raises:
        JobError: It cannot be written, or it disagrees with the original: then its name ends in ``.refused``.
    """
    config: ExportConfig = job.config
    for fault in check(config):
        if fault.severity == "error":
            raise JobError(fault.message, fault.cure)
        job.note(fault)
    source = find_model(config.model, config.checkpoint)
    export = Export(
        job, config, source, _load(source, config), free_folder(job.folder.path, FILES[config.format])
    )
    try:
        return export.run()
    except OSError as error:
        raise JobError(f"The export cannot be written to {export.folder}: {error.strerror or error}.",
                       "Choose another folder, or make room and mend its permissions.") from error  # fmt: skip
    finally:
        export.close()


def _load(source: ModelSource, config: ExportConfig) -> LoadedModel:
    try:
        return load_model(source, "cpu", "fp32", config.foreign)
    except JobError as error:  # the options of a foreign file stand at another place in this job
        raise JobError(str(error), error.cure.replace("inference.foreign.", "foreign.")) from None


@dataclass
class Written:
    """A file that was written, with what the comparison found.

    Attributes:
        path: Its present name.
        dynamic_size: It takes any height and width.
        checked: What was found.
    """

    path: Path
    dynamic_size: bool
    checked: Checked


class Export:
    """One export.

    Attributes:
        folder: Where everything goes.
        size: ``(height, width)`` of the input that is measured.
    """

    def __init__(
        self, job: Job, config: ExportConfig, source: ModelSource, loaded: LoadedModel, folder: Path
    ) -> None:
        self.job, self.config, self.source, self.loaded, self.folder = job, config, source, loaded, folder
        self.size = (config.height or loaded.size, config.width or loaded.size)
        self.target = folder / FILES[config.format]
        self._beside = folder / f".unfinished-{self.target.name}"
        self.images: Images = find_images(source, loaded, self.size)
        self.threads = config.cpu_threads or max(1, torch.get_num_threads())

    def close(self) -> None:
        """Take away what is of no use any more."""
        self.images.close()
        self._beside.unlink(missing_ok=True)

    def run(self) -> dict[str, Any]:
        """See the module's `run`."""
        config = self.config
        self.job.started(
            model=self.source.name, device="CPU", precision=config.precision, items=config.check_images
        )
        said = []
        if self.images.generated:
            text = "The images of this model's run are not there any more; the export is compared on generated images."
            if self.source.run is None:
                text = "This model file belongs to no run; the export is compared on generated images."
            self.job.note(
                Finding("warning", "export.generated", text, "Put the images back to compare on real ones.")
            )
            said.append(text)
        written = self._write_and_check()
        self._papers(written)
        parity = self._parity(written)
        cure = CURES[config.precision].format(many="images")
        settle(self.folder, written.path, config.format, parity, written.checked.objections, cure)
        said += [
            f"{self.target} was written ({self.target.stat().st_size / 1e6:.1f} MB).",
            *written.checked.sentences(),
        ]
        return {"said": said, "model": str(self.target), "folder": str(self.folder), "parity": parity}

    def _write_and_check(self) -> Written:
        """With any size first, where wanted; then with a fixed one, and say so."""
        first: str = ""
        for dynamic in (True, False) if self.config.dynamic_size else (False,):
            try:
                self._write(dynamic)
                with running(self._beside, self.config.format, self.threads, self.job.go_on) as (
                    run,
                    about,
                    timed,
                ):
                    checked = Check(self.job, self._original(), self.images, run, self.config, self.size).all(
                        dynamic, timed, self.threads, about
                    )
                if not dynamic or not checked.size_objections:
                    return Written(self._beside, dynamic, checked)
                problem = checked.size_objections[0]
            except (ExportError, OnnxRunError) as error:
                problem = str(error)
            if not dynamic:
                raise JobError(f"The model was not exported. {first or problem}",
                               "Choose another format, opset or size.")  # fmt: skip
            first = problem
            self.job.note(
                Finding("warning", "export.fixed_size",
                        f"This model cannot be exported for any image size ({problem.rstrip('.')}). It was exported for "
                        f"{self.size[1]}×{self.size[0]} pixels.",
                        "Scale images to that size, or cut them into pieces of it; use_model.py does so.")
            )  # fmt: skip
        raise AssertionError("one of both ways ends above")

    def _original(self) -> Original:
        return Original(self.loaded, self.config.threshold)

    def _write(self, dynamic: bool) -> None:
        config, job = self.config, self.job
        job.progress(0, 0, "Tracing the network")
        graph: ExportGraph = build_graph(self.loaded, config)
        example = graph.example(2, self.loaded.channels, *self.size)
        about = metadata(self.source, self.loaded, config, self.size, dynamic)
        write_form(
            graph, example, self._beside, form=config.format, axes=image_axes(dynamic), output=OUTPUTS[config.output],
            about=about, opset=config.opset, freeze=config.freeze,
            calibration=self._calibration() if config.precision == "int8" else None,
        )  # fmt: skip

    def _calibration(self) -> Iterator[np.ndarray]:
        samples, most = self.images.calibrated, self.config.calibration_images
        original, inside = self._original(), self.config.normalisation == "inside"
        for done, piece in enumerate(self.images.pieces(samples, most)):
            self.job.progress(done, min(most, len(samples)), "Measuring ranges for 8 bits")
            yield original.fed(piece.image, inside)

    def _papers(self, written: Written) -> None:
        table = class_table(
            self.source, self.loaded, self.config, self.size, written.dynamic_size, self.target.name
        )
        write_json(self.folder / "classes.json", table)
        if written.checked.objections:
            return
        card = model_card(self.source, self.loaded, self.config, table, written.checked)
        write_atomically(self.folder / "MODEL_CARD.md", card.encode())
        write_atomically(self.folder / "use_model.py", use_script(table).encode())

    def _parity(self, written: Written) -> dict[str, Any]:
        config, checked = self.config, written.checked
        return {
            "format": "lathe-parity-1", "lathe": __version__, "model": self.source.name, "file": self.target.name,
            "bytes": written.path.stat().st_size, "original_bytes": self.source.path.stat().st_size,
            "export": {
                "format": config.format, "opset": config.opset if config.format == "onnx" else None,
                "precision": config.precision, "dynamic_size": written.dynamic_size, "height": self.size[0],
                "width": self.size[1], "normalisation": config.normalisation, "output": config.output,
            },
            "compared_on": self.images.words, "generated_images": self.images.generated,
            "calibrated_on": self.images.calibrated_words if config.precision == "int8" else None,
            **checked.to_dict(),
        }  # fmt: skip


__all__ = ["FILES", "INSTALL", "Export", "availability", "run"]
