"""Predicting a long recording at 50 kHz: times real time, memory, and the ratio to the bare network.

Makes a few short recordings (impulses in noise), trains a model on them for one epoch, and makes a long one. Then the job
`predict` runs over it in a process of its own, whose memory is read from outside, every 20 ms: reading, the inputs of each
window, the network, the table over time, the report. Bare is the least that anybody could do: the network on the inputs of
some windows that lie ready in memory, in batches, nothing done with what it says. The inputs themselves are most of the work,
so a third number tells what computing them takes in one thread.

usage: python benchmarks/predict_signals.py [--seconds S] [--rate HZ] [--inputs a,b] [--repeats R] [--folder DIR] [--out DIR]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.envelope_speed import make, measured

RESULTS = Path(__file__).parent / "results"
SPEED = 1797.0
#: Windows of the bare network: enough for a second of its time.
WINDOWS = 512


def train(folder: Path, rate: int, inputs: list[str]) -> Path:
    """A run of one epoch on six short recordings."""
    from src.core.config import override_layer, resolve
    from src.core.run import create_run
    from src.jobs.train import run_training
    from src.tasks.bearing.description import BEARING
    from src.tasks.bearing.geometry import BEARINGS
    from src.tasks.bearing.signals import bearing_signal

    data, rng = folder / "data", np.random.default_rng(0)
    for part in ("inner", "outer", "ball"):
        (data / part).mkdir(parents=True, exist_ok=True)
        for number in range(2):
            signal = bearing_signal(BEARINGS["SKF 6205-2RS JEM"], part, SPEED, rate, 3, rng)
            np.save(data / part / f"{part}_{number}.npy", signal.astype(np.float32))
    words = [
        f"data.folder={data}", "data.facts.label=folder", f"data.facts.rate_hz={rate}", f"data.facts.speed_rpm={SPEED}",
        "data.bearing.kind=rolling", "data.bearing.model=SKF 6205-2RS JEM", "data.split.val_fraction=0.5", "training.epochs=1",
        "training.device=cpu", "monitoring.preview_samples=0", f"runs_dir={folder / 'runs'}", "inputs.lines=false",
        *(f"inputs.{name}=true" for name in inputs),
    ]  # fmt: skip
    run = create_run(resolve(BEARING.config, [override_layer(words, BEARING.config)]), BEARING)
    if run_training(run.path, resume=False, follow_parent=False, signals=False):
        raise SystemExit(f"The model could not be trained; see {run.log}.")
    return run.path


def work(run: Path, path: Path, rate: int, out: Path) -> None:
    """In this process: the job; prints a line of JSON."""
    from src.jobs import face

    told = 0

    def progress(done: int, total: int, what: str) -> None:
        nonlocal told
        told += 1

    options: dict[str, Any] = {"recordings.facts.rate_hz": rate, "recordings.facts.speed_rpm": SPEED}
    begin, worked = time.perf_counter(), time.process_time()
    face.do("predict", run, files=[path], out=out, progress=progress, **options)
    seconds, worked = time.perf_counter() - begin, time.process_time() - worked
    with next(iter((out / "windows").glob("*.csv"))).open() as stream:
        windows = sum(1 for _ in stream) - 1
    print(json.dumps({"seconds": seconds, "cpu_seconds": worked, "windows": windows, "told": told}))


def bare(run: Path, path: Path, rate: int, repeats: int) -> tuple[float, float]:
    """Seconds a window: of the network on inputs in memory, with all cores; and of the inputs, in one thread."""
    import torch

    from src.core.config.job import ComputeConfig
    from src.tasks.bearing.jobs.answering import Answerer, source_of

    answerer = Answerer(source_of(str(run), "best"), ComputeConfig(device="cpu"))
    length, hop = answerer.shape.length, answerer.shape.hop
    signal = np.load(path, mmap_mode="r")[: length + (WINDOWS - 1) * hop]
    windows = np.lib.stride_tricks.sliding_window_view(signal, length)[::hop]
    begin = time.perf_counter()
    rows = [answerer.maker(window, SPEED) for window in windows]
    of_inputs = (time.perf_counter() - begin) / len(rows)
    size = 32
    batches = [
        {name: torch.from_numpy(np.stack([r[name] for r in rows[k : k + size]])) for name in answerer.maker.names}
        for k in range(0, len(rows), size)
    ]  # fmt: skip
    times = []
    for _ in range(1 + repeats):
        begin = time.perf_counter()
        with torch.inference_mode(), answerer.precision.context(answerer.device):
            for batch in batches:
                answerer.network(batch)
        times.append((time.perf_counter() - begin) / len(rows))
    return statistics.median(times[1:]), of_inputs


def row_of(options: argparse.Namespace, folder: Path, path: Path, inputs: list[str]) -> dict[str, Any]:
    """One line of the table."""
    run = train(folder / "_".join(inputs), options.rate, inputs)
    network, made = bare(run, path, options.rate, options.repeats)
    found = []
    for number in range(options.repeats):
        out = folder / f"{'_'.join(inputs)}_{number}"
        found.append(measured([sys.executable, __file__, "--work", str(run), str(path), str(out),
                               "--rate", str(options.rate)]))  # fmt: skip
    seconds = statistics.median(said["seconds"] for said, _ in found)
    worked = statistics.median(said["cpu_seconds"] for said, _ in found)
    windows = int(found[0][0]["windows"])
    return {
        "inputs": "+".join(inputs), "recording_s": options.seconds, "rate_hz": options.rate, "windows": windows,
        "seconds": round(seconds, 2), "times_real_time": round(options.seconds / seconds),
        "cpu_seconds": round(worked, 2),
        "bare_network_times_real_time": round(options.seconds / windows / network),
        "inputs_one_thread_times_real_time": round(options.seconds / windows / made),
        "ratio_to_bare": round(network * windows / seconds, 4), "peak_mb": round(max(memory for _, memory in found)),
        "progress_reports": int(found[0][0]["told"]),
    }  # fmt: skip


def main() -> None:
    """Run, print and write a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--rate", type=int, default=50_000)
    parser.add_argument("--inputs", default="lines,raw,stft", help="a model each")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--work", nargs=3, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        run, path, out = options.work
        work(run, path, options.rate, out)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        os.environ["LATHE_WORKSPACE"] = str(folder / "workspace")
        path = folder / "recording.npy"
        make(path, options.rate, options.seconds)
        rows = []
        for inputs in options.inputs.split(","):
            rows.append(row_of(options, folder, path, [inputs]))
            print(rows[-1], flush=True)
    import torch

    options.out.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.system()}-{platform.machine()}-{os.cpu_count()}cores"
    target = options.out / f"predict_signals_{machine}_torch{torch.__version__.split('+')[0]}.csv"
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(target)


if __name__ == "__main__":
    main()
