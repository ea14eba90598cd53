"""The parts of an exported segmentation network, and the original that it is compared with."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor, nn

from src.core.exporting.graph import ExportGraph, InsideNormalisation
from src.core.inference.model import LoadedModel
from src.models.base import SegmentationModel
from src.tasks.segmentation.jobs.export_config import ExportConfig

#: Name of the output in a file, by kind.
OUTPUTS = {"probabilities": "probabilities", "logits": "logits", "classes": "classes"}


class _Body(nn.Module):
    """A `SegmentationModel` without its padding, which the graph does in a form that exports for any size."""

    def __init__(self, model: SegmentationModel) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head = model.encoder, model.decoder, model.segmentation_head

    def forward(self, image: Tensor) -> Tensor:
        """N×C×H×W in multiples of the stride to logits N×K×H×W."""
        logits: Tensor = self.head(self.decoder(self.encoder(image)))
        return logits


class _Ending(nn.Module):
    """From logits N×K×H×W to the chosen output; K is 1 for an object against background."""

    def __init__(self, output: str, binary: bool, threshold: float) -> None:
        super().__init__()
        self.output, self.binary, self.threshold = output, binary, threshold

    def forward(self, logits: Tensor) -> Tensor:
        """Float32 N×K×H×W, or class numbers uint8 N×H×W."""
        if self.output == "logits":
            return logits
        if self.output == "classes" and not self.binary:
            return logits.argmax(1).to(torch.uint8)
        if not self.binary:
            return logits.softmax(1)
        probability = logits.sigmoid()
        return (
            probability
            if self.output == "probabilities"
            else (probability[:, 0] > self.threshold).to(torch.uint8)
        )


def build_graph(loaded: LoadedModel, config: ExportConfig) -> ExportGraph:
    """The graph of a model; the model itself is not touched."""
    model = copy.deepcopy(loaded.model).to("cpu", memory_format=torch.contiguous_format).float()  # type: ignore[call-overload]
    inside = (
        InsideNormalisation(loaded.normaliser, loaded.channels) if config.normalisation == "inside" else None
    )
    ending = _Ending(config.output, loaded.out_channels == 1, config.threshold)
    return ExportGraph(
        _Body(model), inside, ending, model.stride, model.minimum_size, half=config.precision == "fp16"
    ).eval()


class Original:
    """The model that is exported, asked the usual way, on the CPU in 32 bits."""

    def __init__(self, loaded: LoadedModel, threshold: float) -> None:
        self.loaded, self.threshold = loaded, threshold
        self.binary = loaded.out_channels == 1

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        """uint8 N×C×H×W to float32 N×K×H×W."""
        with torch.inference_mode():
            logits = self.loaded.model(self.normalised(image))
            found: np.ndarray = (logits.sigmoid() if self.binary else logits.softmax(1)).numpy()
        return found

    def normalised(self, image: np.ndarray) -> Tensor:
        """uint8 N×C×H×W to what the network takes."""
        return self.loaded.normaliser.to_float(torch.from_numpy(image))

    def fed(self, image: np.ndarray, inside: bool) -> np.ndarray:
        """The input of the export for uint8 images: themselves, or normalised."""
        return image if inside else self.normalised(image).contiguous().numpy()

    def classes(self, probabilities: np.ndarray) -> np.ndarray:
        """Class numbers uint8 N×H×W of probabilities N×K×H×W."""
        if self.binary:
            return (probabilities[:, 0] > self.threshold).astype(np.uint8)
        return probabilities.argmax(1).astype(np.uint8)

    def read(self, found: np.ndarray, output: str) -> tuple[np.ndarray, np.ndarray | None]:
        """Class numbers and, where the output has them, probabilities of what an export gave."""
        if output == "classes":
            return found, None
        if output == "logits":
            found = _sigmoid(found) if self.binary else _softmax(found)
        return self.classes(found), found


def _sigmoid(x: np.ndarray) -> np.ndarray:
    # the form that overflows for no number
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), 1 - 1 / (1 + np.exp(-np.abs(x)))).astype(np.float32)


def _softmax(x: np.ndarray) -> np.ndarray:
    power = np.exp(x - x.max(1, keepdims=True))
    found: np.ndarray = power / power.sum(1, keepdims=True)
    return found
