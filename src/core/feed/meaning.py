"""Ways to say, from Python, what mask values mean."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np

from src.core.dataset.config import MaskConfig
from src.core.dataset.files.images import read_mask
from src.core.dataset.findings import DatasetError, Finding
from src.core.dataset.mask_detection import detect_meaning
from src.core.dataset.masks import MaskMeaning

#: A declaration: complete, or the kind, or the number of classes, or their names; None detects and warns.
MaskDeclaration = MaskMeaning | MaskConfig | str | int | Sequence[str] | None
#: Masks that are read to detect a meaning, spread evenly over the set.
_MOST_MASKS = 200


def declared(meaning: MaskDeclaration) -> MaskConfig:
    """What is declared, as a configuration; its kind is ``detect`` where that is not enough to read masks.

    Raises:
        ValueError: a word that declares nothing.
    """
    if meaning is None or (isinstance(meaning, int) and meaning == 1):
        return MaskConfig()
    if isinstance(meaning, MaskConfig):
        return meaning
    if isinstance(meaning, MaskMeaning):
        return meaning.to_config()
    if isinstance(meaning, int):
        return MaskConfig(meaning="index", classes=[f"class_{k}" for k in range(meaning)])
    if isinstance(meaning, str):
        if meaning == "binary":  # the threshold depends on whether the object is 1 or 255
            return MaskConfig(classes=["background", "object"])
        if meaning == "index":
            return MaskConfig(meaning="index")
        raise ValueError(
            f"mask_meaning={meaning!r} is not known. Give 'binary', 'index', the number of classes, a list "
            "of their names, "
            "or a MaskMeaning."
        )
    names = list(meaning)
    return MaskConfig(classes=names) if len(names) == 2 else MaskConfig(meaning="index", classes=names)


def is_complete(config: MaskConfig) -> bool:
    """Masks can be read with it as it is."""
    return config.meaning == "binary" or (config.meaning == "index" and bool(config.classes or config.values))


def resolve_meaning(meaning: MaskDeclaration, mask_paths: Sequence[str]) -> MaskMeaning:
    """The meaning that is declared, or else the one that the files show, with a warning that says which.

    Raises:
        DatasetError: it contradicts itself, or the files do not make it clear.
    """
    config = declared(meaning)
    if is_complete(config):
        return MaskMeaning.from_config(config)
    counts: Counter[int] = Counter()
    chosen = mask_paths[:: max(1, -(-len(mask_paths) // _MOST_MASKS))]
    for path in chosen:
        values, numbers = np.unique(read_mask(path), return_counts=True)
        counts.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
    lossy = any(path.lower().endswith((".jpg", ".jpeg")) for path in chosen)
    found, findings = detect_meaning(counts, config, masks=len(chosen), lossy=lossy)
    if found is None:
        raise DatasetError(findings)
    announce(findings, found, stacklevel=4)
    return found


def announce(findings: Sequence[Finding], meaning: MaskMeaning | None, stacklevel: int = 3) -> None:
    """Raise errors, warn of warnings, and say what was detected."""
    if any(finding.severity == "error" for finding in findings):
        raise DatasetError(list(findings))
    for finding in findings:
        if finding.code == "masks.detected":
            warnings.warn(
                f"{finding.message} To declare it: mask_meaning={meaning!r}.", stacklevel=stacklevel
            )
        elif finding.severity == "warning":
            warnings.warn(f"{finding.message} {finding.cure}".strip(), stacklevel=stacklevel)
