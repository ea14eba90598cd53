"""Networks of pictures and of fault lines, and several networks as branches of one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from src.models.signal_models import SignalNetwork

#: Weight of the heights of the lines before training: twice as high a line is four times as probable.
_TRUST = 2.0


class PictureNetwork(SignalNetwork):
    """A network of timm over a time-frequency picture N×channels×frequencies×times of any size."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        name: str = "resnet18",
        dropout: float = 0.0,
        pretrained: bool = False,
    ) -> None:
        """
        Args:
            channels: Of the picture.
            outputs: Classes.
            name: Of the network in timm; one that pools globally, so that pictures of any size fit.
            dropout: Share of the features that is left out before the head while it trains.
            pretrained: Begin with ImageNet weights (downloaded once).

        Raises:
            ValueError: timm has no network of this name.
        """
        # imported late: it takes as long as all else together, and most models of signals have no picture
        import timm

        if not timm.is_model(name):
            raise ValueError(f"timm has no network “{name}”.")
        body = timm.create_model(
            name, pretrained=pretrained, in_chans=channels, num_classes=0, global_pool="avg"
        )
        # some networks widen their features once more behind the pooling
        width: Any = getattr(body, "head_hidden_size", None) or body.num_features
        super().__init__(int(width), outputs, dropout)
        self.body = body

    def features(self, signal: Tensor) -> Tensor:
        """N×features of the network, pooled."""
        found: Tensor = self.body(signal)
        return found


class LineNetwork(SignalNetwork):
    """A small network over the surroundings of the lines of each kind of fault; the same weights look at every kind.

    Its input holds, for each kind of fault, the spectrum around each harmonic of that kind's frequency. What a fault looks
    like there (a line, its sidebands, its harmonics) is learnt once for all kinds, so that what is learnt of one bearing
    holds for another one of other geometry, and a kind with few recordings borrows from the others. It begins by naming the
    kind with the highest lines, as the rule without training does.
    """

    def __init__(
        self, kinds: Sequence[int], channels: int, harmonics: int, width: int = 8, places: int = 13, dropout: float = 0.3,
        reach: int = 2, trusted: int = 0, even: float = 0.0,
    ) -> None:  # fmt: skip
        """
        Args:
            kinds: For each class the number of its kind of fault among those of the input, or -1 for a class that is none
                of them (normal, other).
            channels: Bands in which the spectrum was taken.
            harmonics: Of each kind that the input holds.
            width: Channels of both layers.
            places: Places around a line that are told apart.
            dropout: Share of the features that is left out before the head while it trains.
            reach: Offsets on either side of a line among which its height is looked for.
            trusted: Channel whose lines decide before anything is learnt.
            even: Height, as the logarithm of a ratio to what is around, at which a kind is as probable as not before anything
                is learnt; it matters only where each class is asked by itself.

        Raises:
            ValueError: No class is a kind of fault.
        """
        nn.Module.__init__(self)
        if all(k < 0 for k in kinds):
            raise ValueError("None of the classes is a kind of fault: there are no lines to look at.")
        self.kinds, self.places, self.reach = tuple(kinds), places, reach
        self.count = max(kinds) + 1
        self.body = nn.Sequential(
            nn.Conv1d(harmonics, width, 9, 1, 4), nn.ReLU(inplace=True), nn.Conv1d(width, width, 9, 1, 4), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.each = width * places + channels
        self.width = self.each * self.count
        self.head = _LineHead(self.kinds, self.count, self.each, channels, trusted, dropout, even)

    def features(self, signal: Tensor) -> Tensor:
        """N×(kinds·(width·places + channels)) of an input N×kinds×channels×harmonics×offsets; of the bands the loudest counts."""
        n, kinds, channels, harmonics, offsets = signal.shape
        found = self.body(signal.reshape(-1, harmonics, offsets))
        found = nn.functional.adaptive_avg_pool1d(found, self.places).view(n, kinds, channels, -1).amax(2)
        middle = signal[..., offsets // 2 - self.reach : offsets // 2 + self.reach + 1]
        # of the powers the mean, as the rule takes it: one high harmonic counts, whichever it is
        height = 0.5 * ((2 * middle.amax(-1)).logsumexp(-1) - math.log(harmonics))
        return torch.cat([found, height], 2)[:, : self.count].flatten(1)


class _LineHead(nn.Module):
    """One score of each kind by the same weights; classes that are no kind are scored by the mean and largest of all."""

    def __init__(
        self,
        kinds: Sequence[int],
        count: int,
        each: int,
        heights: int,
        trusted: int,
        dropout: float,
        even: float,
    ) -> None:
        super().__init__()
        self.kinds, self.count, self.each, self.heights = tuple(kinds), count, each, heights
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(each, 1)
        # begins as the rule that needs no training: the highest lines decide
        with torch.no_grad():
            self.score.weight[:, each - heights :] = 0.0
            self.score.weight[:, each - heights + trusted] = _TRUST
        others = sum(k < 0 for k in kinds)
        self.others = nn.Linear(2 * each, others) if others else None
        self.bias = nn.Parameter(torch.tensor([-_TRUST * even if kind >= 0 else 0.0 for kind in kinds]))

    def forward(self, features: Tensor) -> Tensor:
        by_kind = features.view(
            features.shape[0], self.count, self.each
        )  # len() would fix the batch in an export
        learnt, heights = by_kind.split([self.each - self.heights, self.heights], 2)
        by_kind = torch.cat([self.dropout(learnt), heights], 2)
        scores = self.score(by_kind)[..., 0]
        if self.others is not None:
            rest = self.others(torch.cat([by_kind.mean(1), by_kind.amax(1)], 1))
        columns, other = [], 0
        for kind in self.kinds:
            if kind >= 0:
                columns.append(scores[:, kind])
            else:
                columns.append(rest[:, other])
                other += 1
        return torch.stack(columns, 1) + self.bias


class Answer(NamedTuple):
    """What a model of branches says.

    Attributes:
        logits: N×C of all branches together.
        embedding: N×width, of which the head makes the logits.
        branches: Logits N×C of each branch by itself; empty where there is one branch only.
    """

    logits: Tensor
    embedding: Tensor
    branches: dict[str, Tensor]


class BranchModel(nn.Module):
    """One network for each input, fused by a head over all their features; each answers for itself too.

    With one branch it is that branch: no head is added.

    Attributes:
        width: Features of all branches together.
        embedded: Gives the embedding N×width on; a student of this model listens there.
    """

    def __init__(self, branches: Mapping[str, SignalNetwork], outputs: int, dropout: float = 0.0) -> None:
        """
        Args:
            branches: Network by the name of its input.
            outputs: Classes.
            dropout: Share of the features that is left out before the common head while it trains.

        Raises:
            ValueError: There is no branch.
        """
        super().__init__()
        if not branches:
            raise ValueError("A model needs at least one branch.")
        self.branches = nn.ModuleDict(branches)
        self.width = sum(b.width for b in branches.values())
        # does nothing: a place at which others can listen to the embedding
        self.embedded = nn.Identity()
        self.head: nn.Module | None = None
        if len(branches) > 1:
            # features of a branch with larger values must not drown the others
            self.norms = nn.ModuleDict({name: nn.LayerNorm(b.width) for name, b in branches.items()})
            self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.width, outputs))

    def answer(self, inputs: Mapping[str, Tensor]) -> Answer:
        """Logits, embedding and the logits of each branch, of inputs by the names of the branches."""
        features = {name: branch.features(inputs[name]) for name, branch in self.branches.items()}  # type: ignore[operator]
        if self.head is None:
            ((name, embedding),) = features.items()
            embedding = self.embedded(embedding)
            return Answer(self.branches[name].head(embedding), embedding, {})  # type: ignore[operator]
        embedding = self.embedded(torch.cat([self.norms[name](value) for name, value in features.items()], 1))
        alone = {name: self.branches[name].head(value) for name, value in features.items()}  # type: ignore[operator]
        return Answer(self.head(embedding), embedding, alone)

    def forward(self, inputs: Mapping[str, Tensor] | Tensor, details: bool = False) -> Tensor | Answer:
        """Logits N×C, or the whole `Answer`; a single branch also takes its tensor by itself."""
        if isinstance(inputs, Tensor):
            inputs = dict.fromkeys(self.branches, inputs)
        answer = self.answer(inputs)
        return answer if details else answer.logits
