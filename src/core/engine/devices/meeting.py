"""How the processes of the other devices learn which run they are to train."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import torch.distributed as dist

from src.core.run.places import Place

#: Seconds that one process waits for the first: that one reads the data set before it says which run it is.
_PATIENCE = dt.timedelta(days=2)


def _address(place: Place) -> tuple[str, int]:
    """Where the first process is met; the port after that of the process group."""
    if place.launcher == "slurm":
        from lightning_fabric.plugins.environments import SLURMEnvironment

        slurm = SLURMEnvironment()
        return slurm.main_address, slurm.main_port + 1
    return os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]) + 1


def announce(place: Place, folder: Path, resume: bool) -> dist.TCPStore:
    """The first process says which run is trained; what this returns must live until the others have heard it."""
    host, port = _address(place)
    store = dist.TCPStore(host, port, None, True, _PATIENCE, wait_for_workers=False)
    store.set("job", json.dumps({"folder": str(folder), "resume": resume}))
    return store


def hear(place: Place) -> tuple[Path, bool]:
    """Folder of the run, and whether it goes on; waits for the first process to say so."""
    host, port = _address(place)
    store = dist.TCPStore(host, port, None, False, _PATIENCE, wait_for_workers=False)
    said = json.loads(store.get("job"))
    return Path(said["folder"]), bool(said["resume"])
