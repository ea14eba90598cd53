"""Options beside the loop: weights averaged at the end, growing images, aids for finding faults, and trackers."""

from __future__ import annotations

from src.core.config.conditions import unless, when
from src.core.config.fields import Section, option
from src.core.config.libraries import ANY, LIBRARIES, missing

#: Module of each tracker's library, and what it is called.
TRACKERS = {
    name: (LIBRARIES[name].modules[0], LIBRARIES[name].title) for name in ("tensorboard", "mlflow", "wandb")
}


class SwaConfig(Section):
    """Stochastic weight averaging (Izmailov et al. 2018)."""

    from_epoch: int = option(
        0, "Average epochs from", "From this epoch on the plain mean of the weights at each epoch's end is validated and kept, "
        "instead of the running average; 0 turns it off. The rate should stay high then: a constant schedule.",
        unit="epoch", ge=0, advanced=True,
    )  # fmt: skip
    norm_batches: int = option(
        100, "Normalisation from", "Training batches from which the statistics of batch normalisation are computed anew for the "
        "mean weights, after each epoch.", unit="batches", ge=1, le=100_000, advanced=True,
        applies=[unless("from_epoch", 0, because="epochs are not averaged")],
    )  # fmt: skip


class ResizingConfig(Section):
    """Progressive resizing: early epochs on small images are cheap and do no harm."""

    start: float = option(
        1.0, "Begin with images of", "Share of the image size in the first epochs; 1 turns it off. Validation, and the epochs at "
        "the end, always have the full size.", gt=0, le=1, advanced=True,
    )  # fmt: skip
    steps: int = option(
        3, "Sizes", "In so many steps, of equal numbers of epochs, the images grow to their full size, which is the last.",
        ge=2, le=20, advanced=True, applies=[unless("start", 1.0, because="images do not grow")],
    )  # fmt: skip
    until: float = option(
        0.6, "Full size after", "Share of the epochs after which images have their full size.", gt=0, lt=1, advanced=True,
        applies=[unless("start", 1.0, because="images do not grow")],
    )  # fmt: skip

    def size_at(self, epoch: int, epochs: int, full: int, multiple: int = 32) -> int:
        """Side of the training images in an epoch (from 1): a multiple of ``multiple``, except for ``full`` itself."""
        if self.start >= 1 or epoch > self.until * epochs:
            return full
        step = int((epoch - 1) / (self.until * epochs) * (self.steps - 1))
        share = self.start + (1 - self.start) * step / (self.steps - 1)
        return min(full, max(multiple, round(full * share / multiple) * multiple))


class DebugConfig(Section):
    """Aids for finding faults; a run with any of them says so."""

    fast: bool = option(
        False, "Quick trial", "Two epochs of four training and two validation batches, with everything else as it is: shows "
        "within moments whether a run works. Its model is worth nothing.", advanced=True,
    )  # fmt: skip
    overfit_batches: int = option(
        0, "Learn by heart", "Every epoch repeats the first so many training batches; a model and loss that work bring the "
        "training loss close to zero. 0 turns it off.", unit="batches", ge=0, le=10_000, advanced=True,
    )  # fmt: skip
    profile_steps: int = option(
        0, "Profile", "Records what processor and GPU do during so many updates into profile/ of the run; 0 turns it off. "
        "These updates are slower.", unit="updates", ge=0, le=200, advanced=True,
    )  # fmt: skip


class TrackersConfig(Section):
    """Programs that show runs; each is fed by a process of its own, so none of them can stop or slow a run."""

    tensorboard: bool = option(
        False,
        "TensorBoard",
        "Writes curves and previews for TensorBoard, into tensorboard/ of the run.",
        advanced=True,
    )
    mlflow: bool = option(
        False,
        "MLflow",
        "Sends options and curves to MLflow: to a server, or to a file in the workspace.",
        advanced=True,
    )
    wandb: bool = option(
        False,
        "Weights & Biases",
        "Records options and curves for Weights & Biases, in wandb/ of the run.",
        advanced=True,
    )
    project: str = option(
        "lathe",
        "Project",
        "The name under which trackers gather runs.",
        min_length=1,
        max_length=120,
        advanced=True,
    )
    mlflow_server: str = option(
        "", "MLflow server", "Its address, such as http://host:5000; empty keeps runs in a file of the workspace.",
        advanced=True, applies=[when("mlflow")],
    )  # fmt: skip
    wandb_online: bool = option(
        False, "Send to wandb.ai", "Without it nothing leaves this machine; “wandb sync” sends it later.", advanced=True,
        applies=[when("wandb")],
    )  # fmt: skip

    def wanted(self) -> list[str]:
        """The trackers that are turned on."""
        return [name for name in TRACKERS if getattr(self, name)]


def availability() -> dict[str, str]:
    """For each tracker why it cannot be used here, as a sentence with the cure; empty where it can."""
    return {name: missing(name) for name in TRACKERS}


def unavailable() -> dict[str, dict[str, str]]:
    """Of the options of a training, as ``JobInfo.unavailable`` of those of a job: key to the values that cannot be chosen on
    this machine, each with the reason and its cure. Windows grey them.
    """
    found = {f"monitoring.trackers.{name}": reason for name, reason in availability().items()}
    found["training.devices"] = missing("lightning-fabric")
    return {key: {ANY: reason} for key, reason in found.items() if reason}
