"""The curve of the coming learning rate is that of the loop."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch

from src.core.config.optimisation import ScheduleConfig
from src.core.config.training import TrainingConfig
from src.core.engine.optim import Schedule
from src.ui.dialogs.schedule_preview import SchedulePreview


@pytest.mark.parametrize("name", get_args(ScheduleConfig.model_fields["name"].annotation))
def test_what_is_drawn_is_what_the_loop_does(qtbot: Any, name: str) -> None:
    training = TrainingConfig(epochs=4, batch_size=5, accumulate=2, schedule=ScheduleConfig(name=name))  # type: ignore[arg-type]
    card = SchedulePreview()
    qtbot.addWidget(card)
    card.show_schedule(training, images=54)  # 10 batches: 5 updates an epoch
    weight = torch.nn.Parameter(torch.zeros(1))
    schedule = Schedule(training.schedule, torch.optim.SGD([weight], training.optimizer.learning_rate), 5, 4)
    rates = []
    for _ in range(20):
        rates.append(schedule.rate)
        schedule.step()
    assert card.rates == pytest.approx(np.array(rates))
    assert card.epochs == pytest.approx(np.arange(20) / 5)
    assert "20 updates" in card.words.text()


def test_settings_that_cannot_be_used_draw_nothing(qtbot: Any) -> None:
    card = SchedulePreview()
    qtbot.addWidget(card)
    card.show_schedule(TrainingConfig(), 0)
    assert len(card.rates) == 2000 and "updates" not in card.words.text()
    card.show_schedule(None, 0)
    assert not len(card.rates) and "once all settings" in card.words.text()
