"""Libraries that are not installed with Lathe itself: why what needs one cannot be chosen here, and what installs it."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    """One choice that needs more than ``requirements.txt``.

    Attributes:
        title: For people.
        modules: All of them are needed; the names by which they are imported.
        install: The command that installs them.
    """

    title: str
    modules: tuple[str, ...]
    install: str


#: docs/decisions.md says why some are in no list of requirements.
LIBRARIES = {
    "tensorboard": Library(
        "TensorBoard", ("tensorboard",), "python -m pip install -r requirements-track.txt -c constraints.txt"
    ),
    "mlflow": Library("MLflow", ("mlflow",), 'python -m pip install "mlflow-skinny>=3,<4"'),
    "wandb": Library("Weights & Biases", ("wandb",), 'python -m pip install "wandb>=0.19,<1"'),
    "optuna": Library(
        "Optuna", ("optuna",), "python -m pip install -r requirements-search.txt -c constraints.txt"
    ),
    "lightning-fabric": Library(
        "Lightning Fabric", ("lightning_fabric",), "python -m pip install -r requirements-devices.txt -c constraints.txt"
    ),
    "onnx": Library(
        "ONNX", ("onnx", "onnxscript", "onnxruntime"),
        "python -m pip install -r requirements-export.txt -c constraints.txt",
    ),
}  # fmt: skip
#: In a mapping of values to reasons: every value but the option's default.
ANY = "*"


def missing(name: str) -> str:
    """Why what needs the library ``name`` (of `LIBRARIES`) cannot be used here: a sentence, then the command that installs
    it. Empty where it can.
    """
    library = LIBRARIES[name]
    absent = [module for module in library.modules if importlib.util.find_spec(module) is None]
    if not absent:
        return ""
    what = library.title if len(library.modules) == 1 else ", ".join(absent)
    verb = "is" if len(absent) == 1 else "are"
    if getattr(sys, "frozen", False):
        return f"{what} {verb} not part of this program. Run Lathe from its source, with: {library.install}"
    return f"{what} {verb} not installed. Install with: {library.install}"
