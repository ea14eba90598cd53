"""Commands on runs: train, resume, stop, runs, demo."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from src.cli.data import build_layers, make_sample_set
from src.cli.follow import follow
from src.core.config import ConfigError, Resolved, RunConfig, dump_yaml, file_layer, override_layer, resolve
from src.core.report.text import typed
from src.core.run import (
    TITLES,
    ChildProcess,
    RunFolder,
    RunFolderError,
    RunSummary,
    commands,
    create_run,
    default_runs_dir,
    list_runs,
    process_alive,
    settle,
    summarise,
    workspace,
)  # fmt: skip
from src.core.run.folder import write_atomically
from src.core.run.places import Place, place_here
from src.core.run.process import program
from src.core.task_info import TaskInfo
from src.tasks.catalog import task_info

Result = tuple[int, dict[str, Any]]


def _finished(summary: RunSummary) -> Result:
    refused = any(e.get("refused") for e in summary.history[-1:])
    return (1 if refused or summary.state in ("failed", "killed") else 0), summary.as_json()


def _carry_out(folder: RunFolder, arguments: argparse.Namespace, resume: bool = False) -> Result:
    if getattr(arguments, "detach", False):
        ChildProcess(folder, detached=True, resume=resume).start()
        print(f"Started: {folder.path}", file=sys.stderr)
        return 0, {"status": "started", "run": str(folder.path)}
    return _finished(follow(ChildProcess(folder, detached=False, resume=resume), silent=arguments.json))


def train(arguments: argparse.Namespace) -> Result:
    """``train CONFIG key=value…``: a new run."""
    if (place := place_here()) is not None and place.rank:
        return _other_device(place)
    info, resolved = build_layers(arguments.words, arguments.preset, arguments.task)
    if arguments.dry_run:
        return _dry_run(info, resolved, arguments.json)
    return _carry_out(create_run(resolved, info), arguments)


def _other_device(place: Place) -> Result:
    """torchrun and srun start this command once for each device: all but the first compute, and the first tells them what."""
    # its standard input ends when this process does, and it ends then too
    with subprocess.Popen([*program(), "_job", "device"], stdin=subprocess.PIPE) as child:
        code = child.wait()
    return (1 if code else 0), {"status": "failed" if code else "completed", "device": place.words()}


def _dry_run(info: TaskInfo, resolved: Resolved[Any], silent: bool) -> Result:
    data = info.describe(resolved.config)
    findings = info.check(resolved.config, data) + info.refused(resolved.config)
    if not silent:
        print(dump_yaml(resolved))
        print(data.summary())
        for finding in findings:
            print(finding)
    faults = any(f.severity == "error" for f in findings)
    result = {"status": "refused" if faults else "ready", "findings": [f.to_dict() for f in findings],
              "config": resolved.config.model_dump(mode="json")}  # fmt: skip
    return (2 if faults else 0), result


def _wait_for_end(folder: RunFolder, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process_alive(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def resume(arguments: argparse.Namespace) -> Result:
    """``resume RUN key=value…``: go on with a run; changed options are noted in its configuration."""
    if (place := place_here()) is not None and place.rank:
        return _other_device(place)
    folder = RunFolder.open(arguments.run)
    asked = folder.read_json(folder.command).get("command") in ("stop", "pause")
    if not _wait_for_end(folder, 60.0 if asked else 0.5):
        raise RunFolderError(
            f"The run {folder.name} is still running. Stop it first: {typed('stop', arguments.run)}."
        )
    if arguments.pairs:
        _change(folder, arguments.pairs)
    return _carry_out(folder, arguments, resume=True)


def _change(folder: RunFolder, pairs: list[str]) -> None:
    """Write changed options into the run's configuration, and keep the one before under another name."""
    before = file_layer(folder.config, RunConfig)
    info = task_info(str(before.values.get("task", "segmentation")))
    changed = override_layer(pairs, info.config)
    fresh = resolve(info.config, [file_layer(folder.config, info.config), changed])
    number = 1 + len(list(folder.path.glob("config.before-*.yaml")))
    kept = folder.path / f"config.before-{number}.yaml"
    write_atomically(kept, folder.config.read_bytes())
    write_atomically(folder.config, dump_yaml(fresh).encode())
    print(f"The configuration was changed; the one before is kept as {kept.name}.", file=sys.stderr)


def stop(arguments: argparse.Namespace) -> Result:
    """``stop RUN``: ask the job to end and wait for it."""
    folder = RunFolder.open(arguments.run)
    summary = summarise(folder)
    if not summary.alive:
        print(f"{folder.name} is not running: {TITLES[summary.state].lower()}.", file=sys.stderr)
        return 0, summary.as_json()
    if arguments.kill:
        _kill(folder)
    else:
        commands.send(
            folder, "finish_epoch" if arguments.finish_epoch else "pause" if arguments.pause else "stop"
        )
    if not _wait_for_end(folder, arguments.wait):
        print("It was asked to stop and has not ended yet; “stop --kill” ends it at once.", file=sys.stderr)
    summary = summarise(folder)
    print(f"{folder.name}: {TITLES[summary.state].lower()}. {summary.cause}".rstrip(), file=sys.stderr)
    return 0, summary.as_json()


def _kill(folder: RunFolder) -> None:
    import psutil

    try:
        psutil.Process(int(folder.read_json(folder.job)["pid"])).kill()
    except (psutil.Error, KeyError, ValueError) as error:
        raise RunFolderError(f"The process of {folder.name} could not be ended: {error}.") from None
    _wait_for_end(folder, 10.0)
    settle(folder, "Killed by request.", "Resume goes on from the last checkpoint.")


def runs(arguments: argparse.Namespace) -> Result:
    """``runs``: a line a run, the newest first."""
    root = arguments.folder or default_runs_dir()
    folders = [RunFolder(root)] if (root / "config.yaml").is_file() else list_runs(root)
    found = [summarise(folder) for folder in folders]
    if not arguments.json:
        if not found:
            print(f"There are no runs in {root}.")
        wide = max([14, *(len(run.title) for run in found)])
        for run in found:
            best = f"{run.metric} {run.best_value:.4f}" if run.best_value is not None else ""
            print(f"{run.folder.name:<52} {run.title:<{wide}} {run.epoch:>4}/{run.epochs:<4} {best}")
    return 0, {"status": "ok", "folder": str(root), "runs": [run.as_json() for run in found]}


def has_screen() -> tuple[bool, str]:
    """Whether a window can be opened: tried in a process of its own, since Qt aborts the process where it cannot."""
    import os

    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False, "there is no screen (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return False, "Qt is set to draw offscreen"
    probe = [sys.executable, "-c", "from PyQt5.QtWidgets import QApplication; QApplication([])"]
    if getattr(sys, "frozen", False):
        return True, ""
    try:
        done = subprocess.run(probe, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return False, "the screen does not answer"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return done.returncode == 0, lines[-1] if lines else f"Qt ended with code {done.returncode}"


def demo(arguments: argparse.Namespace) -> Result:
    """``demo``: sample data, a run on them, and the window that shows it where there is a screen."""
    folder: Path = arguments.folder or workspace() / "sample-data"
    make_sample_set(folder, seed=0, parts=30, silent=arguments.json)
    info, resolved = build_layers([str(folder / "lathe.yaml")], "default", "")
    run = create_run(resolved, info)
    screen, reason = (False, "") if arguments.terminal or arguments.json else has_screen()
    if not screen:
        if reason:
            print(f"The run is shown here in the terminal: {reason}.", file=sys.stderr)
        return _carry_out(run, arguments)
    from src.ui.application import run_desktop

    ChildProcess(run, detached=True).start()
    code = run_desktop([], open_run=run)
    return code, summarise(run).as_json()


__all__ = ["ConfigError", "demo", "has_screen", "resume", "runs", "stop", "train"]
