"""Two real processes (gloo, on the CPU) that train together, beside one that trains alone on the same batches."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from src.core.config.libraries import missing
from src.core.engine.devices.group import ALONE
from src.core.run.places import Place, environment_of, free_ports
from tests.devices_worker import scenarios, train

pytestmark = pytest.mark.skipif(
    bool(missing("lightning-fabric")), reason="Lightning Fabric is not installed (requirements-devices.txt)"
)

ROOT = Path(__file__).resolve().parents[3]
TRAININGS = {
    "ddp": (
        "even:", "uneven:last=3,accumulate=2", "absent:last=1,norm=0", "memory:fails=1@4,norm=0", "inside:fails=0@9",
        "poison:poison=3", "stop:command=stop,after=9,epochs=3,drop=0.2", "on:resume=stop,epochs=3,drop=0.2",
        "through:epochs=3,drop=0.2", "finish:command=finish_epoch,after=3,epochs=5", "swa:swa=1", "alone:resume=even,epochs=3",
        "early:epochs=40,patience=1", "back:poison=3,in=2,limit=0,rollbacks=1,epochs=3",
    ),
    "fsdp": ("even:", "stop:command=pause,after=9,epochs=3", "on:resume=stop,epochs=3", "through:epochs=3"),
}  # fmt: skip
Result = Callable[[str, int], dict[str, Any]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """What came of each training on both devices; the processes of all strategies run beside each other."""
    folder = tmp_path_factory.mktemp("devices")
    started = []
    for strategy, words in TRAININGS.items():
        port = free_ports()
        for rank in (0, 1):
            environment = dict(os.environ, OMP_NUM_THREADS="1", PYTHONPATH=str(ROOT))
            environment |= environment_of(Place(rank, 2, rank, 2, 0, 1, "lathe"), "127.0.0.1", port)
            command = [sys.executable, "-m", "tests.devices_worker", str(folder / strategy), strategy, *words]
            log = (folder / f"{strategy}-{rank}.log").open("wb")
            started.append(
                (subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log), log)
            )
    try:
        for process, log in started:
            assert process.wait(110) == 0, Path(log.name).read_text()[-3000:]
    finally:
        for process, log in started:
            process.kill()
            process.wait()
            log.close()

    def reader(strategy: str) -> Result:
        return lambda name, rank: torch.load(folder / f"{strategy}-{name}-{rank}.pt", weights_only=False)

    return {strategy: reader(strategy) for strategy in TRAININGS}


def alone(words: str) -> dict[str, Any]:
    """The same training on one device."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return train(ALONE, scenarios([words])[0][1])
    finally:
        torch.set_num_threads(threads)


def close(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Losses, validation, metrics and weights are the same but for the order of sums."""
    assert one["losses"] == pytest.approx(two["losses"], rel=1e-5, nan_ok=True) and len(one["losses"]) > 3
    for a, b in zip(one["history"], two["history"], strict=True):
        assert a["metrics"] == pytest.approx(b["metrics"], rel=1e-6)
        assert [a["train_loss"], a["val_loss"]] == pytest.approx([b["train_loss"], b["val_loss"]], rel=1e-6)
        assert a["terms"] == pytest.approx(b["terms"], rel=1e-6)
    for kind in ("weights", "average"):
        for name, value in one[kind].items():
            torch.testing.assert_close(value, two[kind][name], rtol=1e-5, atol=2e-6)


def same(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Bit for bit."""
    assert one["position"] == two["position"] and one["outcome"] == two["outcome"]
    for kind in ("weights", "average"):
        assert all(torch.equal(value, two[kind][name]) for name, value in one[kind].items())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("even", "even:"),
        ("uneven", "uneven:last=3,accumulate=2"),  # two samples on one device, one on the other
        ("absent", "absent:last=1,norm=0"),  # one device has none of the last batch
        ("poison", "poison:poison=3"),
        ("swa", "swa:swa=1"),
        ("memory", "memory:norm=0"),
    ],
)
def test_two_devices_learn_what_one_learns(results: dict[str, Result], name: str, words: str) -> None:
    two = results["ddp"](name, 0)
    close(alone(words), two)
    same(two, results["ddp"](name, 1))
    assert two["history"][0]["metrics"]["count"] in (12, 11, 9)  # no sample counts twice


def test_divided_weights_learn_what_one_device_learns(results: dict[str, Result]) -> None:
    close(alone("even:"), results["fsdp"]("even", 0))


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_stopped_run_goes_on_bit_for_bit(results: dict[str, Result], strategy: str) -> None:
    of = results[strategy]
    status, step = ("stopped", 1) if strategy == "ddp" else ("paused", 1)
    for rank in (0, 1):  # at the same step
        found = of("stop", rank)
        assert found["outcome"][0] == status and found["position"][0] == 2 and found["position"][1] >= step
    assert of("stop", 0)["position"] == of("stop", 1)["position"]
    for rank in (0, 1):
        same(of("on", rank), of("through", rank))
        assert of("on", rank)["history"][-1]["train_loss"] == of("through", rank)["history"][-1]["train_loss"]


def test_one_checkpoint_serves_any_number_of_devices(results: dict[str, Result], tmp_path: Path) -> None:
    file = tmp_path / "even.pt"
    torch.save(results["fsdp"]("even", 0), file)  # divided between two devices
    one = alone(f"alone:resume={file},epochs=3")
    close({**one, "losses": [*range(4)]}, {**results["ddp"]("alone", 0), "losses": [*range(4)]})


@pytest.mark.parametrize("name", ["memory", "inside"])
def test_memory_that_is_not_enough_on_one_halves_the_batch_on_both(
    results: dict[str, Result], name: str
) -> None:
    first, second = results["ddp"](name, 0), results["ddp"](name, 1)
    assert first["outcome"][0] == "completed" and first["warnings"] == second["warnings"] == ["memory"]
    assert first["pieces"] == second["pieces"] == 2
    same(first, second)


def test_a_loss_that_is_no_number_is_passed_over_by_both(results: dict[str, Result]) -> None:
    for rank in (0, 1):
        assert results["ddp"]("poison", rank)["warnings"] == ["not-finite"]
        assert results["ddp"]("poison", rank)["skipped"] == 1


def test_both_go_back_to_the_checkpoint_that_the_first_one_reads(results: dict[str, Result]) -> None:
    first, second = results["ddp"]("back", 0), results["ddp"]("back", 1)
    assert first["warnings"][0] == second["warnings"][0] == "rolled-back"
    assert first["rollbacks"] == second["rollbacks"] == 1 and first["position"] == second["position"]
    for name, value in first["weights"].items():
        torch.testing.assert_close(value, second["weights"][name], rtol=0, atol=0, equal_nan=True)


def test_the_epoch_is_finished_and_early_stopping_decided_on_both(results: dict[str, Result]) -> None:
    for name, status in (("finish", "stopped"), ("early", "stopped_early")):
        first, second = results["ddp"](name, 0), results["ddp"](name, 1)
        assert first["outcome"][0] == status and first["position"][1] == 0
        same(first, second)
