"""Distillation: any task with a teacher beside it. A wrapper, so that neither loop nor task knows of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src.core.config.distillation import DistillationConfig
from src.core.engine.checkpoint import TRAINING_ONLY
from src.core.engine.device import mix_seed
from src.core.engine.task import Batch, StepOutput, Task
from src.core.job import JobError
from src.core.run.model_source import ModelError, ModelSource, find_model
from src.models.across import over_all


class DistillationError(Exception):
    """A teacher that cannot be used; ``cure`` says what to do."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


def with_teacher(task: Task) -> Task:
    """The task, taught by the teacher of its configuration; the task itself where there is none or nothing is learnt from it.

    Raises:
        DistillationError: The teacher is not there, is damaged, or was trained on other classes.
    """
    options: DistillationConfig = task.config.distillation
    return cast(Task, DistilledTask(task, options)) if options.acts else task


class DistilledTask:
    """A task whose training loss also asks for what a teacher predicts, and perhaps for its features.

    ``(1 - weight) · loss + weight · T² · KL(teacher ‖ student) + feature_weight · MSE``: the predictions of both are softened
    by the temperature T (Hinton et al. 2015, arXiv:1503.02531), over the places whose truth is known. The features are those of
    `Task.features`, maps or vectors; the student's are brought to the teacher's channels by a 1x1 convolution that is trained
    with it (Romero et al. 2015, arXiv:1412.6550). That layer is a child of the student, so optimiser, averages, checkpoints
    and several devices know it; who reads the weights for use does not get it.

    Everything else is the task's own. The teacher stands in evaluation mode without gradients, sees the very images that the
    student sees (mixed ones too), and computes in the same precision. It is no part of the checkpoint: a run that goes on needs it.

    Attributes:
        task: What is wrapped.
        options: Of the configuration.
        source: Where the teacher came from.
    """

    def __init__(self, task: Task, options: DistillationConfig) -> None:
        self.task, self.options = task, options
        try:
            self.source: ModelSource = find_model(options.teacher)
        except ModelError as error:
            raise DistillationError(
                f"The teacher {options.teacher} cannot be used: {error}", error.cure
            ) from None
        self._compare_classes()
        self._teacher: nn.Module | None = None
        self._device: torch.device | None = None
        with self.source.path.open("rb") as file:
            self._hash = hashlib.file_digest(file, "sha256").hexdigest()

    def __getattr__(self, name: str) -> Any:
        if name in ("task", "__setstate__"):  # before __init__, as copies are made
            raise AttributeError(name)
        return getattr(self.task, name)

    def _compare_classes(self) -> None:
        theirs, ours = self.source.facts.get("classes"), self.task.facts().get("classes")
        if theirs is not None and list(theirs) != list(ours or []):
            raise DistillationError(
                f"The teacher {self.source.name} knows the classes {', '.join(theirs)}; this training has "
                f"{', '.join(ours or [])}.",
                "Choose a teacher that was trained on the same classes in the same order.",
            )

    def facts(self) -> dict[str, Any]:
        """Those of the task, and who taught it."""
        return {**self.task.facts(), "teacher": {"name": self.source.name, "sha256": self._hash}}

    def build_model(self) -> nn.Module:
        """The student, begun as it would be without a teacher; with the layer that its features go through."""
        student = self.task.build_model()
        # the teacher's first weights, and the layer's, must not move the random numbers of the run
        with torch.random.fork_rng(devices=[]):
            try:
                self._teacher = self.task.load_teacher(self.source).eval().requires_grad_(False)
            except (JobError, NotImplementedError) as error:
                cure = getattr(error, "cure", "") or "Leave distillation.teacher empty."
                raise DistillationError(
                    f"The teacher {self.source.name} cannot be used: {error}", cure
                ) from None
            if self.options.feature_weight:
                torch.manual_seed(mix_seed(self.task.config.training.seed, 0, 1))
                (_, mine), (_, theirs) = self.task.features(student), self.task.features(self._teacher)
                student.add_module(TRAINING_ONLY.rstrip("."), nn.Conv2d(mine, theirs, 1))
        return student

    def training_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        """The task's loss, and what the teacher adds to it as the terms ``teacher`` and ``features``."""
        assert self._teacher is not None, "build_model comes first"
        wanted, options = bool(self.options.feature_weight), self.options
        student = _Heard(model)
        with self._features_of(_bare(model), wanted) as mine:
            output = self.task.training_step(cast(nn.Module, student), batch)
        self._move(student.answer.device)
        with torch.no_grad(), self._features_of(self._teacher, wanted) as theirs:
            answer = self._teacher(*student.inputs)
        loss, terms = output.loss, dict(output.terms)
        if options.weight:
            counted = output.counted() if output.counted is not None else None
            both = (student.answer, answer)
            if (
                not self.task.exclusive
            ):  # each class is a question of its own, as an object against background is
                both = (student.answer.unsqueeze(1), answer.unsqueeze(1))
            soft = soft_loss(*both, options.temperature, counted)
            loss = (1 - options.weight) * loss + options.weight * soft
            terms["teacher"] = soft.detach()
        if wanted:
            layer = getattr(_bare(model), TRAINING_ONLY.rstrip("."))
            near = feature_loss(layer(_as_map(mine[-1])), _as_map(theirs[-1]))
            loss = loss + options.feature_weight * near
            terms["features"] = near.detach()
        return StepOutput(loss, terms, output.prediction, output.counted)

    def _move(self, device: torch.device) -> None:
        if self._device != device:
            assert self._teacher is not None
            self._teacher.to(device)
            self._device = device

    @contextmanager
    def _features_of(self, model: nn.Module, wanted: bool) -> Iterator[list[Tensor]]:
        """Collects the features that a model computes inside the block."""
        found: list[Tensor] = []
        if not wanted:
            yield found
            return

        def note(_layer: nn.Module, _inputs: Any, output: Any) -> None:
            found.append(output[-1] if isinstance(output, list | tuple) else output)

        hook = self.task.features(model)[0].register_forward_hook(note)
        try:
            yield found
        finally:
            hook.remove()
        if not found:
            raise DistillationError(
                "The features of the network cannot be read while it is compiled.",
                "Turn training.compile off, or set distillation.feature_weight to 0.",
            )


class _Heard:
    """A model that remembers what it was given and what it answered last, whatever the task makes of it.

    Of an answer with several parts the one named ``logits`` is remembered.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.inputs: tuple[Any, ...] = ()
        self.answer: Any = None

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        answer = self._model(*inputs, **options)
        self.inputs, self.answer = inputs, getattr(answer, "logits", answer)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def soft_loss(student: Tensor, teacher: Tensor, temperature: float, counted: Tensor | None = None) -> Tensor:
    """``T² · KL(teacher ‖ student)`` of softened predictions, mean over the places that count.

    The factor keeps the gradients of the same size at every temperature (Hinton et al. 2015, section 2). One channel is the
    logit of an object against background: the divergence of two Bernoulli distributions.

    Args:
        student, teacher: Logits N×C×….
        temperature: T.
        counted: Bool N×…; None is everywhere. Where nothing counts the loss is 0.

    Raises:
        ValueError: The two differ in shape.
    """
    if student.shape != teacher.shape:
        raise ValueError(
            f"The teacher answers {tuple(teacher.shape)} where the student answers {tuple(student.shape)}: they were made for "
            "other classes or other sizes."
        )
    mine, theirs = student.float() / temperature, teacher.float() / temperature
    if student.shape[1] == 1:
        mine, theirs = (torch.cat([torch.zeros_like(x), x], 1) for x in (mine, theirs))
    log_p = theirs.log_softmax(1)
    values = (log_p.exp() * (log_p - mine.log_softmax(1))).sum(1)
    if counted is None:
        return temperature**2 * values.mean()
    share = counted.to(values.dtype)
    found, total = over_all((values * share).sum(), share.sum())
    return temperature**2 * found / total.clamp_min(1.0)


def feature_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of two maps N×C×H×W; the teacher's is resampled where it has another resolution."""
    teacher = teacher.float()
    if student.shape[2:] != teacher.shape[2:]:
        teacher = F.interpolate(teacher, student.shape[2:], mode="bilinear", align_corners=False)
    return F.mse_loss(student.float(), teacher)


def _as_map(features: Tensor) -> Tensor:
    """N×C, N×C×L or N×C×H×W as N×C×H×W."""
    return features[(...,) + (None,) * (4 - features.ndim)]


def _bare(model: nn.Module) -> Any:
    """The model inside torch.compile and DistributedDataParallel."""
    while (inner := model._modules.get("_orig_mod") or model._modules.get("module")) is not None:
        model = inner
    return model
