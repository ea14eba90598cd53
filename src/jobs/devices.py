"""A run on several devices: what the first one's process does beside training, and what the processes of the others do."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from src.core.config import RunConfig
from src.core.config.libraries import missing
from src.core.run import CheckpointIndex, RunFolder
from src.core.run.device_processes import CUT_OFF, FAILED, DeviceLostError, DeviceProcesses
from src.core.run.places import Place, environment_of, free_ports, place_here
from src.tasks.catalog import load_task, task_info


class DevicesError(RuntimeError):
    """The run cannot be trained on several devices here; ``cure`` says what to do."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


def place_of_first(config: RunConfig) -> Place | None:
    """The place of the process that writes the run folder; None where the run has one device.

    torchrun and srun say how many devices there are; otherwise the configuration does.
    """
    found = place_here()
    if found is not None:
        return found
    count = config.training.devices
    if count == 0:
        import torch

        count = torch.cuda.device_count() if config.training.device in ("auto", "cuda") else 1
    return Place(0, count, 0, count, 0, 1, "lathe") if count > 1 else None


class Company:
    """The devices of a run, from the side of the first one's process.

    Attributes:
        group: What the loop asks of them.
    """

    def __init__(
        self, config: RunConfig, folder: RunFolder, resume: bool, give_up: Callable[[DeviceLostError], None]
    ) -> None:
        """Meet the others; where nobody else has started them, start them first.

        Args:
            config, folder, resume: Of the run.
            give_up: Called from another thread when a device is lost and the computation waits for it for ever.

        Raises:
            DevicesError, DeviceError: There are fewer devices, or what it takes is not installed.
        """
        from src.core.engine.devices.group import ALONE, Group

        self.group: Group = ALONE
        self._processes: DeviceProcesses | None = None
        self._kept: Any = None
        place = place_of_first(config)
        if place is None:
            return
        if absent := missing("lightning-fabric"):
            what, _, cure = absent.partition(". ")
            raise DevicesError(f"Training on several devices needs a library: {what}.", f"{cure}.")
        from src.core.engine.devices.connecting import connect, local_device
        from src.core.engine.devices.meeting import announce

        device = local_device(place, config.training.device)
        if place.launcher == "lathe":
            port = free_ports()
            os.environ.update(environment_of(place, "127.0.0.1", port))
            self._processes = DeviceProcesses(place.size, port, give_up)
        try:
            self._kept = announce(place, folder.path, resume)
            if self._processes is not None:
                self._processes.start()
            self.group = connect(place, device, config.training.strategy)
        except BaseException:
            self.close(at_once=True)
            raise

    def cause(self, error: Exception) -> Exception:
        """What is behind an error of the computation: a device that was lost, or the error itself."""
        if not _cut_off(error):
            return error
        lost = self._processes.lost() if self._processes is not None else None
        return lost or DeviceLostError(
            "The process of another device ended, so this one cannot go on.",
            "Its own words are in train.log. Resume goes on from the last checkpoint.",
        )

    def close(self, at_once: bool = False) -> None:
        """Wait for the other processes, where they were started here, or end them ``at_once``; safe to call twice."""
        if self._processes is not None:
            self._processes.close(at_once)
            for name in environment_of(Place(0, 1, 0, 1, 0, 1, "lathe"), "", 0):
                os.environ.pop(name, None)
        self.group.close()
        self._kept = None


def _cut_off(error: Exception) -> bool:
    """Whether an error says that another process is gone."""
    text = str(error)
    return isinstance(error, RuntimeError) and bool(
        re.search(r"gloo|NCCL|Connection (closed|reset)|Broken pipe", text)
    )


class _Silent:
    """Event log and inbox of a process that writes no run folder: its warnings are printed, and so get into ``train.log``."""

    def write(self, type: str, **data: Any) -> None:
        if type == "warning":
            print(f"{data.get('severity', 'warning')}: {data['message']} {data['cure']}".rstrip(), flush=True)

    def poll(self) -> None:
        return None


class _Prefixed(io.TextIOBase):
    """Output of a process that torchrun or srun has started: lines of ``train.log``, with the number of the device."""

    def __init__(self, folder: RunFolder, place: Place) -> None:
        self._file = folder.log.open("a", encoding="utf-8", buffering=1)
        self._mark, self._rest = f"[device {place.rank + 1}] ", ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._file.write(f"{self._mark}{line}\n")  # a line at a time: several processes append
        return len(text)


def run_device() -> int:
    """Entry of the process of any device but the first. Returns 0 when the run came to its end, whatever that was."""
    place = place_here()
    if place is None or place.rank == 0:
        print(
            "This process has no place among several devices: Lathe, torchrun or srun start it.",
            file=sys.stderr,
        )
        return 2
    _end_with_parent()
    try:
        _train(place)
    except Exception as error:
        if _cut_off(error):
            return CUT_OFF
        traceback.print_exc()
        from src.core.engine.explain import explain_error

        found = explain_error(error)
        print(FAILED + json.dumps({"cause": found.cause, "cure": found.cure}), flush=True)
        return 1
    return 0


def leave(code: int) -> int:
    """End this process here where it has trained with others: threads of the connection may keep an interpreter from ending."""
    if "lightning_fabric" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _end_with_parent() -> None:
    """Who has started this process holds its standard input; when that is gone, nothing here is worth going on for."""
    for name in ("SIGINT", "SIGHUP"):  # a terminal gives them to all processes, and the first one decides
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _train(place: Place) -> None:
    from src.core.engine.devices.connecting import connect, local_device
    from src.core.engine.devices.meeting import hear

    path, resume = hear(place)
    from src.jobs.assemble import assemble
    from src.jobs.train import load_config

    folder = RunFolder(path)
    if place.launcher != "lathe":  # which reads what its processes print
        sys.stdout = sys.stderr = _Prefixed(folder, place)
    config = load_config(folder).config
    info = task_info(config.task)
    data = info.load_description(folder.dataset, config)
    data.compact()
    group = connect(place, local_device(place, config.training.device), config.training.strategy)
    silent: Any = _Silent()
    entries = CheckpointIndex(folder).entries() if resume else []
    trainer = assemble(config, load_task(info.id), data, folder, silent, silent, bool(entries), (), group)
    try:
        if resume:
            _restore(trainer, folder)
        trainer.fit()
    finally:
        trainer.close()
        group.close()


def _restore(trainer: Any, folder: RunFolder) -> None:
    """From the checkpoint that the first process chose: the newest that is whole."""
    from src.core.engine.checkpoint import read_state

    index = CheckpointIndex(folder)
    entry, _ = index.newest_sound()
    if entry is not None:
        trainer.restore(*read_state(index.file_of(entry)))


__all__ = ["Company", "DevicesError", "place_of_first", "run_device"]
