"""Checks of what is marked: grey edges, exchanged sides, empty masks, balance of the classes, tiny objects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from src.core.dataset.checking.scan import Facts
from src.core.dataset.config import ImageDataConfig
from src.core.dataset.findings import (
    Action,
    Finding,
    Severity,
    counted,
    exclude,
    listed,
    named,
    setting,
    show,
)
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import SPLITS, Sample, Split

#: An object with a side below this many pixels, as the model sees it, can hardly be learned.
LEAST_SIDE = 3.0
#: From this share of the objects on, and this many, it is a warning.
_MANY_TINY, _LEAST_TINY = 0.05, 3
#: A single mask is taken for exchanged when this much of it, and of its border, is object where others hold little.
_MOSTLY, _USUAL = 0.5, 0.25
_BORDER = 0.9
#: The most frequent class may have this many times the pixels of another one.
_IMBALANCE = 1000
_FEW_IMAGES = 3


def antialiased(ids: Sequence[str], facts: Sequence[Facts], meaning: MaskMeaning) -> list[Finding]:
    """Binary masks with grey borders: how much depends on the threshold."""
    if meaning.kind != "binary":
        return []
    counts: Counter[int] = Counter()
    grey = []
    for sample_id, fact in zip(ids, facts, strict=True):
        values = {v for v in fact.values if v != meaning.ignore_value}
        counts.update({v: fact.values[v] for v in values})
        if len(values) > 2:
            grey.append(sample_id)
    if not grey or len(counts) <= 3:
        return []
    bright = meaning.foreground == "bright"
    chosen = sum(n for v, n in counts.items() if (v > meaning.threshold) == bright)
    low, high = min(counts), max(counts)
    touched = sum(n for v, n in counts.items() if (v > low if bright else v < high))
    if not chosen:
        return []
    side = "above" if bright else "up to"
    text = f"{counted(len(grey), 'mask has', 'masks have')} grey borders (smoothed or compressed). The object is "
    text += f"{side} {meaning.threshold}; with every value {'above ' + str(low) if bright else 'below ' + str(high)} "
    text += f"it would have {touched / chosen - 1:.0%} more pixels."
    cure = f"Keep the threshold, and the same one for every run: data.masks.threshold: {meaning.threshold}."
    actions = (
        Action("set", "Keep this threshold for every run", {"data.masks.meaning": "binary", "data.masks.threshold": meaning.threshold,
                                                 "data.masks.foreground": meaning.foreground}),
        show(grey),
    )  # fmt: skip
    return [Finding("notice", "masks.antialiased", text, cure, named(grey), actions)]


def inverted(samples: Sequence[Sample], facts: Mapping[str, Facts], meaning: MaskMeaning) -> list[Finding]:
    """Single masks whose object covers nearly everything, unlike the others: their sides are exchanged."""
    if meaning.kind != "binary":
        return []
    shares: dict[str, float] = {}
    for sample in samples:
        counts = meaning.encode_counts(facts[sample.id].values)[0]
        if sample.mask is not None and counts[1]:
            shares[sample.id] = float(counts[1] / max(1, counts.sum()))
    if len(shares) < 3 or float(np.median(list(shares.values()))) > _USUAL:
        return []
    found = []
    for sample_id, share in shares.items():
        objects = facts[sample_id].objects
        if share > _MOSTLY and (objects is None or objects.border > _BORDER):
            found.append(sample_id)
    if not found:
        return []
    middle = float(np.median(list(shares.values())))
    text = f"On {counted(len(found), 'mask')} the object covers nearly everything and runs along the whole border "
    text += f"({shares[found[0]]:.0%} on {found[0]}; {middle:.1%} on the middle one): object and background seem exchanged."
    cure = "Invert these masks in the program that drew them, or leave them out."
    return [Finding("warning", "masks.inverted", text, cure, named(found), (exclude(found), show(found)))]


def empty_masks(samples: Sequence[Sample], meaning: MaskMeaning, column: str) -> list[Finding]:
    """Images without any object, and those among them whose stratum or folder says otherwise."""
    if meaning.kind != "binary":
        return []
    empty = [s for s in samples if not s.has_object]
    if not empty or len(empty) == len(samples):
        return []
    text = f"Nothing is marked on {len(empty)} of {len(samples)} images."
    cure = "Right, if these show no defect; else correct their masks, or leave them out."
    ids = [s.id for s in empty]
    findings = [Finding("notice", "masks.empty", text, cure, named(ids), (show(ids), exclude(ids)))]
    if column:
        return findings + _unlike_others(samples, {s.id: s.stratum for s in samples}, column)
    return findings + _unlike_others(samples, {s.id: s.id.rpartition("/")[0] for s in samples}, "folder")


def _unlike_others(samples: Sequence[Sample], kind_of: Mapping[str, str], word: str) -> list[Finding]:
    """Empty masks in a kind of image that is mostly marked; a folder must have one beside it that is not."""
    kinds: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        kinds[kind_of[sample.id]].append(sample)
    if word == "folder" and not any(2 * sum(s.has_object for s in m) < len(m) for m in kinds.values()):
        return []
    findings = []
    for kind, members in sorted(kinds.items()):
        odd = [s.id for s in members if not s.has_object]
        if odd and 2 * len(odd) < len(members):
            text = f"{counted(len(odd), 'mask')} of {word} '{kind}' {'holds' if len(odd) == 1 else 'hold'} nothing, unlike "
            text += f"the {len(members) - len(odd)} others."
            cure = "Mark the defect, or leave the images out: they teach that it is none."
            actions = (show(odd), exclude(odd))
            findings.append(Finding("warning", "masks.empty_in_stratum", text, cure, named(odd), actions))
    return findings


def balance(
    samples: Sequence[Sample], pixels: Mapping[Split, Sequence[int]], meaning: MaskMeaning
) -> list[Finding]:
    """How often each class occurs, by pixels and by images; a warning for one that hardly does."""
    totals = np.sum([np.asarray(pixels[part], np.float64) for part in SPLITS if pixels.get(part)], axis=0)
    if not np.any(totals):
        return []
    images = Counter(number for sample in samples for number in sample.classes)
    shares = totals / totals.sum()
    lines = [
        f"{name} {share:.2%} of the pixels, on {images[number]} of {len(samples)} images"
        for number, (name, share) in enumerate(zip(meaning.classes, shares, strict=True))
    ]
    text = f"How often the classes occur, all parts together: {listed(lines, 12)}."
    findings = [Finding("notice", "classes.balance", text)]
    present = [k for k in range(meaning.num_classes) if totals[k]]
    rare = [
        k
        for k in present
        if totals.max() > _IMBALANCE * totals[k] or (len(samples) >= 20 and images[k] < _FEW_IMAGES)
    ]
    if rare and meaning.num_classes > 2:
        names = [
            f"{meaning.classes[k]} ({shares[k]:.3%} of the pixels, {counted(images[k], 'image')})"
            for k in rare
        ]
        text = f"{counted(len(rare), 'class', 'classes')} hardly ever {'occurs' if len(rare) == 1 else 'occur'}: "
        text += f"{listed(names, 6)}."
        cure = "Add images that hold them, or show them more often (data.class_balance)."
        holding = [s.id for s in samples if set(s.classes) & set(rare)]
        actions = (setting("Show rare classes more often", data__class_balance=0.5), show(holding))
        where = tuple(meaning.classes[k] for k in rare)
        findings.append(Finding("warning", "classes.rare", text, cure, where, actions))
    return findings


def tiny_objects(
    samples: Sequence[Sample], facts: Mapping[str, Facts], config: ImageDataConfig
) -> list[Finding]:
    """Objects that shrink below ``LEAST_SIDE`` pixels when the image is brought to the size of the model."""
    total = lost = specks = 0
    needed: list[float] = []
    where: dict[str, int] = {}
    for sample in samples:
        objects = facts[sample.id].objects
        if objects is None or not len(objects.sizes):
            continue
        # A mask with thousands of objects keeps the sizes of some: each of these stands for several.
        weight = objects.number / len(objects.sizes)
        across, down = scale_of(sample.width, sample.height, config)
        before = objects.sizes[:, 2:4].min(axis=1)
        after = np.minimum(objects.sizes[:, 2] * across, objects.sizes[:, 3] * down)
        small = (after < LEAST_SIDE) & (before >= LEAST_SIDE)
        total += objects.number
        lost += round(weight * int(small.sum()))
        specks += round(weight * int((before < LEAST_SIDE).sum()))
        if small.any():
            where[sample.id] = int(small.sum())
            needed.append(config.image_size * LEAST_SIDE / max(0.1, float(after[small].min())))
    if not lost:
        return []
    share = lost / max(1, total)
    ids = sorted(where, key=lambda i: (-where[i], i))
    text = f"{lost} of {counted(total, 'object')} ({share:.1%}) become smaller than {LEAST_SIDE:g} pixels when the images are "
    text += f"brought to {config.image_size} pixels (data.resize: {config.resize})."
    if specks:
        text += f" {specks} more are that small in the files already."
    size = min(4096, int(np.ceil(np.median(needed) / 32) * 32))
    cure = "They vanish, wholly or in part. Take windows at full resolution (data.resize: crop)"
    cure += f", or a larger data.image_size ({size} for half of the images)."
    actions = [setting("Cut windows at full resolution", data__resize="crop")]
    if size > config.image_size:
        actions.append(setting(f"Image size {size}", data__image_size=size))
    severity: Severity = "warning" if share >= _MANY_TINY and lost >= _LEAST_TINY else "notice"
    return [Finding(severity, "objects.tiny", text, cure, named(ids), (*actions, show(ids)))]


def scale_of(width: int, height: int, config: ImageDataConfig) -> tuple[float, float]:
    """How much an image shrinks or grows, across and down."""
    if config.resize == "crop" or not width or not height:
        return 1.0, 1.0
    across, down = config.image_size / width, config.image_size / height
    return (across, down) if config.resize == "stretch" else (min(across, down),) * 2
