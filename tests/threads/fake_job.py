"""Stands in for the program: a child process that writes events and ends in the way that $FAKE_JOB names."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import psutil


class Writer:
    """The event log, written without the program's own code, which would take longer to import than a test
    lasts.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "events.jsonl"
        self.number = self.path.read_bytes().count(b"\n") if self.path.exists() else 0

    def write(self, type: str, **fields: Any) -> None:
        self.number += 1
        line = {"v": 1, "n": self.number, "t": time.time(), "type": type, **fields}
        with self.path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, separators=(",", ":")) + "\n")


class Inbox:
    """Commands to this job."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "command.json"
        self.given = ""

    def poll(self) -> str:
        try:
            return self.given or str(json.loads(self.path.read_text("utf-8"))["command"])
        except (OSError, ValueError):
            return ""


def claim(folder: Path) -> None:
    """Note that this process works on the run."""
    me = {"pid": os.getpid(), "create_time": psutil.Process().create_time(), "host": socket.gethostname()}
    (folder / "job.json").write_text(json.dumps(me), "utf-8")


def epoch(writer: Writer, number: int, metric: float | None = 0.5) -> None:
    """The events of one epoch with three batches in each phase."""
    writer.write("epoch_started", epoch=number, epochs=3)
    for phase in ("train", "val"):
        for batch in (1, 2, 3):
            writer.write(
                "batch_progress",
                epoch=number,
                phase=phase,
                batch=batch,
                batches=3,
                loss=1.0 / batch,
                terms={"dice": 0.5},
                lr=1e-3,
                per_second=40.0,
            )
    writer.write(
        "epoch_completed",
        epoch=number,
        train_loss=1.0 / number,
        val_loss=None if metric is None else 2.0 / number,
        metrics={"iou": metric, "dice": 0.6},
        lr=1e-3,
        seconds={"train": 0.1, "validation": 0.05},
        is_best=True,
        best_value=metric,
        best_epoch=number,
    )


def end(writer: Writer, status: str, done: int, cause: str = "", cure: str = "") -> None:
    """The last event."""
    writer.write(
        "run_ended",
        status=status,
        cause=cause,
        cure=cure,
        epoch=done,
        best_value=0.5 if done else None,
        best_epoch=done or None,
        checkpoint="checkpoints/best.safetensors" if done else None,
        model=None,
        report=None,
    )


def wait_for_command(inbox: Inbox) -> str:
    """Until a command comes; a signal counts as stop."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if command := inbox.poll():
            return command
        time.sleep(0.02)
    sys.exit("no command came")


def train(mode: str, folder: Path, resumed: bool) -> int:
    """One run."""
    if mode == "silent":
        print("out of luck", file=sys.stderr)
        return 3
    inbox = Inbox(folder)
    signal.signal(
        signal.SIGTERM, signal.SIG_IGN if mode == "deaf" else lambda *_: setattr(inbox, "given", "stop")
    )
    claim(folder)
    writer = Writer(folder)
    writer.write(
        "run_started",
        attempt=2 if resumed else 1,
        resumed=resumed,
        epoch=2 if resumed else 1,
        step=0,
        task="segmentation",
        epochs=3,
        metric="iou",
        mode="max",
        class_names=["background", "object"],
    )
    if mode == "waits":  # for a command, before the first batch
        wait_for_command(inbox)
        end(writer, "stopped", 0)
        return 0
    first = 2 if resumed else 1
    for number in range(first, 2 if mode in ("obeys", "deaf", "dies") else 4):
        epoch(writer, number, None if mode == "nan" and number == 2 else 0.5)
    if mode == "obeys":
        command = wait_for_command(inbox)
        end(writer, {"pause": "paused"}.get(command, "stopped"), 1)
    elif mode in ("deaf", "dies"):
        time.sleep(60)
    elif mode == "fails":
        end(writer, "failed", 3, "The disk is full.", "Free some space, then resume.")
        return 1
    elif mode == "early":
        end(writer, "stopped_early", 3, "No better value for 2 epochs.")
    else:
        end(writer, "completed", 3)
    return 0


def check(mode: str) -> int:
    """One check of a data set."""
    if mode == "silent":
        print("out of luck", file=sys.stderr)
        return 3
    print("a word of some library", flush=True)
    print(json.dumps({"progress": [1, 4, "Reading images"]}), flush=True)
    if mode == "dies":
        time.sleep(60)
    if mode == "fails":
        print(json.dumps({"error": "The folder is empty."}), flush=True)
        return 0
    if named := os.environ.get("FAKE_ANSWER"):
        print(json.dumps(json.loads(Path(named).read_text("utf-8"))), flush=True)
        return 0
    if many := int(os.environ.get("FAKE_ROWS", "0")):
        for first in range(0, many, 100):
            rows = [[f"{k}.png", f"/images/{k}.png", None, "", [0], 8, 8] for k in range(first, first + 100)]
            print(json.dumps({"samples": "train", "rows": rows}), flush=True)
        print(json.dumps({"finding": {"severity": "notice", "message": "One."}}), flush=True)
    answer = {
        "description": {"splits": {"train": 3, "val": 1}},
        "findings": [],
        "resolved": {"data.masks.meaning": "binary"},
    }
    print(json.dumps(answer), flush=True)
    return 0


def work(mode: str, folder: Path) -> int:
    """One job with a trained model."""
    if mode == "silent":
        print("out of luck", file=sys.stderr)
        return 3
    inbox = Inbox(folder)
    signal.signal(signal.SIGTERM, lambda *_: setattr(inbox, "given", "stop"))
    claim(folder)
    writer = Writer(folder)
    writer.write("job_started", model="fake", device="CPU", precision="fp32")
    writer.write("stage", what="Working", done=1, total=2)
    status = "completed"
    if mode in ("waits", "fails"):
        status = "stopped" if mode == "waits" and wait_for_command(inbox) else "failed"
    writer.write(
        "run_ended",
        status=status,
        cause="It broke." if status == "failed" else "",
        cure="Mend it.",
        said=["Done."],
    )
    return int(status == "failed")


if __name__ == "__main__":
    _, _, verb, target, *rest = sys.argv
    how = os.environ["FAKE_JOB"]
    if verb == "work" or verb.startswith("tune-"):
        sys.exit(work(how, Path(target)))
    sys.exit(check(how) if verb == "check" else train(how, Path(target), "--resume" in rest))
