"""What the check job prints: short lines, from which the thread makes a table again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from src.core.dataset.sample_table import SampleTable
from src.jobs import check
from src.jobs.check import run_check
from tests.fakes import make_fake_dataset


@pytest.fixture
def config(tmp_path: Path, qapp: object) -> Path:
    folder = make_fake_dataset(tmp_path / "set", 12)
    path = tmp_path / "config.yaml"
    path.write_text(
        f"task: segmentation\ndata:\n  images_dir: {folder}/images\n  masks_dir: {folder}/masks\n", "utf-8"
    )
    return path


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_samples_come_in_portions_and_make_a_table(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "SAMPLES_A_LINE", 4)
    assert run_check(config) == 0
    said = lines(capsys)
    portions = [line for line in said if "samples" in line]
    assert len(portions) >= 3 and all(len(p["rows"]) <= 4 for p in portions)
    table = SampleTable()
    for portion in portions:
        table.append(portion["samples"], portion["rows"])
    assert table.total == 12 and table.filled.all() and table.sizes.tolist() == [[96, 96]] * 12
    last = said[-1]
    assert "samples" not in last["description"] and last["description"]["classes"] == ["background", "object"]
    assert sum(last["description"]["splits"].values()) == 12 and last["resolved"]
    assert all("message" in line["finding"] for line in said if "finding" in line)


def test_a_fault_of_the_configuration_is_a_finding(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("task: segmentation\ndata:\n  image_dir: x\n", "utf-8")
    assert run_check(config) == 0
    said = lines(capsys)
    assert "error" in said[-1] and any(
        "images_dir" in line["finding"]["message"] for line in said if "finding" in line
    )
