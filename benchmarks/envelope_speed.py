"""Time and memory of cutting an hour of a 50 kHz recording into windows and of computing its envelope.

Makes a recording (impulses in noise) as ``.npy``, then goes through it in a process of its own: reads it piece by piece,
computes the envelope of a band, cuts both into windows of one second with half overlap. Resident memory is read from
outside, every 20 ms. The aims: 200 times real time on two cores, and less than 1 GB.

usage: python benchmarks/envelope_speed.py [--seconds S] [--rate HZ] [--band LOW HIGH] [--workers N] [--folder DIR]
       [--out DIR]
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RESULTS = Path(__file__).parent / "results"


def make(path: Path, rate: int, seconds: int) -> None:
    """One recording, written minute by minute."""
    from src.tasks.bearing.geometry import BEARINGS
    from src.tasks.bearing.signals import bearing_signal

    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rate * seconds,))
    rng = np.random.default_rng(0)
    bearing = BEARINGS["SKF 6205-2RS JEM"]
    for start in range(0, seconds, 60):
        some = min(60, seconds - start)
        file[start * rate : (start + some) * rate] = bearing_signal(bearing, "outer", 1797, rate, some, rng)
    file.flush()


def work(path: Path, rate: int, band: tuple[float, float] | None, workers: int) -> None:
    """In this process: the envelope and the windows; prints a line of JSON."""
    from src.tasks.bearing.signals import stream_envelope, stream_windows

    file = np.load(path, mmap_mode="r")
    told = 0

    def progress(done: int, of: int) -> None:
        nonlocal told
        told += 1
        print(f"{done / of:.1%}", file=sys.stderr)

    def read(start: int, stop: int) -> np.ndarray:
        # Opened anew for each piece: pages of a map that stays open count as memory of this process
        with path.open("rb") as stream:
            stream.seek(file.offset + start * 4)
            return np.fromfile(stream, np.float32, stop - start)

    begin = time.perf_counter()
    pieces = stream_envelope(read, len(file), rate, band, workers=workers, progress=progress)
    windows, total = 0, 0.0
    for _, cut in stream_windows(pieces, rate, rate // 2):
        windows += len(cut)
        total += float(np.einsum("ij,ij->", cut, cut))
    seconds = time.perf_counter() - begin
    print(
        json.dumps(
            {"seconds": seconds, "windows": windows, "rms": (total / windows / rate) ** 0.5, "told": told}
        )
    )


def measured(command: list[str]) -> tuple[dict[str, float], float]:
    """What the process printed, and its greatest resident memory in MB."""
    most = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                most = max(most, watched.memory_info().rss)
            except psutil.Error:
                break
            time.sleep(0.02)
        assert process.stdout is not None
        said = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"The run ended with {process.returncode}.")
    return json.loads(said), most / 1e6


def main() -> None:
    """Run, print and write a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--rate", type=int, default=50_000)
    parser.add_argument("--band", type=float, nargs=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args.work, args.rate, tuple(args.band) if args.band else None, args.workers)
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder) / "recording.npy"
        make(path, args.rate, args.seconds)
        rows = []
        for band in (None, (5000.0, 20_000.0)) if not args.band else (tuple(args.band),):
            command = [
                sys.executable, __file__, "--work", str(path), "--rate", str(args.rate), "--workers", str(args.workers),
                *(["--band", *map(str, band)] if band else []),
            ]  # fmt: skip
            said, memory = measured(command)
            edges = "-".join(f"{edge:g}" for edge in band or (0, args.rate / 2))
            rows.append(
                {
                    "recording_s": args.seconds, "rate_hz": args.rate, "band_hz": edges,
                    "workers": args.workers, "windows": int(said["windows"]), "seconds": round(said["seconds"], 2),
                    "times_real_time": round(args.seconds / said["seconds"]), "peak_mb": round(memory),
                    "progress_reports": int(said["told"]),
                }
            )  # fmt: skip
            print(rows[-1])
    args.out.mkdir(parents=True, exist_ok=True)
    name = f"envelope_speed_{platform.system()}-{platform.machine()}-{psutil.cpu_count()}cores_numpy{np.__version__}.csv"
    with (args.out / name).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
