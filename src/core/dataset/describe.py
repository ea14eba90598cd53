"""Looking at a whole data set before training: what is in it, what it means, what is wrong with it."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from src.core.dataset import checks
from src.core.dataset.config import ImageDataConfig
from src.core.dataset.description import DatasetDescription
from src.core.dataset.findings import DatasetError, Finding, counted, named
from src.core.dataset.image_files import UnreadableImageError
from src.core.dataset.images import read_native
from src.core.dataset.mask_detection import detect_meaning
from src.core.dataset.masks import MaskMeaning, contradictions
from src.core.dataset.records import SPLITS, Sample, Split
from src.core.dataset.scan import DescriptionCancelledError, Facts, Progress, scan
from src.core.dataset.source_rows import Row, Sources
from src.core.dataset.sources import find_sources
from src.core.dataset.split import group_key, leakage, make_split
from src.core.dataset.split_record import split_hash

__all__ = ["DatasetDescription", "DescriptionCancelledError", "describe"]

_RANGE_IMAGES = 32
_RANGE_PIXELS = 1 << 16
_RANGE_PERCENTILES = (0.1, 99.9)


def describe(
    config: ImageDataConfig,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    keep: Mapping[str, Split] | None = None,
) -> DatasetDescription:
    """Read every mask and the header and ends of every image, and say what was found.

    Args:
        config: Where the data are and what is declared of them.
        progress: Called with done, total and a word, from the calling thread.
        cancelled: Asked often; true ends the scan.
        workers: Threads; ``None`` chooses.
        keep: Sides of groups in an earlier split (``read_split(folder).groups``), which then stay.

    Returns:
        The description; whatever is wrong with the data is among its findings.

    Raises:
        DescriptionCancelledError: ``cancelled`` said so.
    """
    sources = find_sources(config)
    facts = scan(sources.rows, progress, cancelled, workers)
    result = DatasetDescription(root=sources.root, findings=list(sources.findings))
    result.quarantined = sources.missing + [problem for fact in facts for problem in fact.problems]
    total = len(sources.rows) + len(sources.missing)
    result.findings += checks.unreadable(result.quarantined, total, config.max_unreadable)
    result.findings += checks.colour_masks(sources.rows, facts) + checks.size_mismatch(sources.rows, facts)
    good = [(r, f) for r, f in zip(sources.rows, facts, strict=True) if not f.problems and not f.colour_mask]
    if total and not good and not result.has_errors:
        text = "None of the images can be used."
        result.findings.append(Finding("error", "files.none", text, "Replace the damaged files."))
    if good:
        _interpret(result, [r for r, _ in good], [f for _, f in good], config, sources, keep)
    return result


def _interpret(
    result: DatasetDescription,
    rows: list[Row],
    facts: list[Facts],
    config: ImageDataConfig,
    sources: Sources,
    keep: Mapping[str, Split] | None,
) -> None:
    result.meaning = _meaning(result, rows, facts, config)
    pixels = _class_pixels(facts, rows, result.meaning)
    try:
        samples = _samples(result, rows, facts, pixels, config)
    except DatasetError as error:
        result.findings += error.findings
        return
    contents = {row.id: fact.image_digest for row, fact in zip(rows, facts, strict=True)}
    if sources.split_given:
        for row, sample in zip(rows, samples, strict=True):
            result.samples[row.split or "train"].append(sample)
    else:
        samples = _join_copies(result, samples, contents)
        result.samples, findings = make_split(samples, config.split, keep)
        result.findings += findings
    result.split_hash = split_hash(result.samples)
    result.findings += checks.parts_filled(result.samples, sources.split_given)
    result.findings += leakage(result.samples, contents) + checks.depths(facts)
    if result.meaning is not None:
        by_id = {row.id: counts for row, counts in zip(rows, pixels, strict=True)}
        for part in SPLITS:
            rows_of_part = [by_id[s.id] for s in result.samples[part]]
            result.class_pixels[part] = np.sum(
                [np.zeros(result.meaning.num_classes, np.int64), *rows_of_part], 0
            ).tolist()
        result.findings += checks.empty_masks(samples, result.meaning, config.split.stratify_column)
        if not any(f.code == "masks.all_empty" for f in result.findings):
            result.findings += checks.absent_classes(result.class_pixels, result.meaning)
    result.sizes = _sizes(samples)
    result.intensity_range = _intensity_range(result, rows, facts)
    result.file_bytes = {r.id: (f.image_bytes, f.mask_bytes) for r, f in zip(rows, facts, strict=True)}
    result.fingerprint = _fingerprint(rows, facts)


def _meaning(
    result: DatasetDescription, rows: Sequence[Row], facts: Sequence[Facts], config: ImageDataConfig
) -> MaskMeaning | None:
    """The declared meaning, or the one that is found; what is wrong with it goes into the findings."""
    counts: Counter[int] = Counter()
    for fact in facts:
        counts.update(fact.values)
    masks = sum(row.mask is not None for row in rows)
    if config.masks.meaning == "binary" or (
        config.masks.meaning == "index" and (config.masks.classes or config.masks.values)
    ):
        problems = contradictions(config.masks)
        if problems:
            result.findings += problems
            return None
        meaning = MaskMeaning.from_config(config.masks)
    else:
        lossy = any(fact.lossy_mask for fact in facts)
        found, findings = detect_meaning(counts, config.masks, masks=masks, lossy=lossy)
        result.findings += findings
        if found is None:
            return None
        meaning = found
    outside = checks.outside_values([row.id for row in rows], facts, meaning)
    result.findings += outside or checks.declared_meaning(meaning, counts, config)
    return meaning


def _class_pixels(
    facts: Sequence[Facts], rows: Sequence[Row], meaning: MaskMeaning | None
) -> list[np.ndarray]:
    """Pixels of each class on each image; an image without a mask is background."""
    if meaning is None:
        return [np.zeros(0, dtype=np.int64) for _ in facts]
    found = []
    for row, fact in zip(rows, facts, strict=True):
        counts = meaning.encode_counts(fact.values)[0]
        if row.mask is None and fact.header is not None:
            counts[0] = fact.header.width * fact.header.height
        found.append(counts)
    return found


def _samples(
    result: DatasetDescription,
    rows: Sequence[Row],
    facts: Sequence[Facts],
    pixels: Sequence[np.ndarray],
    config: ImageDataConfig,
) -> list[Sample]:
    images_with: Counter[int] = Counter()
    for counts in pixels:
        images_with.update(np.flatnonzero(counts).tolist())
    samples, alone = [], []
    for row, fact, counts in zip(rows, facts, pixels, strict=True):
        group = group_key(row.id, config.split, row.columns if config.table else None)
        if group is None:
            alone.append(row.id)
        classes = tuple(np.flatnonzero(counts).tolist())
        stratum = row.columns.get(config.split.stratify_column, "") if config.split.stratify_column else ""
        if not config.split.stratify_column and classes and result.meaning is not None:
            stratum = result.meaning.classes[min(classes, key=lambda c: (images_with[c], -c))]
        assert fact.header is not None, "rows without a header have a problem and were left out"
        samples.append(
            Sample(
                id=row.id,
                image=row.image,
                mask=row.mask,
                group=row.id if group is None else group,
                stratum=stratum,
                has_object=any(c > 0 for c in classes),
                classes=classes,
                width=fact.header.width,
                height=fact.header.height,
            )
        )
    if alone:
        text = f"{counted(len(alone), 'image')} have no group by data.split.group_by: each stands for itself."
        cure = "Correct the pattern or the table if they belong together."
        result.findings.append(Finding("warning", "split.no_group", text, cure, named(alone)))
    return samples


def _join_copies(
    result: DatasetDescription, samples: list[Sample], contents: Mapping[str, str]
) -> list[Sample]:
    """Put identical image files into one group, and with them the groups in which they stand."""
    parent = {s.group: s.group for s in samples}

    def top(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    first: dict[str, str] = {}
    copies: list[str] = []
    for sample in samples:
        other = first.setdefault(contents[sample.id], sample.group)
        if top(other) != top(sample.group):
            low, high = sorted((top(other), top(sample.group)))
            parent[high] = low
            copies.append(sample.id)
    if not copies:
        return samples
    text = counted(len(copies), "image is an exact copy", "images are exact copies")
    text += " of one in another group: kept on one side of the split."
    cure = "Remove the copies."
    result.findings.append(Finding("notice", "split.copies", text, cure, named(copies)))
    return [s if top(s.group) == s.group else replace(s, group=top(s.group)) for s in samples]


def _sizes(samples: Sequence[Sample]) -> dict[str, tuple[int, int]]:
    widths, heights = [s.width for s in samples], [s.height for s in samples]
    ways: dict[str, Callable[[list[int]], float]] = {"min": min, "median": statistics.median, "max": max}
    return {name: (int(way(widths)), int(way(heights))) for name, way in ways.items()}


def _intensity_range(
    result: DatasetDescription, rows: Sequence[Row], facts: Sequence[Facts]
) -> tuple[float, float] | None:
    """The values that become 0 and 255: from a sample of the training images of more than 8 bits."""
    deep = {
        row.id: row.image
        for row, fact in zip(rows, facts, strict=True)
        if fact.header and fact.header.bits > 8
    }
    chosen = [s.id for s in result.samples["train"] if s.id in deep] or sorted(deep)
    if not chosen:
        return None
    chosen.sort(key=lambda sample_id: hashlib.sha256(sample_id.encode()).digest())
    pixels = []
    for sample_id in chosen[:_RANGE_IMAGES]:
        try:
            values = read_native(deep[sample_id]).ravel()
        except UnreadableImageError as error:  # only its ends were looked at before
            result.quarantined.append((deep[sample_id], error.reason))
            continue
        values = values[:: max(1, values.size // _RANGE_PIXELS)].astype(np.float64)
        pixels.append(values[np.isfinite(values)])
    values = np.concatenate(pixels) if pixels else np.zeros(0)
    if values.size == 0:
        return None
    low, high = (float(v) for v in np.percentile(values, _RANGE_PERCENTILES))
    if high <= low:
        low, high = float(values.min()), float(max(values.max(), values.min() + 1))
    text = f"The images have more than 8 bits: values from {low:g} to {high:g} become black to white."
    result.findings.append(Finding("notice", "images.range", text))
    return low, high


def _fingerprint(rows: Sequence[Row], facts: Sequence[Facts]) -> str:
    lines = sorted(
        f"{r.id}\t{f.image_bytes}\t{f.image_digest}\t{f.mask_bytes}\t{f.mask_digest}\n"
        for r, f in zip(rows, facts, strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
