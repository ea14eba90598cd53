"""From the options of a configuration to the network with a branch for each input, and to its loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from src.core.engine.task import Batch
from src.models.signal_branches import Answer, BranchModel, LineNetwork, PictureNetwork
from src.models.signal_losses import (
    condition_consistency,
    cross_entropy,
    focal,
    inconsistency,
    physics,
    supervised_contrastive,
    temporal_smoothness,
)
from src.models.signal_models import NETWORKS, SignalNetwork
from src.models.signal_objective import MAIN, Objective, Term
from src.tasks.bearing.inputs import KINDS, InputMaker, fault_kind
from src.tasks.bearing.learning_config import PICTURES, BearingLossConfig, BearingModelConfig
from src.tasks.bearing.mixed import SHARE, others

#: Share of the loss that each branch by itself has, beside the one of all of them.
BRANCH_SHARE = 0.3
#: Height of lines (natural logarithm of their ratio to what is around) that speaks for no fault more than against it: those
#: of noise reach about 0.5, clear ones 1.5.
EVEN = 0.9


def kinds_of(classes: Sequence[str]) -> list[int]:
    """For each class the place of its fault in `KINDS`, or -1."""
    return [KINDS.index(kind) if (kind := fault_kind(name)) else -1 for name in classes]


def build_network(
    options: BearingModelConfig, maker: InputMaker, classes: Sequence[str], several: bool = False
) -> BranchModel:
    """The model for these inputs and classes, of which ``several`` may hold at once."""
    outputs = len(classes)
    branches: dict[str, SignalNetwork] = {}
    for name in maker.names:
        channels = maker.channels(name)
        if name == "lines":
            branches[name] = LineNetwork(
                kinds_of(classes),
                channels,
                maker.options.harmonics,
                dropout=options.dropout,
                trusted=maker.trusted_band,
                even=EVEN if several else 0.0,
            )
        elif name in PICTURES:
            branches[name] = PictureNetwork(channels, outputs, options.picture_network, options.dropout)
        else:
            network = options.signal_network if name == "raw" else options.spectrum_network
            more = {"patch_drop": options.patch_drop} if network == "transformer" else {}
            branches[name] = NETWORKS[network](channels, outputs, dropout=options.dropout, **more)
    return BranchModel(branches, outputs, options.dropout)


class BearingLoss:
    """All terms of the loss for a prepared batch."""

    def __init__(
        self,
        options: BearingLossConfig,
        classes: Sequence[str],
        several: bool,
        windows: np.ndarray,
        training: bool,
    ) -> None:
        """
        Args:
            options: Of the configuration.
            classes: Names.
            several: More than one class may hold.
            windows: Training windows of each class.
            training: Labels are smoothed and weights rise; else losses of all runs can be compared: the classes' alone.
        """
        self._options, self._several = options, several
        self._kinds = torch.tensor(kinds_of(classes))
        self._smoothing = options.label_smoothing if training else 0.0
        self._weights = _class_weights(windows) if options.balanced else None
        warm, terms = options.warmup, {MAIN: Term(1.0)}
        if training:
            terms |= {
                name: Term(getattr(options, name), warm)
                for name in ("contrastive", "physics", "consistency", "smoothness")
            }
        self.objective = Objective(terms, options.balance)

    def _main(self, logits: Tensor, target: Tensor) -> Tensor:
        weights = None if self._weights is None else self._weights.to(logits.device)
        if self._options.name == "focal":
            return focal(logits, target, self._options.gamma, self._several, weights)
        return cross_entropy(logits, target, self._several, self._smoothing, weights)

    def classes(self, answer: Answer, batch: Batch) -> Tensor:
        """The loss of the classes alone, of all branches together and of each by itself."""
        return self._parts(answer, batch)[MAIN]()

    def __call__(self, answer: Answer, batch: Batch, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss with its graph, and the terms by name; see `Objective`. Of a mixed batch with regard to both truths."""
        return self.objective(self._parts(answer, batch), answer.embedding, epoch)

    def _parts(self, answer: Answer, batch: Batch) -> dict[str, Callable[[], Tensor]]:
        """What computes each term."""
        own, other = self._of_truths(answer, batch), others(batch)
        if other is None:
            return own
        mixed_in, share = self._of_truths(answer, other), float(batch[SHARE])
        return {name: _shared(share, term, mixed_in[name]) for name, term in own.items()}

    def _of_truths(self, answer: Answer, batch: Batch) -> dict[str, Callable[[], Tensor]]:
        logits, target, several = answer.logits, batch["target"], self._several

        def classification() -> Tensor:
            own = self._main(logits, target)
            alone = [self._main(values, target) for values in answer.branches.values()]
            return own + BRANCH_SHARE * torch.stack(alone).mean() if alone else own

        def by_physics() -> Tensor:
            return physics(logits, inconsistency(batch["snr"], self._kinds.to(logits.device)), several)

        return {
            MAIN: classification,
            "contrastive": lambda: supervised_contrastive(
                answer.embedding, target, self._options.temperature
            ),
            "physics": by_physics,
            "consistency": lambda: condition_consistency(logits, target, batch["condition"], several),
            "smoothness": lambda: temporal_smoothness(logits, batch["recording"], batch["place"], several),
        }


def _shared(share: float, term: Callable[[], Tensor], other: Callable[[], Tensor]) -> Callable[[], Tensor]:
    return lambda: share * term() + (1 - share) * other()


def _class_weights(windows: np.ndarray) -> Tensor:
    """Inverse share of the windows, with mean 1 over the classes that have any; 1 for the others."""
    weights = np.where(windows > 0, windows.sum() / np.maximum(windows, 1), np.nan)
    weights = weights / np.nanmean(weights) if np.isfinite(weights).any() else weights
    return torch.tensor(np.nan_to_num(weights, nan=1.0), dtype=torch.float32)
