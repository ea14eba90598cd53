"""A run on two devices from its folder to its end, and what becomes of it when the process of one of them is killed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import psutil
import pytest

from src.core.config.libraries import missing
from src.core.run import ChildProcess, EventTail, RunFolder, summarise

pytestmark = pytest.mark.skipif(
    bool(missing("lightning-fabric")), reason="Lightning Fabric is not installed (requirements-devices.txt)"
)


def wait_for(what: Callable[[], object], seconds: float = 100.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.mark.timeout(120)
def test_divided_weights_of_a_real_network_with_the_usual_options(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run("training.devices=2", "training.strategy=fsdp", "training.epochs=1", "monitoring.preview_samples=0",
                     "training.optimizer.name=sgd")  # fmt: skip
    child = ChildProcess(folder, detached=False)
    child.start()
    wait_for(lambda: child.poll() is not None)
    found = summarise(folder)
    assert found.state == "completed", found.cause
    codes = {e.get("code") for e in EventTail(folder.events).read()}
    assert "divided-layout" in codes, "channels-last was on, and its weights could not be divided"


@pytest.mark.timeout(240)
def test_a_killed_device_ends_the_run_with_a_sentence_and_leaves_no_process(
    new_run: Callable[..., RunFolder],
) -> None:
    folder = new_run(
        "training.devices=2", "training.epochs=10000", "data.image_size=32", "monitoring.preview_samples=0"
    )
    child = ChildProcess(folder, detached=False)
    child.start()
    assert child.pid is not None
    others: list[psutil.Process] = []
    try:
        wait_for(lambda: child.poll() is not None or summarise(folder).epoch >= 1)
        others = psutil.Process(child.pid).children(recursive=True)
        devices = [p for p in others if p.cmdline()[-1] == "device"]
        assert len(devices) == 1, folder.log.read_text("utf-8")[-2000:]
        devices[0].kill()
        wait_for(lambda: child.poll() is not None, 60.0)
    finally:
        child.kill()
        child.wait(10)
        child.settle()
    found = summarise(folder)
    assert found.state == "failed" and "device 2 of 2" in found.cause and "Resume" in found.cure
    if sys.platform != "win32":
        assert "killed from outside (signal 9)" in found.cause
    assert not [p for p in others if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    started = next(e for e in EventTail(folder.events).read() if e.type == "run_started")
    assert started["devices"] == 2 and len(folder.read_json(folder.environment)["devices"]) == 2
    assert "[device 2]" in folder.log.read_text("utf-8")
