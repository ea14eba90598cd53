"""Looking at a whole data set before training: what is in it, what it means, what is wrong with it."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from src.core.dataset.checking import checks, near_duplicates
from src.core.dataset.checking.checks_labels import empty_masks
from src.core.dataset.checking.full_check import look_closely
from src.core.dataset.checking.scan import DescriptionCancelledError, Facts, Progress, scan, scan_objects
from src.core.dataset.config import ImageDataConfig
from src.core.dataset.description import DatasetDescription
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import read_some_values
from src.core.dataset.findings import DatasetError, Finding
from src.core.dataset.mask_detection import detect_meaning
from src.core.dataset.masks import MaskMeaning, contradictions
from src.core.dataset.records import SPLITS, Sample, Split
from src.core.dataset.sources.source_rows import Row, Sources
from src.core.dataset.sources.source_table import table_columns
from src.core.dataset.sources.sources import find_sources
from src.core.dataset.splitting.column_offer import offer_columns
from src.core.dataset.splitting.grouping import group_key, join_groups, ungrouped
from src.core.dataset.splitting.leakage import leakage
from src.core.dataset.splitting.split import recorded_split
from src.core.dataset.splitting.split_changes import unlisted
from src.core.dataset.splitting.split_record import SplitRecord

__all__ = ["DatasetDescription", "DescriptionCancelledError", "describe"]

_LOOKING = "Looking for near duplicates"
_RANGE_IMAGES = 32
_RANGE_PIXELS = 1 << 16
_RANGE_PERCENTILES = (0.1, 99.9)


def describe(
    config: ImageDataConfig,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    keep: SplitRecord | Mapping[str, Split] | None = None,
    quick: bool = False,
) -> DatasetDescription:
    """Read every mask and the header, the ends and a small form of every image, and say what was found.

    Args:
        config: Where the data are and what is declared of them.
        progress: Called with done, total and a word, from the calling thread.
        cancelled: Asked often; true ends the scan.
        workers: Threads; ``None`` chooses.
        keep: An earlier split (``read_split(folder)``), or the sides of its groups, which then stay.
        quick: Do not look at pictures and objects: no near duplicates, outliers, tiny objects, anchors. Where the
            split asks for near duplicates they are looked for all the same.

    Returns:
        The description; whatever is wrong with the data is among its findings.

    Raises:
        DescriptionCancelledError: ``cancelled`` said so.
    """
    sources = find_sources(config)
    quick = quick and config.split.group_by != "duplicates" and config.split.join != "near"
    facts = scan(sources.rows, progress, cancelled, workers, quick)
    result = DatasetDescription(
        root=sources.root,
        source=config.table or config.images_dir or config.split_dir,
        split_given=sources.split_given,
        findings=list(sources.findings),
    )
    meaning, findings = _meaning(sources.rows, facts, config)
    if meaning is not None and not quick:
        scan_objects(sources.rows, facts, meaning, progress, cancelled, workers)
    result.quarantined = sources.missing + [problem for fact in facts for problem in fact.problems]
    total = len(sources.rows) + len(sources.missing)
    lost = len(sources.missing) + sum(bool(fact.problems) for fact in facts)
    result.findings += checks.unreadable(result.quarantined, min(lost, total), total, config.max_unreadable)
    result.findings += checks.colour_masks(sources.rows, facts) + checks.size_mismatch(sources.rows, facts)
    good = [(r, f) for r, f in zip(sources.rows, facts, strict=True) if not f.problems and not f.colour_mask]
    if total and not good and not result.has_errors:
        text = "None of the images can be used."
        result.findings.append(Finding("error", "files.none", text, "Replace the damaged files."))
    if good:
        result.meaning, result.findings = meaning, result.findings + findings
        rows, facts = [r for r, _ in good], [f for _, f in good]
        if not quick:
            result.clusters = _clusters(rows, facts, progress, cancelled)
        _interpret(result, rows, facts, config, sources, keep)
        if not quick:
            look_closely(result, rows, facts, config, cancelled)
    return result


def _clusters(
    rows: Sequence[Row],
    facts: Sequence[Facts],
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> dict[str, str]:
    if progress is not None:
        progress(0, len(rows), _LOOKING)
    known = {row.id: f.signature for row, f in zip(rows, facts, strict=True) if f.signature is not None}
    watched = None if progress is None else _told(progress, len(rows))
    found = near_duplicates.clusters(known, cancelled, watched)
    if cancelled is not None and cancelled():
        raise DescriptionCancelledError("stopped while near duplicates were looked for")
    if progress is not None:
        progress(len(rows), len(rows), _LOOKING)
    return found


def _told(progress: Progress, total: int) -> Callable[[int, int], None]:
    """Progress of the search among those pictures that have a small form, as progress among all of them."""

    def tell(done: int, of: int) -> None:
        if done < of:  # the end is told once clusters are made
            progress(total * done // of, total, _LOOKING)

    return tell


def _interpret(
    result: DatasetDescription,
    rows: list[Row],
    facts: list[Facts],
    config: ImageDataConfig,
    sources: Sources,
    keep: SplitRecord | Mapping[str, Split] | None,
) -> None:
    pixels = _class_pixels(facts, rows, result.meaning)
    try:
        samples = _samples(result, rows, facts, pixels, config)
    except DatasetError as error:
        result.findings += error.findings
        return
    contents = {row.id: fact.image_digest for row, fact in zip(rows, facts, strict=True)}
    if sources.split_given:
        parts: dict[Split, list[Sample]] = {part: [] for part in SPLITS}
        for row, sample in zip(rows, samples, strict=True):
            parts[row.split or "train"].append(sample)
        result.samples = parts
        result.record = SplitRecord.of(result.samples, result.root, contents)
        result.findings += unlisted(sources.unlisted, result.samples, config.split)
    else:
        samples, joined = join_groups(samples, config.split, contents, result.clusters)
        result.samples, result.record, findings = recorded_split(
            samples, config.split, contents, result.root, keep
        )
        result.findings += joined + findings
    result.split_hash = result.record.hash
    result.findings += checks.parts_filled(result.samples, sources.split_given)
    hints = config.split.group_by == "none"
    result.findings += leakage(result.samples, contents, result.clusters, hints) + checks.depths(facts)
    if hints:
        cells, used = {row.id: row.columns for row in rows}, table_columns(config)
        result.findings = offer_columns(result.findings, result.samples, cells, used)
    if result.meaning is not None:
        by_id = {row.id: counts for row, counts in zip(rows, pixels, strict=True)}
        for part in SPLITS:
            rows_of_part = [by_id[s.id] for s in result.samples[part]]
            result.class_pixels[part] = np.sum(
                [np.zeros(result.meaning.num_classes, np.int64), *rows_of_part], 0
            ).tolist()
        result.findings += empty_masks(samples, result.meaning, config.split.stratify_column)
        if not any(f.code == "masks.all_empty" for f in result.findings):
            result.findings += checks.absent_classes(result.class_pixels, result.meaning)
    result.sizes = _sizes(samples)
    result.intensity_range = _intensity_range(result, rows, facts)
    result.file_bytes = {r.id: (f.image_bytes, f.mask_bytes) for r, f in zip(rows, facts, strict=True)}
    result.fingerprint = _fingerprint(rows, facts)


def _meaning(
    all_rows: Sequence[Row], all_facts: Sequence[Facts], config: ImageDataConfig
) -> tuple[MaskMeaning | None, list[Finding]]:
    """The declared meaning, or the one that is found, and what is wrong with it."""
    good = [(r, f) for r, f in zip(all_rows, all_facts, strict=True) if not f.problems and not f.colour_mask]
    if not good:
        return None, []
    counts: Counter[int] = Counter()
    for _, fact in good:
        counts.update(fact.values)
    findings: list[Finding] = []
    if config.masks.meaning == "binary" or (
        config.masks.meaning == "index" and (config.masks.classes or config.masks.values)
    ):
        problems = contradictions(config.masks)
        if problems:
            return None, problems
        meaning = MaskMeaning.from_config(config.masks)
    else:
        lossy = any(fact.lossy_mask for _, fact in good)
        masks = sum(row.mask is not None for row, _ in good)
        found, findings = detect_meaning(counts, config.masks, masks=masks, lossy=lossy)
        if found is None:
            return None, findings
        meaning = found
    outside = checks.outside_values([row.id for row, _ in good], [fact for _, fact in good], meaning)
    return meaning, findings + (outside or checks.declared_meaning(meaning, counts, config))


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
    result.findings += ungrouped(alone)
    return samples


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
            values = read_some_values(deep[sample_id], _RANGE_PIXELS).astype(np.float64)
        except UnreadableImageError as error:  # only its ends were looked at before
            result.quarantined.append((deep[sample_id], error.reason))
            continue
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
