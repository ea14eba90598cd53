"""Segmentation for the engine: data, network, loss, metrics, previews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from src.core.dataset.description import DatasetDescription
from src.core.dataset.findings import Finding
from src.core.dataset.masks import IGNORE_INDEX
from src.core.dataset.records import Split
from src.core.engine.groups import blocks_in_order
from src.core.engine.task import Batch, Loader, Metrics, PreviewItem, StepOutput, Task
from src.core.feed.augment import Augmentation
from src.core.feed.cache import CachedReader, PackedCache
from src.core.feed.dataset import ImageMaskDataset
from src.core.feed.loader import FeedLoader
from src.core.feed.normalise import ImageStandardiser, Normaliser
from src.core.feed.reading import FileReader, Reader
from src.core.run.model_source import ModelSource
from src.models.losses import SegmentationLoss
from src.models.metrics import MetricsTracker
from src.models.mixing import Mixed
from src.models.segmentation_models import (
    encoder_normalisation,
    freeze_encoder,
    unfreeze_encoder,
)  # fmt: skip
from src.tasks.segmentation.cached import prepare_cache
from src.tasks.segmentation.config import SegmentationConfig
from src.tasks.segmentation.initial import initial_model
from src.tasks.segmentation.loss import build_loss, build_mixing, positive_weight
from src.tasks.segmentation.measure import SegmentationMetrics
from src.tasks.segmentation.pictures import overlay
from src.tasks.segmentation.teacher import load_teacher


class SegmentationTask(Task):
    """Semantic segmentation, binary (one logit) or multi-class (a logit a class, background included)."""

    config: SegmentationConfig
    data: DatasetDescription

    def __init__(self, config: SegmentationConfig, data: DatasetDescription) -> None:
        super().__init__(config, data)
        self.metric = config.monitoring.best_metric
        if data.meaning is None:
            raise ValueError("The meaning of the mask values is not known: describe the data set first.")
        self.meaning = data.meaning
        self.class_names = list(data.class_names)
        self.normaliser = self._normaliser()
        self._losses: dict[str, SegmentationLoss] = {}
        self.mixing = build_mixing(config.training.regularisation, config.training.seed)
        self._cache: PackedCache | None = None

    def _normaliser(self) -> Normaliser | ImageStandardiser:
        model, wanted = self.config.model, self.config.data.normalise
        if wanted == "image" or (wanted == "auto" and not model.encoder_weights):
            return ImageStandardiser()
        norm = encoder_normalisation(model.encoder, model.encoder_weights)
        return Normaliser(norm.mean, norm.std)

    def prepare_data(
        self,
        progress: Callable[[int, int, str], None],
        cancelled: Callable[[], bool],
        note: Callable[[Finding], None],
    ) -> None:
        """Find or build the cache of decoded images."""
        self._cache = prepare_cache(self.config, self.data, self.meaning, progress, cancelled, note)

    def _dataset(self, split: Split, augmentation: Augmentation | None, size: int = 0) -> ImageMaskDataset:
        data = self.config.data
        files = FileReader(self.meaning, data.channels, self.data.intensity_range)
        reader: Reader = files if self._cache is None else CachedReader(files, self._cache)
        return ImageMaskDataset(
            self.data.samples[split], self.meaning, size or data.image_size, data.channels, data.resize, augmentation,
            self.config.training.seed, self.data.intensity_range, data.max_unreadable, reader,
        )  # fmt: skip

    def _augmentation(self, size: int) -> Augmentation:
        options = self.config.data.augmentation.model_dump()
        return Augmentation(size, fit=self.config.data.resize, **options)

    def build_loaders(self, device: torch.device) -> tuple[Loader, Loader | None]:
        """Training loader with augmentation and balance; validation loader without either."""
        train = self.resized_loader(self.full_size, device)
        self.val_set = self._dataset("val", None)
        batch, common = self.config.training.batch_size, self._feeding(device)
        val = FeedLoader(self.val_set, batch, **common) if len(self.val_set) else None
        return train, val

    @property
    def full_size(self) -> int:
        """The image size of the configuration."""
        return self.config.data.image_size

    def resized_loader(self, size: int, device: torch.device) -> Loader:
        """The training loader at another image size."""
        data = self.config.data
        self.train_set = self._dataset("train", self._augmentation(size), size)
        if data.resize == "crop" and data.crop_focus > 0:
            self.train_set.focus(self.data.anchors, data.crop_focus, self.data.class_pixels["train"])
        if data.copy_paste.probability:
            self.train_set.copy_paste(data.copy_paste, self.data.anchors, self.data.class_pixels["train"])
        return FeedLoader(
            self.train_set,
            self.config.training.batch_size,
            self.config.training.seed,
            shuffle=True,
            drop_last=True,
            balance=data.balance,
            class_balance=data.class_balance,
            **self._feeding(device),
        )

    def _feeding(self, device: torch.device) -> dict[str, Any]:
        data, cuda = self.config.data, device.type == "cuda"
        return {
            "workers": data.workers,
            "worker_kind": data.worker_kind,
            "device_type": device.type,
            "pin": cuda,
        }

    def build_model(self) -> nn.Module:
        """The network with the weights of another model, or its last layer starting from the shares of the classes."""
        pixels: list[int] = self.data.class_pixels["train"]
        return initial_model(
            self.config, self.meaning.out_channels, pixels, self.positive_weight, self.weights_follow
        )

    @property
    def positive_weight(self) -> float:
        """How many times object pixels count in the binary cross-entropy; 1 where it has no part in the loss."""
        return positive_weight(self.config.training.loss, self.meaning, self.data.class_pixels["train"])

    def encoder_blocks(self, model: nn.Module) -> list[list[Tensor]]:
        """Those of the encoder, found by passing an empty image through it."""
        network: Any = model
        side, device = max(network.stride, network.minimum_size), next(model.parameters()).device
        example = torch.zeros(1, self.config.data.channels, side, side, device=device)
        return blocks_in_order(network.encoder, example)

    def load_teacher(self, source: ModelSource) -> nn.Module:
        """A segmentation network that takes this training's images; those of another normalisation are converted for it."""
        return load_teacher(source, self.config.data.channels, self.normaliser)

    def features(self, model: nn.Module) -> tuple[nn.Module, int]:
        """The encoder, whose last output is its deepest map."""
        encoder: Any = model.encoder
        return encoder, int(encoder.out_channels[-1])

    def begin_epoch(self, model: nn.Module, epoch: int) -> None:
        """Freeze the encoder during the first epochs, then let it learn."""
        if epoch <= self.config.model.freeze_epochs:
            freeze_encoder(model)
        elif model.encoder_is_frozen:
            unfreeze_encoder(model)

    def prepare(self, batch: Batch, device: torch.device) -> Batch:
        """Normalised float images and masks on the device."""
        image = self.normaliser.to_float(
            batch["image"], device, channels_last=self.config.training.channels_last
        )
        return {**batch, "image": image, "mask": batch["mask"].to(device, non_blocking=True)}

    def loss_function(self, device: torch.device, smoothing: float = 0.0) -> SegmentationLoss:
        """The loss of the configuration, with the class weights of the training masks and smoothed labels."""
        options, pixels = self.config.training.loss, self.data.class_pixels["train"]
        return build_loss(options, self.meaning, pixels, self.positive_weight, smoothing).to(device)

    def _loss_of(self, phase: str, device: torch.device) -> SegmentationLoss:
        """Labels are smoothed in training only: validation losses of all runs can be compared."""
        if phase not in self._losses:
            smoothing = self.config.training.regularisation.label_smoothing if phase == "train" else 0.0
            self._losses[phase] = self.loss_function(device, smoothing)
        return self._losses[phase]

    def training_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        """Loss and its named parts, of images that are mixed where that is asked for."""
        mixed = self._mix(batch)
        logits = model(mixed.image)
        loss = self._loss_of("train", logits.device)
        terms = loss.terms(logits, mixed.mask)
        if mixed.other is not None:
            others = loss.terms(logits, mixed.other)
            terms = {k: mixed.share * v + (1 - mixed.share) * others[k] for k, v in terms.items()}
        total = terms.pop("total")
        return StepOutput(
            total, {k: v.detach() for k, v in terms.items()}, counted=lambda: mixed.known(IGNORE_INDEX)
        )

    def _mix(self, batch: Batch) -> Mixed:
        if self.mixing is None:
            return Mixed(batch["image"], batch["mask"])
        # a batch in pieces is mixed piece by piece: each has a first sample of its own
        place = (batch["epoch"], batch["number"], int(batch["index"][0]))
        return self.mixing(batch["image"], batch["mask"], place)

    def evaluation_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        """Loss and logits."""
        logits = model(batch["image"])
        terms = self._loss_of("val", logits.device).terms(logits, batch["mask"])
        total = terms.pop("total")
        return StepOutput(total, {k: v.detach() for k, v in terms.items()}, logits)

    def new_metrics(self, device: torch.device) -> Metrics:
        """Confusion counts on the device."""
        tracker = MetricsTracker(
            num_classes=self.meaning.out_channels, ignore_index=IGNORE_INDEX, class_names=self.class_names
        )
        return SegmentationMetrics(tracker)

    def sample_names(self, phase: str, indices: list[int]) -> list[str]:
        """The files' relative names."""
        dataset = self.train_set if phase == "train" else self.val_set
        return [dataset.sample_of(i).id for i in indices]

    def facts(self) -> dict[str, Any]:
        """All that is needed to use the weights without this run."""
        model, data = self.config.model, self.config.data
        return {
            "task": "segmentation",
            "architecture": model.architecture,
            "encoder": model.encoder,
            "in_channels": data.channels,
            "out_channels": self.meaning.out_channels,
            "classes": self.class_names,
            "masks": self.meaning.to_dict(),
            "image_size": data.image_size,
            "resize": data.resize,
            "sizes": {key: list(size) for key, size in self.data.sizes.items()},
            "normalise": self._normalisation_facts(),
            "intensity_range": list(self.data.intensity_range) if self.data.intensity_range else None,
        }

    def _normalisation_facts(self) -> dict[str, Any]:
        norm = self.normaliser
        if isinstance(norm, ImageStandardiser):
            return {"by": "image", "floor": norm.floor}
        return {"by": "constants", "mean": list(norm.mean), "std": list(norm.std), "range": norm.value_range}

    def preview_indices(self, count: int) -> list[int]:
        """Spread over the validation set, those that show an object first: an empty picture tells little."""
        having = np.flatnonzero(self.val_set.has_object)
        others = np.setdiff1d(np.arange(len(self.val_set)), having)
        wanted = min(count, len(self.val_set))
        from_having = min(len(having), max(wanted - min(1, len(others)), wanted - len(others)))
        chosen = (
            [having[i] for i in np.linspace(0, len(having) - 1, from_having).astype(int)]
            if from_having
            else []
        )
        rest = wanted - len(chosen)
        chosen += [others[i] for i in np.linspace(0, len(others) - 1, rest).astype(int)] if rest else []
        return [int(i) for i in chosen]

    def previews(self, model: nn.Module, device: torch.device, count: int) -> list[PreviewItem]:
        """Image, truth and prediction of the fixed samples, and each one's IoU."""
        items = []
        for index in self.preview_indices(count):
            item, _ = self.val_set.fetch(1, index)
            if item is None:
                continue
            raw = torch.from_numpy(item.image).permute(2, 0, 1)[None]
            logits = model(self.normaliser.to_float(raw, device)).float()
            labels = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)
            tracker = MetricsTracker(num_classes=self.meaning.out_channels, ignore_index=IGNORE_INDEX)
            tracker.update(logits, torch.from_numpy(item.mask)[None].to(device))
            picture = np.repeat(item.image, 3, axis=2) if item.image.shape[2] == 1 else item.image
            colours = self.meaning.num_classes
            items.append(
                PreviewItem(
                    sample=self.val_set.sample_of(index).id,
                    image=picture,
                    truth=overlay(picture, item.mask, colours),
                    prediction=overlay(picture, labels[0].cpu().numpy().astype(np.uint8), colours),
                    metric=float(tracker.get_summary()["iou"]["mean"]),
                )
            )
        return items

    def mend(self, error: Exception, device: torch.device) -> str:
        """A smaller batch first, then a smaller image."""
        batch, size = self.config.training.batch_size, self.config.data.image_size
        if batch > 1:
            half = max(1, batch // 2)
            return (
                f"Set the batch size from {batch} to {half} (training.batch_size={half} training.accumulate="
                f"{self.config.training.accumulate * 2} learns the same), then resume."
            )
        return f"Set the image size from {size} to {max(32, size // 2 // 32 * 32)} px (data.image_size), in a new run."
