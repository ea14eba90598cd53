"""`ModelTrainer`, used as api.md writes it: with Lathe's loaders, with torch's, and with losses of either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from src.core.config.training import ScheduleConfig
from src.core.engine.checkpoint import CheckpointError
from src.core.model_trainer import ModelTrainer
from src.models.losses import CombinedLoss, get_loss_function


def pictures(count: int = 12, channels: int = 1, as_float: bool = False) -> TensorDataset:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(count, 3, 16, 16, generator=generator)
    mask = (image[:, 0] > 0.5).long()
    image[:, 0] += mask
    return TensorDataset(image, mask[:, None].float() if as_float else mask)


def network(classes: int = 1) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, classes, 1)
    )


def trainer(classes: int = 1, criterion: Any = None, as_float: bool = False, **options: Any) -> ModelTrainer:
    model = network(classes)
    loader = DataLoader(pictures(as_float=as_float), batch_size=4, shuffle=False)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    return ModelTrainer(
        model, loader, loader, criterion or CombinedLoss(), optimizer, device="cpu", **options
    )


def test_train_returns_the_history_with_the_best_iou(tmp_path: Path) -> None:
    history = trainer().train(num_epochs=8, checkpoint_dir=tmp_path / "out", early_stopping_patience=8)
    assert history["status"] == "completed" and history["epochs"] == 8
    assert len(history["train_loss"]) == len(history["val_loss"]) == len(history["val_iou"]) == 8
    assert history["train_loss"][-1] < history["train_loss"][0]
    assert history["best_val_metric"] == max(history["val_iou"]) > 0.8
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"best.safetensors", "last.safetensors"}


@pytest.mark.parametrize(
    ("classes", "criterion", "as_float"),
    [(1, nn.BCEWithLogitsLoss(), False), (1, nn.BCEWithLogitsLoss(), True), (2, nn.CrossEntropyLoss(), False),
     (2, get_loss_function("dice"), False), (1, get_loss_function("focal"), True)],
)  # fmt: skip
def test_criteria_of_torch_and_of_lathe(classes: int, criterion: Any, as_float: bool) -> None:
    one = trainer(classes, criterion, as_float)
    first = one.train_epoch()
    for _ in range(4):
        last = one.train_epoch()
    loss, metrics = one.validate()
    assert last < first and loss == loss and 0 <= metrics["iou"] <= 1


def test_going_on_from_a_checkpoint_is_the_undisturbed_run(tmp_path: Path) -> None:
    options: dict[str, Any] = {"scheduler": ScheduleConfig(name="cosine", warmup_epochs=1), "ema_decay": 0.9}
    whole = trainer(**options)
    whole.train(num_epochs=4)

    class StopAfterTwo(Exception):
        pass

    first = trainer(**options)
    steps = []
    loss = first._task._criterion

    def criterion(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        steps.append(1)
        if len(steps) > 2 * 6:
            raise StopAfterTwo
        return loss(logits, mask)

    first._task._criterion = criterion
    with pytest.raises(StopAfterTwo):
        first.train(num_epochs=4, checkpoint_dir=tmp_path)
    second = trainer(**options)
    assert second.load_checkpoint(tmp_path / "last.safetensors") == 2
    history = second.train(num_epochs=4)
    assert history["epochs"] == 4
    for a, b in zip(whole.model.state_dict().values(), second.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_foreign_weights_are_weights_only(tmp_path: Path) -> None:
    model = network()
    torch.save({"state_dict": model.state_dict(), "epoch": 7}, tmp_path / "w.pth")
    one = trainer()
    with torch.no_grad():
        next(one.model.parameters()).zero_()
    assert one.load_checkpoint(tmp_path / "w.pth") == 0
    assert torch.equal(next(one.model.parameters()), next(model.parameters()))
    with pytest.raises(CheckpointError, match="does not exist"):
        one.load_checkpoint(tmp_path / "none.pth")
    torch.save(network(3).state_dict(), tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="does not fit"):
        one.load_checkpoint(tmp_path / "other.pth")


def test_save_checkpoint_takes_any_name(tmp_path: Path) -> None:
    one = trainer()
    one.train_epoch()
    one.save_checkpoint(str(tmp_path / "new" / "modell ü.pth"))
    other = trainer()
    assert other.load_checkpoint(str(tmp_path / "new" / "modell ü.pth")) == 1


def test_without_validation(tmp_path: Path) -> None:
    model = network()
    loader = DataLoader(pictures(), batch_size=4)
    one = ModelTrainer(model, loader, None, CombinedLoss(), torch.optim.SGD(model.parameters(), 0.1), "cpu")
    history = one.train(2, tmp_path)
    assert history["best_val_metric"] == min(history["train_loss"])
    with pytest.raises(ValueError, match="val_loader"):
        one.validate()


def test_start_epoch_counts_epochs_as_done() -> None:
    assert trainer().train(num_epochs=5, start_epoch=3)["epochs"] == 2
