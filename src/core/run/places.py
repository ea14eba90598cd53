"""Which of several processes of one training this is, and where the first one is met. Torch-free.

Three programs start such processes: Lathe itself, torchrun, and srun of SLURM. Each says so in the environment.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: Says that Lathe itself has started the process, which has no folder of its own in its words.
STARTED_BY_LATHE = "LATHE_DEVICE_OF"


@dataclass(frozen=True)
class Place:
    """One process among those that train a run together; each has one device.

    Attributes:
        rank, size: Its number from 0, and how many there are.
        local_rank, local_size: The same on its machine.
        node, nodes: Number of its machine, and how many machines there are.
        launcher: Who has started it.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    node: int
    nodes: int
    launcher: Literal["lathe", "torchrun", "slurm"]

    def words(self) -> str:
        """How a person calls it: ``device 2 of 4``, with the machine where there are several."""
        where = f" (machine {self.node + 1} of {self.nodes})" if self.nodes > 1 else ""
        return f"device {self.rank + 1} of {self.size}{where}"


def place_here(environment: Mapping[str, str] | None = None) -> Place | None:
    """The place that the environment (default: that of this process) gives to it; None where it trains alone.

    torchrun is known by ``TORCHELASTIC_RUN_ID``, a step of srun by ``SLURM_STEP_NUM_TASKS``, which a batch script itself
    does not have. One process alone, whoever started it, is nothing special.
    """
    env = os.environ if environment is None else environment
    try:
        found = _place(env)
    except (KeyError, ValueError):
        return None
    return found if found is not None and found.size > 1 else None


def _place(env: Mapping[str, str]) -> Place | None:
    if STARTED_BY_LATHE in env or "TORCHELASTIC_RUN_ID" in env:
        size, local = int(env["WORLD_SIZE"]), int(env["LOCAL_WORLD_SIZE"])
        return Place(
            int(env["RANK"]), size, int(env["LOCAL_RANK"]), local,
            int(env.get("GROUP_RANK", env.get("NODE_RANK", "0"))), max(1, size // local),
            "lathe" if STARTED_BY_LATHE in env else "torchrun",
        )  # fmt: skip
    if "SLURM_STEP_NUM_TASKS" in env:
        size, nodes = int(env["SLURM_STEP_NUM_TASKS"]), int(env.get("SLURM_STEP_NUM_NODES", "1"))
        # as in "4(x2),3": tasks of each machine
        each = re.match(r"\d+", env.get("SLURM_STEP_TASKS_PER_NODE", ""))
        local = int(each[0]) if each else size // nodes
        return Place(
            int(env["SLURM_PROCID"]), size, int(env["SLURM_LOCALID"]), local, int(env.get("SLURM_NODEID", "0")), nodes, "slurm"
        )  # fmt: skip
    return None


def environment_of(place: Place, host: str, port: int) -> dict[str, str]:
    """Variables by which a process that Lathe starts finds its place; the same names as those of torchrun."""
    return {
        STARTED_BY_LATHE: host, "MASTER_ADDR": host, "MASTER_PORT": str(port),
        "RANK": str(place.rank), "WORLD_SIZE": str(place.size), "LOCAL_RANK": str(place.local_rank),
        "LOCAL_WORLD_SIZE": str(place.local_size), "NODE_RANK": str(place.node), "GROUP_RANK": str(place.node),
    }  # fmt: skip


def free_ports() -> int:
    """A port of this machine that is free now, and so is the one after it."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise OSError("No two neighbouring free ports were found on this machine.")
