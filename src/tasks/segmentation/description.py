"""The torch-free side of segmentation: choices, checks and the facts of a summary."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.config.files import RESOURCES
from src.core.config.idle import idle_options
from src.core.config.layers import nearest
from src.core.dataset.contract import IMAGES_WITH_MASKS
from src.core.dataset.findings import Finding, counted
from src.core.task_info import CAPABILITIES, TaskInfo
from src.tasks.segmentation.config import SegmentationConfig
from src.tasks.segmentation.jobs import JOBS
from src.tasks.segmentation.learning import check_learning
from src.tasks.segmentation.start import check_start

if TYPE_CHECKING:
    from src.core.dataset.describe import DatasetDescription

METRICS = {"iou": "IoU", "dice": "Dice", "f1": "F1", "accuracy": "Pixel accuracy"}


@functools.cache
def encoder_table() -> dict[str, Any]:
    """The table of encoders and architectures, made from the installed library and kept with the program."""
    table: dict[str, Any] = json.loads((RESOURCES / "encoders.json").read_text("utf-8"))
    return table


def choices(name: str) -> Mapping[str, str]:
    """Values and labels of the lists that the schema names but does not hold."""
    if name == "encoders":
        return {e["name"]: f"{e['name']}  ({e['parameters_m']:.1f} M)" for e in encoder_table()["encoders"]}
    if name == "encoder_weights":
        return {"": "None (random weights)", "imagenet": "ImageNet (downloaded once)"}
    if name == "metrics":
        return METRICS
    return {}


def labels(config: SegmentationConfig) -> tuple[str, str]:
    """Two short words for the run's name: the data set's folder and the network."""
    data = config.data
    source = (data.table and str(Path(data.table).parent)) or data.images_dir or data.split_dir
    path = Path(source)
    name = (
        path.parent.name if path.name.lower() in ("images", "imgs", "image", "train", "splits") else path.name
    )
    return name or "data", f"{config.model.architecture}-{config.model.encoder}"


def _check_model(config: SegmentationConfig) -> list[Finding]:
    found = []
    names = [e["name"] for e in encoder_table()["encoders"]]
    model = config.model
    if model.encoder not in names:
        found.append(
            Finding("error", "unknown-encoder", f"There is no encoder “{model.encoder}”.{nearest(model.encoder, names)}",
                    "Choose one from the list.", ("model.encoder",))
        )  # fmt: skip
    else:
        entry = next(e for e in encoder_table()["encoders"] if e["name"] == model.encoder)
        if reason := entry["refuses"].get(model.architecture):
            found.append(
                Finding("error", "encoder-refused", f"{model.architecture} cannot be built over {model.encoder}. {reason}",
                        "Choose another encoder, or FPN.", ("model.encoder",))
            )  # fmt: skip
        if model.encoder_weights == "imagenet" and not entry.get("imagenet"):
            found.append(
                Finding("error", "no-weights", f"There are no ImageNet weights for {model.encoder}.",
                        "Choose None, a file, or another encoder.", ("model.encoder_weights",))
            )  # fmt: skip
    weights = model.encoder_weights
    if weights and weights.lower() not in ("imagenet", "none") and not Path(weights).is_file():
        found.append(
            Finding("error", "weights-missing", f"The file of encoder weights {weights} does not exist.",
                    "Choose an existing .pth, .pt or .safetensors file, imagenet, or none.", ("model.encoder_weights",))
        )  # fmt: skip
    if model.freeze_epochs and not weights and not model.start_from:
        found.append(
            Finding("warning", "frozen-random", "The encoder is frozen although it starts from random weights: "
                    "it cannot learn anything during those epochs.", "Set the number of frozen epochs to 0.",
                    ("model.freeze_epochs",))
        )  # fmt: skip
    return found


def _check_training(config: SegmentationConfig) -> list[Finding]:
    found = []
    loss, metric = config.training.loss, config.monitoring.best_metric
    if loss.name == "combined" and loss.dice_weight + loss.bce_weight + loss.focal_weight == 0:
        found.append(
            Finding("error", "no-loss", "All parts of the combined loss have weight 0.", "Give at least one a weight.",
                    ("training.loss.dice_weight",))
        )  # fmt: skip
    if metric not in METRICS:
        found.append(
            Finding("error", "unknown-metric", f"There is no metric “{metric}”.{nearest(metric, list(METRICS))}",
                    f"Choose one of {', '.join(METRICS)}.", ("monitoring.best_metric",))
        )  # fmt: skip
    if config.model.freeze_epochs >= config.training.epochs and config.model.freeze_epochs:
        found.append(
            Finding("warning", "always-frozen", "The encoder stays frozen for the whole run.",
                    "Freeze it for fewer epochs, unless you mean it.", ("model.freeze_epochs",))
        )  # fmt: skip
    if config.training.schedule.warmup_epochs >= config.training.epochs:
        found.append(
            Finding("warning", "long-warmup", "The warm-up is as long as the run: the learning rate never reaches its value.",
                    "Shorten the warm-up.", ("training.schedule.warmup_epochs",))
        )  # fmt: skip
    return found


def _check_source(config: SegmentationConfig) -> list[Finding]:
    data = config.data
    if not (data.table or data.images_dir or data.split_dir):
        return [Finding("error", "no-source", "No images were chosen.", "Choose a folder of images and one of masks, "
                        "split files, or a table.", ("data.images_dir",))]  # fmt: skip
    found = []
    for key in ("images_dir", "masks_dir", "split_dir"):
        folder = getattr(data, key)
        if folder and not Path(folder).is_dir():
            found.append(Finding("error", "folder-missing", f"The folder {folder} does not exist.",
                                 "Choose an existing folder, or put it back.", (f"data.{key}",)))  # fmt: skip
    if data.table and not Path(data.table).is_file():
        found.append(Finding("error", "table-missing", f"The table {data.table} does not exist.",
                             "Choose an existing CSV file, or put it back.", ("data.table",)))  # fmt: skip
    if data.images_dir and not data.masks_dir and not data.table and not data.split_dir:
        found.append(Finding("error", "no-masks-dir", "No folder of masks was chosen.",
                             "Choose it; it may be the folder of the images.", ("data.masks_dir",)))  # fmt: skip
    if data.split.val_fraction + data.split.test_fraction >= 1:
        found.append(Finding("error", "no-training-share", "Validation and test take all samples.",
                             "Lower one of the shares.", ("data.split.val_fraction",)))  # fmt: skip
    return found


def check(config: SegmentationConfig, data: DatasetDescription | None) -> list[Finding]:
    """Findings on a configuration; with the description of the data set also those that need both."""
    found = _check_model(config) + _check_training(config) + _check_source(config) + idle_options(config)
    found += check_start(config, data) + check_learning(
        config, _entry("encoders", config.model.encoder), data
    )
    if data is None:
        return found
    found += data.findings
    images = len(data.samples.get("train", ()))
    if 0 < images < config.training.batch_size:
        found.append(
            Finding("warning", "large-batch", f"The batch of {config.training.batch_size} is larger than the training part with "
                    f"its {counted(images, 'image')}: each step sees all of it once.",
                    f"Choose a batch size of {images // 2} or less." if images > 3 else "Add images.",
                    ("training.batch_size",))
        )  # fmt: skip
    return found


def describe_data(
    config: SegmentationConfig,
    progress: Callable[[int, int, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    quick: bool = False,
    anew: bool = False,
    store: bool = True,
) -> DatasetDescription:
    """Read the data set; its last split goes on. Imported late: the window must not wait for OpenCV."""
    from src.core.dataset.splitting.split_memory import describe_remembered

    return describe_remembered(config.data, progress, cancelled, anew=anew, store=store, quick=quick)


def load_description(folder: Path, config: SegmentationConfig) -> DatasetDescription:
    """The description that a run wrote down, with what became of its files since."""
    from src.core.dataset.description import DatasetDescription
    from src.core.dataset.splitting.split_memory import added_since

    found = DatasetDescription.load(folder)
    found.findings += added_since(config.data, found)
    return found


def estimate(config: SegmentationConfig) -> Mapping[str, float]:
    """Parameters in millions, from the table, or nothing for an encoder that it does not hold."""
    entry = next((e for e in encoder_table()["encoders"] if e["name"] == config.model.encoder), None)
    if entry is None or config.model.architecture not in entry["decoder_parameters_m"]:
        return {}
    return {"parameters_m": entry["parameters_m"] + entry["decoder_parameters_m"][config.model.architecture]}


def _entry(kind: str, name: Any) -> dict[str, Any] | None:
    return next((e for e in encoder_table()[kind] if e["name"] == name), None)


def _explain_architecture(name: Any) -> str:
    entry = _entry("architectures", name)
    return f"{entry['title']}\n{entry['description']}\n{entry['source']}." if entry else ""


def _explain_encoder(name: Any) -> str:
    entry = _entry("encoders", name)
    if entry is None:
        return ""
    lines = [f"{name}, family {entry['family']}", f"{entry['parameters_m']:.1f} million parameters."]
    others = [w for w in entry["weights"] if w != "imagenet"]
    if entry["imagenet"]:
        lines.append(
            f"ImageNet weights: {entry['hub']} on the Hugging Face hub, whose page states their licence."
        )
    else:
        lines.append(
            "There are no weights from ImageNet alone: it starts from random weights, or from a file."
        )
    if others:
        lines.append(f"Also published, for use as a file: {', '.join(others)}.")
    if refused := [_title(a) for a in entry["refuses"]]:
        lines.append(f"It cannot be combined with {', '.join(refused)}.")
    return "\n".join(lines)


def _title(architecture: str) -> str:
    entry = _entry("architectures", architecture)
    return str(entry["title"]) if entry else architecture


def _explain_weights(weights: Any) -> str:
    if not weights or str(weights).lower() == "none":
        return (
            "Random weights\nNothing is downloaded, and nobody else has a say in the use of the model. It needs more "
            "images and more epochs than pretrained weights do."
        )
    if weights == "imagenet":
        return (
            "ImageNet weights\nDownloaded once from the Hugging Face hub and kept on this machine. Fewer images and "
            "epochs suffice. The images of ImageNet are for research only; whether models that begin with its weights "
            "may be sold is for you to settle, with the licence that their page states."
        )
    return f"Weights from a file\n{weights}\nIt must have been made for this encoder."


def _explain_start(start: Any) -> str:
    if not start:
        return ""
    return (
        f"Weights of a model\n{start}\nThe whole network begins with what that model learnt. The encoder weights only decide "
        "how images are normalised: leave them as they were for that model."
    )


_EXPLAINED = {
    "model.architecture": _explain_architecture,
    "model.encoder": _explain_encoder,
    "model.encoder_weights": _explain_weights,
    "model.start_from": _explain_start,
}


def explain(key: str, value: Any, values: Mapping[str, Any]) -> str:
    """What the table knows of an architecture, an encoder or its weights: a title, then sentences."""
    if key == "model.encoder_weights" and values.get("model.start_from"):
        return ""  # the training begins with other weights
    found = _EXPLAINED.get(key)
    return found(value) if found else ""


SEGMENTATION = TaskInfo(
    id="segmentation",
    title="Semantic segmentation",
    about="Every pixel gets a class: defects on a surface, regions of a scene.",
    config=SegmentationConfig,
    runtime="src.tasks.segmentation.task:SegmentationTask",
    metrics=METRICS,
    choices=choices,
    labels=labels,
    check=check,
    describe=describe_data,
    load_description=load_description,
    look=IMAGES_WITH_MASKS,
    estimate=estimate,
    explain=explain,
    jobs=JOBS,
    capabilities=CAPABILITIES,
)
