"""A run in the calling process, with a callback of one's own."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from src.core.config import ConfigError
from src.core.engine.callbacks import Callback
from src.jobs.face import train


class Own(Callback):
    def __init__(self, fails: bool = False) -> None:
        self.epochs: list[int] = []
        self.fails = fails

    def on_epoch_end(self, trainer: Any, entry: dict[str, Any]) -> None:
        self.epochs.append(entry["epoch"])
        if self.fails:
            raise KeyError("a mistake of mine")


@pytest.mark.timeout(60)
def test_a_callback_of_ones_own_sees_the_run_and_signals_stay_whose_they_were(config_file: Path) -> None:
    own, before = Own(), signal.getsignal(signal.SIGINT)
    found = train(config_file, callbacks=[own], **{"training.epochs": 2})
    assert found["status"] == "completed" and own.epochs == [1, 2]
    assert Path(found["model"]).is_file() and Path(found["run"]).parent == config_file.parent / "runs"
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.timeout(60)
def test_what_it_raises_is_the_cause_of_the_end(config_file: Path) -> None:
    found = train(config_file, callbacks=[Own(fails=True)])
    assert found["status"] == "failed"
    assert found["cause"] == "Your callback Own.on_epoch_end raised KeyError: 'a mistake of mine'"
    assert "train.log" in found["cure"] and "Lathe does not know" not in found["cure"]


def test_wrong_options_are_refused_before_anything_starts(config_file: Path) -> None:
    with pytest.raises(ConfigError, match="epochs"):
        train(config_file, **{"training.epoch": 2})
    assert not (config_file.parent / "runs").exists()
