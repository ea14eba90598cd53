"""Learning from a teacher: the formulas, what the wrapper leaves alone, resume, pieces and accumulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src.core.config.training import RunConfig
from src.core.engine.checkpoint import encode_state, read_state, read_weights
from src.core.engine.device import choose_precision, mix_seed
from src.core.engine.distil import DistillationError, DistilledTask, feature_loss, soft_loss, with_teacher
from src.core.engine.optim import Schedule, build_optimizer
from src.core.engine.task import Batch, StepOutput
from src.core.engine.trainer import LoopOptions, Trainer
from src.core.run.model_source import ModelSource
from tests.toy import ToyLoader, ToyTask


class Net(nn.Module):
    """Points as images of one pixel: an encoder that gives maps, drop-out, and a head."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, width, 1), nn.ReLU(), nn.Dropout(0.2))
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.encoder(x[:, :, None, None]))
        return out


class TaughtTask(ToyTask):
    """The toy task with a student of 4 channels and teachers of 6."""

    teacher_calls: list[tuple[bool, bool]]

    def build_model(self) -> nn.Module:
        return Net(4)

    def training_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        prediction = model(batch["x"])[:, :, 0, 0]
        loss = (prediction - batch["y"]).square().mean()
        return StepOutput(loss, {"square": loss.detach()})

    def evaluation_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        output = self.training_step(model, batch)
        output.prediction = model(batch["x"])[:, :, 0, 0]
        return output

    def load_teacher(self, source: ModelSource) -> nn.Module:
        teacher = Net(6)
        teacher.load_state_dict(read_weights(source.path)[0])
        self.teacher_calls = []
        teacher.register_forward_hook(
            lambda m, a, out: self.teacher_calls.append((m.training, out.requires_grad))
        )
        return teacher

    def features(self, model: nn.Module) -> tuple[nn.Module, int]:
        encoder: Any = model.encoder
        return encoder, encoder[0].out_channels


@pytest.fixture
def teacher(tmp_path: Path) -> str:
    torch.manual_seed(8)
    path = tmp_path / "lehrer.safetensors"
    path.write_bytes(encode_state({"model": Net(6).state_dict()}, {"facts": {"classes": ["line"]}}))
    return str(path)


def trainer(options: dict[str, Any], epochs: int = 3, **loop: Any) -> Trainer:
    """As `assemble` makes it."""
    config = RunConfig.model_validate({"distillation": options})
    torch.manual_seed(mix_seed(0, 0))
    task = with_teacher(TaughtTask(config, ToyLoader(5, last=3), ToyLoader(2)))
    model = task.build_model()
    loaders = task.build_loaders(torch.device("cpu"))
    optimizer = build_optimizer(
        config.training.optimizer,
        task.parameter_groups(model, config.training.optimizer),
        torch.device("cpu"),
    )
    settings = LoopOptions(epochs=epochs, **loop)
    schedule = Schedule(config.training.schedule, optimizer, -(-5 // settings.accumulate), epochs)
    cpu = torch.device("cpu")
    return Trainer(task, model, optimizer, schedule, loaders, settings, cpu, choose_precision("fp32", cpu))


def weights(made: Trainer) -> Tensor:
    return torch.cat([v.flatten() for v in made.model.state_dict().values()])


# ---- formulas


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_soft_loss_is_the_divergence_of_softened_predictions(temperature: float) -> None:
    draw = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(2, 5, 3, 4, generator=draw) * 3 for _ in range(2))
    p, q = (teacher / temperature).softmax(1), (student / temperature).softmax(1)
    expected = temperature**2 * (p * (p / q).log()).sum(1).mean()
    assert torch.allclose(soft_loss(student, teacher, temperature), expected, atol=1e-5)
    pointwise = F.kl_div(q.log(), p, reduction="none").sum(1)
    counted = torch.rand(2, 3, 4, generator=draw) > 0.5
    expected = temperature**2 * pointwise[counted].mean()
    assert torch.allclose(soft_loss(student, teacher, temperature, counted), expected, atol=1e-5)


def test_one_logit_is_a_bernoulli_distribution() -> None:
    student, teacher = torch.tensor([0.3, -2.0, 90.0]), torch.tensor([1.5, 0.0, -90.0])
    p, q = teacher[:2].sigmoid(), student[:2].sigmoid()
    expected = (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean()
    z, t = (x.view(1, 1, 1, -1) for x in (student[:2], teacher[:2]))
    assert torch.allclose(soft_loss(z, t, 1.0), expected, atol=1e-6)
    far = student.view(1, 1, 1, -1).clone().requires_grad_()
    loss = soft_loss(far, teacher.view(1, 1, 1, -1), 1.0)
    loss.backward()
    assert torch.isfinite(loss) and far.grad is not None and torch.isfinite(far.grad).all()


def test_at_high_temperature_the_gradient_keeps_its_size() -> None:
    """T² undoes the 1/T² of the gradients (Hinton et al. 2015, section 2.1): they tend to (z - v) / N."""
    student = torch.tensor([[[[0.5]], [[-1.0]], [[0.5]]]], requires_grad=True)
    teacher = torch.tensor([[[[1.0]], [[1.0]], [[-2.0]]]])
    soft_loss(student, teacher, 1000.0).backward()
    assert student.grad is not None
    assert torch.allclose(student.grad, (student.detach() - teacher) / 3, atol=2e-3)


def test_equal_predictions_cost_nothing_and_nothing_counted_gives_zero() -> None:
    logits = torch.randn(2, 3, 4, 4)
    assert soft_loss(logits, logits, 2.0).abs() < 1e-6
    none = soft_loss(logits.clone().requires_grad_(), logits + 1, 2.0, torch.zeros(2, 4, 4, dtype=torch.bool))
    assert none == 0
    with pytest.raises(ValueError, match="other classes"):
        soft_loss(logits, logits[:, :2], 2.0)


def test_features_of_another_resolution_are_resampled() -> None:
    student, teacher = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 8, 8)
    half = F.interpolate(teacher, (4, 4), mode="bilinear", align_corners=False)
    assert torch.allclose(feature_loss(student, teacher), (student - half).square().mean())


# ---- the wrapper


def test_weight_0_is_bit_for_bit_the_task_without_a_teacher(teacher: str) -> None:
    plain = trainer({})
    off = trainer({"teacher": teacher, "weight": 0.0})
    assert not isinstance(off.task, DistilledTask)
    for made in (plain, off):
        made.fit()
    assert torch.equal(weights(plain), weights(off))


def test_the_student_begins_as_without_a_teacher_and_random_numbers_go_on(teacher: str) -> None:
    plain = trainer({})
    state = torch.get_rng_state()
    taught = trainer({"teacher": teacher, "weight": 0.5, "feature_weight": 2.0})
    assert torch.equal(state, torch.get_rng_state())
    own = taught.model.state_dict()
    assert all(torch.equal(v, own[k]) for k, v in plain.model.state_dict().items())
    assert set(own) - set(plain.model.state_dict()) == {"distillation.weight", "distillation.bias"}


def test_loss_and_terms_are_the_weighted_sum(teacher: str) -> None:
    made = trainer({"teacher": teacher, "weight": 0.3, "temperature": 2.0, "feature_weight": 0.7})
    task: Any = made.task
    made.model.eval()  # no drop-out, so that the same can be computed by hand
    batch = next(iter(ToyLoader(5).epoch(1)))
    output = task.training_step(made.model, batch)
    net: Any = made.model
    wise = task._teacher
    z, t = net(batch["x"]), wise(batch["x"])
    square = (z[:, :, 0, 0] - batch["y"]).square().mean()
    soft = soft_loss(z, t, 2.0)
    x = batch["x"][:, :, None, None]
    features = F.mse_loss(net.distillation(net.encoder(x)), wise.encoder(x))
    assert torch.allclose(output.loss, 0.7 * square + 0.3 * soft + 0.7 * features, atol=1e-6)
    assert {k: round(float(v), 5) for k, v in output.terms.items()} == {
        "square": round(square.item(), 5), "teacher": round(soft.item(), 5), "features": round(features.item(), 5)
    }  # fmt: skip
    assert not net.encoder._forward_hooks and not wise.encoder._forward_hooks


def test_the_teacher_stays_as_it_is_and_the_terms_are_logged(teacher: str) -> None:
    made = trainer({"teacher": teacher, "feature_weight": 0.5}, ema_decay=0.9)
    task: Any = made.task
    before = {k: v.clone() for k, v in task._teacher.state_dict().items()}
    first = made.model.state_dict()["distillation.weight"].clone()
    assert made.fit().status == "completed"
    assert all(torch.equal(v, before[k]) for k, v in task._teacher.state_dict().items())
    assert set(task.teacher_calls) == {(False, False)}
    assert set(made.state.history[-1]["terms"]) == {"square", "teacher", "features"}
    assert not torch.equal(first, made.model.state_dict()["distillation.weight"])  # the projection learns too


def test_the_student_comes_nearer_to_the_teacher(teacher: str) -> None:
    made = trainer({"teacher": teacher, "weight": 1.0}, epochs=40)
    made.fit()
    terms = [entry["terms"]["teacher"] for entry in made.state.history]
    assert terms[-1] < 0.5 * terms[0]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_resume_is_exact(teacher: str, tmp_path: Path, accumulate: int) -> None:
    options = {"teacher": teacher, "weight": 0.4, "feature_weight": 0.5}
    loop: dict[str, Any] = {"ema_decay": 0.9, "accumulate": accumulate}
    whole = trainer(options, **loop)
    whole.fit()
    first = trainer(options, **loop)
    first.report_every = 0.0
    first.command = lambda: "stop" if (first.state.epoch, first.state.step) >= (2, 2) else None
    assert first.fit().status == "stopped" and first.state.step == 2
    path = tmp_path / "last.safetensors"
    path.write_bytes(encode_state(*first.snapshot()))
    second = trainer(options, **loop)
    second.restore(*read_state(path))
    second.fit()
    assert torch.equal(weights(whole), weights(second))
    assert whole.state.history[-1]["terms"] == second.state.history[-1]["terms"]


def test_who_uses_the_weights_does_not_get_the_projection(teacher: str, tmp_path: Path) -> None:
    for decay in (0.0, 0.9):
        made = trainer({"teacher": teacher, "feature_weight": 0.5}, epochs=1, ema_decay=decay)
        made.fit()
        path = tmp_path / "model.safetensors"
        path.write_bytes(encode_state(*made.snapshot()))
        found, header = read_weights(path)
        Net(4).load_state_dict(found)
        assert header["facts"]["teacher"]["name"] == "lehrer.safetensors"
        assert len(header["facts"]["teacher"]["sha256"]) == 64


def test_in_pieces_the_same_is_learnt(teacher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Dropout, "forward", lambda self, x: x)
    options = {"teacher": teacher, "weight": 0.4, "feature_weight": 0.5}
    whole, pieces = trainer(options), trainer(options)
    pieces.state.pieces = 2
    for made in (whole, pieces):
        made.fit()
    assert torch.allclose(weights(whole), weights(pieces), atol=1e-5)


def test_what_cannot_be_a_teacher_is_told(teacher: str, tmp_path: Path) -> None:
    with pytest.raises(DistillationError, match="no run and no file") as missing:
        trainer({"teacher": str(tmp_path / "nobody.safetensors")})
    assert missing.value.cure
    other = tmp_path / "other.safetensors"
    other.write_bytes(
        encode_state({"model": Net(6).state_dict()}, {"facts": {"classes": ["circle", "square"]}})
    )
    with pytest.raises(DistillationError, match="knows the classes circle, square; this training has line"):
        trainer({"teacher": str(other)})
    config = RunConfig.model_validate({"distillation": {"teacher": teacher}})
    with pytest.raises(DistillationError, match="cannot be learnt from a teacher"):
        with_teacher(ToyTask(config, ToyLoader(), None)).build_model()
