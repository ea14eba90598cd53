"""Checkpoint files: round trip, foreign weights, refusal of code and of what does not fit."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from src.core.engine.checkpoint import (
    CheckpointError,
    encode_state,
    load_into,
    read_header,
    read_state,
    read_weights,
)


def test_nested_state_comes_back(tmp_path: Path) -> None:
    shared = torch.arange(6.0).reshape(2, 3)
    state = {
        "a": {"0": shared, "t": shared.t()},
        "list": [1, None, "ü", torch.tensor(2.5)],
        3: {"half": torch.ones(2).half()},
    }
    (tmp_path / "x").write_bytes(encode_state(state, {"epoch": 4, "value": float("nan")}))
    back, header = read_state(tmp_path / "x")
    assert header["epoch"] == 4 and header["value"] != header["value"]
    assert torch.equal(back["a"]["t"], shared.t()) and back[3]["half"].dtype == torch.float16
    assert back["list"][:3] == [1, None, "ü"] and back["list"][3].item() == 2.5
    assert read_header(tmp_path / "x")["epoch"] == 4


@pytest.mark.parametrize("wrap", ["plain", "state_dict", "model_state_dict", "module."])
def test_foreign_weights(tmp_path: Path, wrap: str) -> None:
    model = torch.nn.Linear(2, 3)
    own = model.state_dict()
    saved = (
        {"module." + k: v for k, v in own.items()}
        if wrap == "module."
        else own
        if wrap == "plain"
        else {wrap: own, "epoch": 3}
    )
    torch.save(saved, tmp_path / "w.pth")
    weights, header = read_weights(tmp_path / "w.pth")
    assert header == {}
    load_into(torch.nn.Linear(2, 3), weights, "w.pth")
    save_file(dict(own), str(tmp_path / "w.safetensors"))
    assert read_weights(tmp_path / "w.safetensors")[0].keys() == own.keys()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo never > evil.txt",)


def test_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    (tmp_path / "evil2.pth").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(CheckpointError, match="refused"):
            read_weights(tmp_path / name)
    assert not (tmp_path / "evil.txt").exists()


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04 truncated", bytes(100)])
def test_damaged_files_are_sentences(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.pth").write_bytes(content)
    with pytest.raises(CheckpointError):
        read_weights(tmp_path / "bad.pth")
    with pytest.raises(CheckpointError):
        read_state(tmp_path / "bad.pth")


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"weight is \(3, 2\) there and \(4, 2\) here"):
        load_into(torch.nn.Linear(2, 4), torch.nn.Linear(2, 3).state_dict(), "w.pth")
    with pytest.raises(CheckpointError, match="bias"):
        load_into(torch.nn.Linear(2, 4), {"weight": torch.zeros(4, 2)}, "w.pth")
