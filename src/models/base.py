"""The class behind all architectures: an encoder, a decoder and a head of segmentation_models_pytorch in
one module."""

from __future__ import annotations

import difflib
import inspect
import warnings
from pathlib import Path
from typing import Any, ClassVar, Self

import torch.nn.functional as F
from torch import Tensor, nn

from src.models.any_size import guard_batch_norm, pad_to_stride
from src.models.encoder_weights import (
    WeightsReport,
    hub_address,
    load_encoder_weights,
    locate_hub_file,
    parse_weights,
    read_weights_file,
)
from src.models.encoders import UnsupportedCombinationError, resolve_encoder, why_refused
from src.models.stochastic_depth import set_dropout, set_stochastic_depth

# What smp's constructors take beside the options of the decoder. A classification head and an activation
# would change what `forward` returns; `upsampling` would change its size.
_NOT_OPTIONS = {
    "self",
    "kwargs",
    "encoder_name",
    "encoder_weights",
    "in_channels",
    "classes",
    "activation",
    "aux_params",
    "upsampling",
}


class SegmentationModel(nn.Module):
    """A network N×C×H×W -> logits N×classes×H×W for any height and width.

    Images are padded inside to what the network needs (mirrored, at the right and the bottom) and the
    logits cropped back. Training with a batch of one works in every architecture: see `GuardedBatchNorm2d`.
    Keys of the state dict are those of segmentation_models_pytorch, so its checkpoints fit.

    Attributes: `encoder`, `decoder`, `segmentation_head`; `encoder_name`, `in_channels`, `classes`;
    `stride` and `minimum_size`, in pixels, to which images are padded; `weights_report`, what became of the
    encoder weights (None without weights); `encoder_is_frozen`; `drop_channels`, the share of the decoder's
    channels that is dropped before the head while it trains.
    """

    architecture: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    _smp_class: ClassVar[type[nn.Module]]

    def __init__(
        self,
        encoder: str | None = None,
        encoder_weights: str | Path | None = "imagenet",
        in_channels: int = 3,
        classes: int = 1,
        *,
        encoder_name: str | None = None,
        stochastic_depth: float | None = None,
        dropout: float | None = None,
        **decoder_options: Any,
    ) -> None:
        """Build the network.

        `encoder` (or `encoder_name`, smp's word; resnet34 by default) is a name of
        `get_available_encoders()`; `encoder_weights` is `imagenet` or another name of weights, None, or a
        local file. `decoder_options` are those of the smp class of the same name, with its defaults
        (`encoder_depth`, `decoder_channels`, …). `stochastic_depth` and `dropout` take the place of what the encoder
        and the decoder have of their own, see `src.models.stochastic_depth`; None leaves that as it is.

        Raises ValueError for an unknown name, option or value, UnsupportedCombinationError (a ValueError)
        where the architecture cannot use the encoder or the encoder has no blocks to pass over,
        WeightsUnavailableError without a network, EncoderWeightsError and FileNotFoundError for a file that does not fit.
        """
        super().__init__()
        if encoder is not None and encoder_name is not None and encoder != encoder_name:
            raise ValueError(
                f"Two encoders are given: encoder={encoder!r} and encoder_name={encoder_name!r}."
            )
        if in_channels < 1 or classes < 1:
            raise ValueError(f"in_channels and classes must be at least 1, not {in_channels} and {classes}.")
        self.encoder_name = resolve_encoder(encoder or encoder_name or "resnet34")
        self.in_channels = in_channels
        self.classes = classes
        self.encoder_is_frozen = False
        self._check_options(decoder_options)
        weights = parse_weights(self.encoder_name, encoder_weights)
        network = self._build(decoder_options)
        self.encoder: Any = network.encoder
        self.decoder: Any = network.decoder
        self.segmentation_head: Any = network.segmentation_head
        self.weights_report = self._load(weights)
        self.stride = int(self.encoder.output_stride)
        self.minimum_size = self._minimum_size()
        guard_batch_norm(self)
        self.drop_channels = 0.0
        if dropout is not None:
            set_dropout(self, dropout)
        if stochastic_depth is not None:
            blocks = set_stochastic_depth(self.encoder, stochastic_depth)
            if stochastic_depth and not blocks:
                raise UnsupportedCombinationError(
                    f"{self.encoder_name} has no residual branches that stochastic depth could pass over."
                )

    def forward(self, image: Tensor) -> Tensor:
        """Logits N×classes×H×W of an image N×C×H×W."""
        height, width = image.shape[-2:]
        padded = pad_to_stride(image, self.stride, self.minimum_size)
        features = self.decoder(self.encoder(padded))
        if self.drop_channels:
            features = F.dropout2d(features, self.drop_channels, self.training)
        logits: Tensor = self.segmentation_head(features)
        return logits if padded is image else logits[..., :height, :width]

    def train(self, mode: bool = True) -> Self:
        """As in torch, but a frozen encoder stays in evaluation mode: statistics, dropout and stochastic
        depth."""
        super().train(mode)
        if self.encoder_is_frozen:
            self.encoder.eval()
        return self

    @classmethod
    def decoder_options(cls) -> dict[str, Any]:
        """The options that the architecture takes, with their defaults."""
        parameters = inspect.signature(cls._smp_class.__init__).parameters
        return {name: p.default for name, p in parameters.items() if name not in _NOT_OPTIONS}

    @classmethod
    def _check_options(cls, options: dict[str, Any]) -> None:
        # smp hands what it does not know to the encoder, where most encoders drop it without a word.
        known = cls.decoder_options()
        for name in options:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=3)
                hint = f"Did you mean {', '.join(close)}?" if close else f"It takes {', '.join(known)}."
                raise ValueError(f"{cls.architecture} has no option '{name}'. {hint}")
        norm = options.get("decoder_use_norm")
        if (norm.get("type") if isinstance(norm, dict) else norm) == "layernorm":
            # smp applies torch's LayerNorm, made for the channels, to the width of the image.
            raise ValueError(
                "decoder_use_norm='layernorm' does not work in smp; use 'batchnorm' or 'instancenorm'."
            )

    def _build(self, options: dict[str, Any]) -> Any:
        default_stride = (
            options.get("encoder_output_stride") != 32
        )  # with 32, PAN takes encoders without dilation
        if default_stride and (refusal := why_refused(self.architecture, self.encoder_name)):
            raise UnsupportedCombinationError(refusal)
        try:
            with warnings.catch_warnings():
                # "timm- is deprecated", "use True for tu-", "a tensor of no elements": none concerns the user
                warnings.simplefilter("ignore")
                return self._smp_class(
                    encoder_name=self.encoder_name,
                    encoder_weights=None,
                    in_channels=self.in_channels,
                    classes=self.classes,
                    **options,
                )
        except (
            AssertionError,
            IndexError,
            KeyError,
            NotImplementedError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            raise UnsupportedCombinationError(
                f"{self.architecture} cannot be built over {self.encoder_name}"
                f"{f' with {options}' if options else ''}: {str(error) or type(error).__name__}"
            ) from error

    def _load(self, weights: str | Path | None) -> WeightsReport | None:
        if weights is None:
            return None
        if isinstance(weights, Path):
            path, source = weights, str(weights)
        else:
            repository, revision = hub_address(self.encoder_name, weights)
            path, source = locate_hub_file(repository, revision), f"{weights} ({repository})"
        return load_encoder_weights(self.encoder, read_weights_file(path), self.in_channels, source)

    def _minimum_size(self) -> int:
        """The fewest pixels a side that the network can take; a class overrides it where that is more than
        a stride."""
        return 1
