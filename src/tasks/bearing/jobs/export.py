"""The export of a model of recordings: written, run by its own runtime, compared, described."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from src.core.dataset.findings import Finding
from src.core.exporting import __version__
from src.core.exporting.formats import FILES, RUNTIMES, check
from src.core.exporting.onnx_runner import OnnxRunError, seconds_of
from src.core.exporting.parity import Comparison, latency, limits_for
from src.core.exporting.torch_files import ExportError, FreeAxes
from src.core.exporting.writing import (
    CURES,
    Run,
    Timed,
    free_folder,
    running,
    settle,
    write_form,
    write_json,
)
from src.core.job import Job, JobError
from src.core.report.text import count
from src.core.run.folder import write_atomically
from src.core.run.model_source import ModelSource
from src.tasks.bearing.jobs.answering import source_of
from src.tasks.bearing.jobs.export_config import ExportConfig
from src.tasks.bearing.jobs.export_papers import class_table, metadata, model_card
from src.tasks.bearing.jobs.export_script import unsupported, use_script
from src.tasks.bearing.jobs.export_windows import Piece, Windows, find_windows
from src.tasks.bearing.loaded import LoadedModel, load_model

Feed = dict[str, np.ndarray]
_SCRIPT = "use_model.py"


def run(job: Job) -> dict[str, Any]:
    """Write the model of ``job.config``, compare it with the original, and describe it.

    In the folder: the model, ``parity.json``, ``classes.json``, ``MODEL_CARD.md`` and, where numpy alone can compute the
    model's inputs, ``use_model.py``. Files that are there already stay: then all goes into a numbered folder inside.

    Raises:
        JobError: It cannot be written, or it disagrees with the original: then its name ends in ``.refused``.
    """
    config: ExportConfig = job.config
    for fault in check(config):
        if fault.severity == "error":
            raise JobError(fault.message, fault.cure)
        job.note(fault)
    job.progress(0, 0, "Loading the model")
    source = source_of(config.model, config.checkpoint)
    loaded = load_model(source)
    folder = free_folder(job.folder.path, FILES[config.format])
    export = _Export(job, config, source, loaded, folder)
    try:
        return export.run()
    except (ExportError, OnnxRunError) as error:
        raise JobError(f"The model was not exported. {error}", "Choose another format or opset.") from error
    except OSError as error:
        raise JobError(f"The export cannot be written to {folder}: {error.strerror or error}.",
                       "Choose another folder, or make room and mend its permissions.") from error  # fmt: skip
    finally:
        export.beside.unlink(missing_ok=True)


class ExportGraph(nn.Module):
    """The network from its inputs, by name, to what the export gives: N×K float32."""

    def __init__(self, network: nn.Module, several: bool, output: str, half: bool) -> None:
        super().__init__()
        self.network = network.half() if half else network
        self.several, self.output, self.half_network = several, output, half
        self.eval().requires_grad_(False)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """See the class."""
        if self.half_network:
            inputs = {name: value.half() for name, value in inputs.items()}
        logits: Tensor = self.network(inputs).float()
        if self.output == "logits":
            return logits
        return logits.sigmoid() if self.several else logits.softmax(1)


class _Export:
    """One export.

    Attributes:
        beside: The unfinished file.
    """

    def __init__(
        self, job: Job, config: ExportConfig, source: ModelSource, loaded: LoadedModel, folder: Path
    ) -> None:
        self.job, self.config, self.source, self.loaded, self.folder = job, config, source, loaded, folder
        self.beside = folder / f".unfinished-{FILES[config.format]}"
        self.windows: Windows = find_windows(source, loaded.shape, loaded.maker)
        self.threads = config.cpu_threads or max(1, torch.get_num_threads())
        self.table = class_table(source, loaded, config)
        self.script = (
            "" if unsupported(loaded.maker, loaded.shape.length) else use_script(loaded.maker, self.table)
        )
        self._by_script = _inputs_of(self.script) if self.script else None

    def run(self) -> dict[str, Any]:
        """See the module's `run`."""
        config, loaded = self.config, self.loaded
        self.job.started(
            model=self.source.name, device="CPU", precision=config.precision, items=config.check_windows
        )
        said = self._doubts()
        self.job.progress(0, 0, "Tracing the network")
        graph = ExportGraph(
            copy.deepcopy(loaded.network).float(), loaded.several, config.output, config.precision == "fp16"
        )
        pieces = list(
            self.windows.pieces(self.windows.checked, config.check_windows, loaded.maker.needs_speed())
        )
        if len(pieces) < 2:
            raise JobError(
                "None of the windows to compare on can be read.", "Repair the files, or move them away."
            )
        example = _tensors(_joined([self._made(p) for p in pieces[:2]]))
        axes = FreeAxes({name: {0: "batch"} for name in loaded.maker.names}, {0: "batch"})
        write_form(
            graph, example, self.beside, form=config.format, axes=axes, output=config.output,
            about=metadata(self.source, self.table), opset=config.opset,
            calibration=self._calibration() if config.precision == "int8" else None,
        )  # fmt: skip
        with running(self.beside, config.format, self.threads, self.job.go_on) as (run_it, about, timed):
            comparison = self._compare(pieces, run_it)
            times = self._times(pieces[0], run_it, timed)
        limits = limits_for(config.precision, config.tolerance / 100 if config.tolerance else None)
        objections = comparison.objections(limits)
        parity = self._parity(comparison, limits, objections, times, about)
        write_json(self.folder / "classes.json", self.table)
        target = settle(
            self.folder,
            self.beside,
            config.format,
            parity,
            objections,
            CURES[config.precision].format(many="windows"),
        )
        found = _sentences(comparison, times, bool(self.script))
        card = model_card(self.source, loaded, self.table, found)
        write_atomically(self.folder / "MODEL_CARD.md", card.encode())
        if self.script:
            write_atomically(self.folder / _SCRIPT, self.script.encode())
        said += [f"{target} was written ({target.stat().st_size / 1e6:.2f} MB).", *found]
        return {"said": said, "model": str(target), "folder": str(self.folder), "parity": parity}

    def _doubts(self) -> list[str]:
        said = []
        if self.windows.generated:
            text = "The recordings of this model's run are not there any more; the export is compared on drawn windows."
            if self.source.run is None:
                text = "This model file belongs to no run; the export is compared on drawn windows."
            cure = "Put the recordings back to compare on real ones."
            self.job.note(Finding("warning", "export.generated", text, cure))
            said.append(text)
        if what := unsupported(self.loaded.maker, self.loaded.shape.length):
            text = f"There is no use_model.py: {what} is not computed by numpy alone."
            cure = "Compute the inputs with Lathe (src.tasks.bearing.inputs); classes.json says with which options."
            self.job.note(Finding("notice", "export.no_script", text, cure))
            said.append(f"{text} {cure}")
        return said

    def _made(self, piece: Piece) -> Feed:
        return self.loaded.maker(piece.samples, piece.speed)

    def _calibration(self) -> Iterator[Feed]:
        needs = self.loaded.maker.needs_speed()
        for done, piece in enumerate(
            self.windows.pieces(self.windows.calibrated, self.config.calibration_windows, needs)
        ):
            self.job.progress(done, self.config.calibration_windows, "Measuring ranges for 8 bits")
            yield _joined([self._made(piece)])

    def _original(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        with torch.inference_mode():
            logits = self.loaded.network(_tensors(feed))
        assert isinstance(logits, Tensor)
        found: np.ndarray = (logits.sigmoid() if self.loaded.several else logits.softmax(1)).numpy()
        return found

    def _compare(self, pieces: list[Piece], run_it: Run) -> Comparison:
        """The original with Lathe's inputs against the file with those of the script, the first two at once."""
        comparison = Comparison(units="windows", whole="window")
        groups = [pieces[:2], *([piece] for piece in pieces[2:])]
        made = self._by_script or (lambda samples, speed: self.loaded.maker(samples, speed))
        for done, group in enumerate(groups):
            self.job.progress(done, len(groups), "Comparing with the original")
            expected = self._original(_joined([self._made(p) for p in group]))
            found = run_it(_joined([made(p.samples, p.speed) for p in group]))
            if self.config.output == "logits":
                values = torch.from_numpy(found)
                found = (values.sigmoid() if self.loaded.several else values.softmax(1)).numpy()
            comparison.add(group[0].name, self._classes(expected), self._classes(found), expected, found)
        comparison.images = len(pieces)
        return comparison

    def _classes(self, probabilities: np.ndarray) -> np.ndarray:
        """Class numbers N; of several faults at once which of them, as a number."""
        if self.loaded.several:
            return (probabilities > 0.5) @ (1 << np.arange(probabilities.shape[1]))
        return np.asarray(probabilities.argmax(1))

    def _times(self, piece: Piece, run_it: Run, timed: Timed | None) -> dict[str, Any]:
        runs, before = self.config.latency_runs, torch.get_num_threads()
        feed = _joined([self._made(piece)])
        self.job.progress(0, 0, "Measuring times")
        torch.set_num_threads(self.threads)
        try:
            original = seconds_of(lambda: self._original(feed), runs)
            export = timed(feed, runs) if timed is not None else seconds_of(lambda: run_it(feed), runs)
        finally:
            torch.set_num_threads(before)
        return {
            "original": latency(original),
            "export": latency(export),
            "threads": self.threads,
            "device": "CPU",
        }

    def _parity(
        self,
        comparison: Comparison,
        limits: Any,
        objections: list[str],
        times: dict[str, Any],
        about: dict[str, Any],
    ) -> dict[str, Any]:
        config = self.config
        runtime = {
            key: value
            for key, value in about.items()
            if key in ("runtime", "onnxruntime", "torch", "providers")
        }
        return {
            "format": "lathe-parity-1", "lathe": __version__, "model": self.source.name, "file": FILES[config.format],
            "bytes": self.beside.stat().st_size, "original_bytes": self.source.path.stat().st_size,
            "export": {"format": config.format, "opset": config.opset if config.format == "onnx" else None,
                       "precision": config.precision, "output": config.output, "inputs": self.table["inputs"],
                       "script": bool(self.script)},
            "compared_on": self.windows.words, "generated_images": self.windows.generated,
            "calibrated_on": self.windows.calibrated_words if config.precision == "int8" else None,
            "agrees": not objections, "objections": objections,
            "limits": {"largest_difference": limits.largest, "share_of_pixels": limits.share, "iou_lost": None},
            **comparison.to_dict(), "latency": times, "runtime": runtime,
        }  # fmt: skip


def _inputs_of(script: str) -> Callable[[np.ndarray, float], Feed]:
    """The function ``inputs`` of a script that was just made; its main part is not run."""
    space: dict[str, Any] = {"__name__": "use_model", "__file__": _SCRIPT}
    exec(compile(script, _SCRIPT, "exec"), space)  # our own text, which nobody had in hand
    made: Callable[[np.ndarray, float], Feed] = space["inputs"]
    return made


def _joined(rows: list[Feed]) -> Feed:
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _tensors(feed: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in feed.items()}


def _sentences(comparison: Comparison, times: dict[str, Any], by_script: bool) -> list[str]:
    c = comparison
    with_script = " with the inputs that use_model.py computes" if by_script else ""
    said = [
        f"Compared on {c.images} windows{with_script}: {c.differing} of {c.pixels} ({c.share:.3%}) have another class."
    ]
    said.append(f"The largest difference of a probability is {c.largest:.2g}.")
    before, after = times["original"]["median_ms"], times["export"]["median_ms"]
    said.append(
        f"Time for one window: {before:.2f} ms before, {after:.2f} ms after (CPU, {count(times['threads'], 'thread')})."
    )
    return said


__all__ = ["FILES", "RUNTIMES", "run"]
