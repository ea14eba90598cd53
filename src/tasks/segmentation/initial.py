"""The weights with which a training begins."""

from __future__ import annotations

from torch import nn

from src.core.dataset.weights import foreground_prior
from src.core.engine.checkpoint import CheckpointError, load_into, read_weights
from src.core.run.model_source import ModelError, find_model
from src.models.segmentation_models import build_model, set_prior_bias
from src.tasks.segmentation.config import SegmentationConfig


class StartError(Exception):
    """The model that a training is to begin from cannot be used; ``cure`` says what to do."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


def initial_model(
    config: SegmentationConfig,
    outputs: int,
    pixels: list[int],
    positive_weight: float,
    weights_follow: bool = False,
) -> nn.Module:
    """The network as the first step of a training finds it.

    Args:
        config: Of the run. With ``model.start_from`` all weights come from that model.
        outputs: Channels of the output.
        pixels: Training pixels of each class, for the bias of the last layer.
        positive_weight: How many times object pixels count in a binary loss.
        weights_follow: A checkpoint is loaded into it next: nothing is read or downloaded for it.

    Raises:
        StartError: The model to start from is not there, is damaged, or has another form.
    """
    model = config.model
    weights = None if model.start_from or weights_follow else model.encoder_weights
    network = build_model(
        model.architecture, model.encoder, weights, config.data.channels, outputs,
        stochastic_depth=model.stochastic_depth, dropout=model.dropout,
    )  # fmt: skip
    if weights_follow:
        return network
    if model.start_from:
        _take_weights(network, model.start_from)
    elif model.prior_bias and any(pixels):
        shares = foreground_prior(pixels)
        if outputs > 1:
            set_prior_bias(network, shares.tolist())
        else:  # where object pixels count w times, the constant that costs least is p·w / (p·w + 1 - p)
            object_share = float(shares[-1]) * positive_weight
            set_prior_bias(network, object_share / (object_share + float(shares[0])))
    return network


def _take_weights(network: nn.Module, start_from: str) -> None:
    try:
        source = find_model(start_from)
        weights, _ = read_weights(source.path)
        load_into(network, weights, source.name)
    except ModelError as error:
        raise StartError(
            f"The training cannot start from {start_from}: {error}",
            error.cure or "Choose another model to start from (model.start_from), or none.",
        ) from None
    except CheckpointError as error:
        raise StartError(
            f"The training cannot start from {start_from}. {error}",
            "Choose another model to start from (model.start_from), or none.",
        ) from None
