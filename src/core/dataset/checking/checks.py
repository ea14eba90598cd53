"""Checks of a scanned data set: each returns findings, none raises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from src.core.dataset.checking.scan import Facts
from src.core.dataset.config import ImageDataConfig
from src.core.dataset.findings import Action, Finding, counted, exclude, listed, named, setting, show
from src.core.dataset.mask_detection import detect_meaning
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample, Split
from src.core.dataset.sources.source_rows import Row


def unreadable(
    quarantined: Sequence[tuple[str, str]], images: int, total: int, allowed: float
) -> list[Finding]:
    """Files that are left out: a warning up to the allowed share of the images, an error above it.

    Args:
        quarantined: Path and reason of each file.
        images: Images that are left out because of them; both files of one may be damaged.
        total: Images of the set.
        allowed: Share of them.
    """
    if not quarantined:
        return []
    share = images / max(1, total)
    first = listed([f"{path} {reason}" for path, reason in quarantined], 1)
    text = f"{counted(len(quarantined), 'file')} cannot be used: {first}."
    where = named(f"{path}: {reason}" for path, reason in quarantined)
    paths = [path for path, _ in quarantined]
    actions = (exclude(paths, "file"), show(paths, "Show the files"))
    if share > allowed:
        text += f" That is {share:.1%} of the images, more than data.max_unreadable allows ({allowed:.1%})."
        cure = "Replace or remove the files, or raise data.max_unreadable."
        return [Finding("error", "files.unreadable", text, cure, where, actions)]
    text += " They are left out."
    return [Finding("warning", "files.unreadable", text, "Replace or remove the files.", where, actions)]


def colour_masks(rows: Sequence[Row], facts: Sequence[Facts]) -> list[Finding]:
    """Masks that are coloured pictures."""
    coloured = [row.mask or "" for row, fact in zip(rows, facts, strict=True) if fact.colour_mask]
    if not coloured:
        return []
    text = counted(len(coloured), "mask is a coloured picture", "masks are coloured pictures")
    text += ", and colours are not class numbers."
    cure = "Save the masks with one channel, as grey or palette PNG whose values are the class numbers."
    return [
        Finding("error", "masks.colour", text, cure, named(coloured), (show(coloured), exclude(coloured)))
    ]


def size_mismatch(rows: Sequence[Row], facts: Sequence[Facts]) -> list[Finding]:
    """Masks of another size than their image."""
    wrong: list[str] = []
    ids: list[str] = []
    turned = 0
    for row, fact in zip(rows, facts, strict=True):
        if fact.header is None or fact.mask_size is None or fact.problems:
            continue
        size = (fact.header.width, fact.header.height)
        if size != fact.mask_size:
            wrong.append(
                f"{row.id}: image {size[0]} x {size[1]}, mask {fact.mask_size[0]} x {fact.mask_size[1]}"
            )
            ids.append(row.id)
            turned += size == fact.mask_size[::-1]
    if not wrong:
        return []
    text = f"{counted(len(wrong), 'mask has', 'masks have')} another size than the image, as {wrong[0]}."
    cure = "Make each mask as wide and as high as its image, or remove the pair."
    if turned:
        cure += (
            f" On {turned} width and height are exchanged: perhaps the camera's orientation mark was ignored "
            "when the mask was drawn."
        )
    return [Finding("error", "masks.size", text, cure, named(wrong), (exclude(ids), show(ids)))]


def outside_values(ids: Sequence[str], facts: Sequence[Facts], meaning: MaskMeaning) -> list[Finding]:
    """Mask values that no class has."""
    pixels: Counter[int] = Counter()
    masks: list[str] = []
    for sample_id, fact in zip(ids, facts, strict=True):
        _, outside = meaning.encode_counts(fact.values)
        if outside:
            pixels.update(outside)
            masks.append(sample_id)
    if not pixels:
        return []
    shown = listed([f"{value} ({counted(count, 'pixel')})" for value, count in sorted(pixels.items())], 6)
    text = f"{counted(len(masks), 'mask holds', 'masks hold')} values that no class has: {shown}."
    cure = "Name them in data.masks.classes and data.masks.values, or correct the masks."
    actions = [show(masks), exclude(masks)]
    if len(pixels) == 1 and meaning.ignore_value is None:
        cure = (
            f"If it marks unlabelled pixels, set data.masks.ignore_value: {next(iter(pixels))}; else: " + cure
        )
        value = next(iter(pixels))
        actions.insert(0, setting(f"Leave pixels of value {value} out", data__masks__ignore_value=value))
    return [Finding("error", "masks.values", text, cure, named(masks), tuple(actions))]


def declared_meaning(
    meaning: MaskMeaning, counts: Mapping[int, int], config: ImageDataConfig
) -> list[Finding]:
    """A declared meaning that does not fit what the masks hold."""
    if meaning.ignore_value is not None and meaning.ignore_value in meaning.values:
        name = meaning.classes[meaning.values.index(meaning.ignore_value)]
        text = (
            f"The class '{name}' has the ignore value {meaning.ignore_value}: it is left out "
            "and never learned."
        )
        return [Finding("warning", "masks.ignored_class", text, "Remove the class or the ignore value.")]
    classes, _ = meaning.encode_counts(counts)
    if meaning.kind != "binary" or not classes.sum():
        return []
    share = classes[1] / classes.sum()
    if share == 0 or share == 1:
        return [_nothing_marked(meaning, counts, float(share))]
    if share > 0.5 and config.masks.meaning == "binary":
        other = "dark" if meaning.foreground == "bright" else "bright"
        text = f"The object covers {share:.0%} of all pixels: perhaps the polarity is the other way round."
        cure = f"If so, set data.masks.foreground: {other}."
        action = setting(f"The object is {other}", data__masks__foreground=other)
        return [Finding("warning", "masks.polarity", text, cure, (), (action,))]
    return []


def _nothing_marked(meaning: MaskMeaning, counts: Mapping[int, int], share: float) -> Finding:
    values = sorted(v for v in counts if v != meaning.ignore_value)
    what = "No pixel of any mask is object" if share == 0 else "Every pixel of every mask is object"
    side = "above" if meaning.foreground == "bright" else "up to"
    text = f"{what}: it is {side} {meaning.threshold}, and the masks hold {listed(values, 6)}."
    proposed = detect_meaning({v: counts[v] for v in values})[0]
    cure, threshold = "Check the folder of the masks.", None
    actions: tuple[Action, ...] = ()
    if len(values) == 2:
        threshold = values[1] // 2 if values[0] == 0 else values[0]
    elif proposed is not None and proposed.kind == "binary":
        threshold = proposed.threshold
    elif proposed is not None:
        cure = "The values look like class numbers: set data.masks.meaning: index."
        actions = (setting("Take the values as class numbers", data__masks__meaning="index"),)
    if threshold is not None:
        cure = f"Set data.masks.threshold: {threshold}."
        actions = (setting(f"Threshold {threshold}", data__masks__threshold=threshold),)
    return Finding("error", "masks.all_empty", text, cure, (), actions)


def absent_classes(pixels: Mapping[Split, Sequence[int]], meaning: MaskMeaning) -> list[Finding]:
    """Classes that a part does not hold."""
    findings = []
    effects = {
        "train": "they cannot be learned",
        "val": "they cannot be measured",
        "test": "they cannot be measured",
    }
    for part, effect in effects.items():
        counts = pixels.get(part)  # type: ignore[call-overload]
        if not counts or not sum(counts):
            continue
        names = [name for name, count in zip(meaning.classes, counts, strict=True) if not count]
        if names:
            word = {"train": "training", "val": "validation", "test": "test"}[part]
            text = f"The {word} masks have no pixel of {listed(names, 6)}: {effect}."
            cure = "Add images with them, or remove the classes from data.masks.classes."
            findings.append(Finding("warning", f"split.absent_{part}", text, cure, tuple(names)))
    return findings


def parts_filled(samples: Mapping[Split, Sequence[Sample]], split_given: bool) -> list[Finding]:
    """A part that must not be empty."""
    if not split_given:
        return []  # Lathe's own split says so itself
    findings = []
    if not samples["train"]:
        findings.append(
            Finding("error", "split.no_train", "No image is left to train on.", "Correct the split files.")
        )
    if not samples["val"]:
        text = "There is no validation image: nothing would tell when the model is good."
        cure = "Name some in val.txt (or the split column), or leave data.split_dir empty: Lathe then splits."
        findings.append(Finding("error", "split.no_val", text, cure))
    return findings


def depths(facts: Sequence[Facts]) -> list[Finding]:
    """Images of different depth in one set."""
    bits = Counter(fact.header.bits for fact in facts if fact.header)
    if len(bits) < 2:
        return []
    shown = listed([f"{number} with {depth} bits" for depth, number in sorted(bits.items())])
    text = f"The images have different depths: {shown}. Those of 8 bits are taken as they are, others scaled."
    return [Finding("warning", "images.depth", text, "Export all images with one depth.")]
