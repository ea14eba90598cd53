"""Jobs that measure on a run's configuration: the learning rate, the batch size, and what this machine computes fastest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from src.core.config import Layer, Resolved, RunConfig, file_layer, nest, options, read_yaml, resolve
from src.core.dataset.contract import DescriptionCancelledError
from src.core.dataset.findings import DatasetError
from src.core.run import CommandInbox, EventWriter, RunFolder
from src.core.run.tuned import machine_key, measured
from src.jobs.in_folder import carry_out, failure
from src.tasks.catalog import load_task, task_info

#: A way of computing must be so much faster than the one that is used without measuring; compiling, which every run then
#: waits for at its start, by more.
GAIN, COMPILED_GAIN = 1.05, 1.1
STOPPED = {"status": "stopped", "cause": "Stopped by request.", "cure": ""}
#: Seconds that each number of workers is measured.
READING_S = 3.0


def run_tune(path: Path, kind: str, *, follow_parent: bool) -> int:
    """Measure with the configuration in ``path``; every ending is written to its log. Returns 0 unless it failed."""
    return carry_out(path, lambda *parts: TuneJob(kind, *parts), follow_parent=follow_parent)


def with_measured(resolved: Resolved[Any], device: str, torch_version: str) -> Resolved[Any]:
    """A configuration in which options that nobody set have the values that were measured on this machine."""
    if not resolved.config.training.machine_tuning:
        return resolved
    flat = resolved.flat()
    found = measured(machine_key(device, torch_version))
    open_to = {
        k: v for k, v in found.items() if k in flat and resolved.origins.get(k) == "default" and flat[k] != v
    }
    if not open_to:
        return resolved
    both = resolve(type(resolved.config), [Layer("default", nest(flat)), Layer("detected", nest(open_to))])
    return Resolved(both.config, {k: "detected" if k in open_to else v for k, v in resolved.origins.items()})


class TuneJob:
    """One measurement from its folder to its end.

    Attributes:
        ending: Status, cause and cure, once it is known.
    """

    def __init__(self, kind: str, folder: RunFolder, writer: EventWriter, inbox: CommandInbox) -> None:
        self.kind, self.folder, self.writer, self.inbox = kind, folder, writer, inbox
        self.ending: dict[str, Any] = {}
        self._result: dict[str, Any] = {}

    def run(self) -> None:
        """Read the data, build everything, measure, keep the result."""
        raw = read_yaml(self.folder.config)
        info = task_info(str(raw.get("task", "segmentation")))
        config: RunConfig = resolve(info.config, [file_layer(self.folder.config, info.config)]).config
        from src.core.run.progress import stages

        tell = stages(self.writer)
        if self.kind == "compile":
            config.training.compile = False  # it is measured both ways
        try:
            data = info.describe(
                config, tell, self._cancelled, store=False
            )  # only a training settles a split
        except DescriptionCancelledError:
            self.ending = STOPPED
            return
        if faults := [f for f in info.check(config, data) if f.severity == "error"]:
            raise DatasetError(faults)
        from src.core.engine.device import device_title
        from src.jobs.assemble import assemble

        trainer = assemble(config, load_task(info.id), data, self.folder, self.writer, self.inbox)
        self.writer.write(
            "job_started", job=f"tune {self.kind}", task=info.id, model=info.labels(config)[1],
            device=device_title(trainer.device), precision=trainer.precision.name,
        )  # fmt: skip
        try:
            self._result = getattr(self, f"_{self.kind}")(trainer, data, config, tell)
        finally:
            trainer.close()
        self.folder.write_json(self.folder.path / "result.json", self._result)
        self.ending = STOPPED if self._cancelled() else {"status": "completed", "cause": "", "cure": ""}

    def _cancelled(self) -> bool:
        return self.inbox.poll() is not None

    def _row(self, row: dict[str, Any]) -> None:
        self.writer.write("measured", kind=self.kind, row=row)

    def _lr(self, trainer: Any, data: Any, config: RunConfig, tell: Any) -> dict[str, Any]:
        from src.core.engine.tuning import rate_range

        found = rate_range(trainer, tell, self._cancelled, self._row)
        rate = found["suggestion"]
        said = (
            f"The loss falls fastest at a learning rate of {rate:.1e}: training.optimizer.learning_rate={rate:.1e}"
            if rate
            else "The loss never falls: look at the data, the loss and the masks before the learning rate."
        )
        values = {"training.optimizer.learning_rate": float(f"{rate:.1e}")} if rate else {}
        return {"kind": "lr", **found, "values": values, "said": [said]}

    def _batch(self, trainer: Any, data: Any, config: RunConfig, tell: Any) -> dict[str, Any]:
        from src.core.engine.tuning import batch_sizes

        found = batch_sizes(trainer, len(data.samples["train"]), tell, self._cancelled, self._row)
        size = found["suggestion"]
        said = [f"{row['batch_size']:>5} images: {row['images_per_second']:8.1f} images/s, {row['memory_mb']:7.0f} MB"
                for row in found["curve"]]  # fmt: skip
        said.append(f"The search ended because {found['ended']}.")
        if size:
            said.append(
                f"Nearly as fast as the fastest, and no larger than it need be: training.batch_size={size}"
            )
        values = {"training.batch_size": size} if size else {}
        device = trainer.device.type
        return {"kind": "batch", **found, "device_type": device, "values": values, "said": said}

    def _machine(self, trainer: Any, data: Any, config: RunConfig, tell: Any) -> dict[str, Any]:
        from src.core.engine.device import choose_precision
        from src.core.engine.tuning import computing, reading

        ways = computing(trainer, tell, self._cancelled, self._row)
        if not ways:
            return {"kind": "machine", "values": {}, "said": []}
        usual = choose_precision("auto", trainer.device).name
        now = next(
            (w for w in ways if w["training.precision"] == usual and w["training.channels_last"]), ways[0]
        )
        best = min(ways, key=lambda w: float(w["seconds"]))
        best = best if now["seconds"] / best["seconds"] >= GAIN else now
        values: dict[str, Any] = {k: best[k] for k in ("training.precision", "training.channels_last")}
        read: list[dict[str, Any]] = []
        if any(o.key == "data.workers" for o in options(type(config))) and not self._cancelled():
            read = reading(
                lambda n: self._loader(config, data, trainer.device, n), _worker_counts(), READING_S, tell,
                self._cancelled, self._row,
            )  # fmt: skip
            fastest = max(r["images_per_second"] for r in read)
            values["data.workers"] = next(
                r["data.workers"] for r in read if r["images_per_second"] >= fastest / GAIN
            )
        said = [f"{w['training.precision']}, channels {'last' if w['training.channels_last'] else 'first'}: "
                f"{w['seconds'] * 1e3:.1f} ms a step" for w in ways]  # fmt: skip
        said += [f"{r['data.workers']} workers: {r['images_per_second']:.1f} images/s" for r in read]
        return {"kind": "machine", "machine": _machine(trainer.device), "values": values, "computing": ways, "reading": read,
                "not_measured": _not_measured(trainer.device.type), "said": said}  # fmt: skip

    def _compile(self, trainer: Any, data: Any, config: RunConfig, tell: Any) -> dict[str, Any]:
        from src.core.engine.tuning import compiled

        rows, why = compiled(trainer, tell, self._cancelled, self._row)
        gain = rows[0]["seconds"] / rows[1]["seconds"] if len(rows) == 2 else 0.0
        values = {"training.compile": gain >= COMPILED_GAIN}
        said = [_compiled_words(row) for row in rows]
        return {"kind": "compile", "machine": _machine(trainer.device), "values": values, "compiling": rows, "gain": gain,
                "not_measured": [f"The network cannot be compiled here: {why.rstrip('.')}."] if why else [], "said": said}  # fmt: skip

    def _loader(self, config: RunConfig, data: Any, device: Any, workers: int) -> Any:
        asked = resolve(type(config), [Layer("default", config.model_dump(mode="json")),
                                       Layer("detected", nest({"data.workers": workers}))])  # fmt: skip
        task = load_task(config.task)(asked.config, data)
        task.prepare_data(lambda *_: None, self._cancelled, lambda _: None)
        return task.build_loaders(device)[0]

    def failure(self, error: Exception) -> dict[str, Any]:
        """The ending for an error of the measurement."""
        return failure(error, "measure again")

    def result(self) -> dict[str, Any]:
        """What it came to, for its last event."""
        return {
            k: self._result[k]
            for k in ("kind", "values", "said", "suggestion", "largest")
            if k in self._result
        }


def _compiled_words(row: dict[str, Any]) -> str:
    step = f"{row['seconds'] * 1e3:.1f} ms a step"
    if not row["training.compile"]:
        return f"as it is: {step}"
    return f"compiled: {step}, after compiling for {row['compile_seconds']:.0f} s"


def _machine(device: Any) -> str:
    import torch

    from src.core.engine.device import device_title

    return machine_key(device_title(device), torch.__version__)


def _not_measured(device_type: str) -> list[str]:
    """What does not apply to a device, in sentences."""
    if device_type == "cuda":
        return []
    what = "the processor" if device_type == "cpu" else "an Apple GPU"
    found = [
        f"float16 was not measured: this machine computes on {what}, and Lathe trains in float16 on NVIDIA GPUs only."
    ]
    if device_type == "cpu":
        found.append("There is no GPU: nothing has to be copied to one, and its memory is not measured.")
    return found


def _worker_counts() -> list[int]:
    """0, 1, 2, 4, … up to the number of cores."""
    cores = os.cpu_count() or 1
    return [0, *(n for n in (1, 2, 4, 8, 16) if n <= cores)]
