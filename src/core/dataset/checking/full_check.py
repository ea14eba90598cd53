"""The part of the check that needs pictures, objects and near duplicates: findings, statistics, anchors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from src.core.dataset.anchors import Anchors
from src.core.dataset.checking import checks_duplicates, checks_images, checks_labels
from src.core.dataset.checking.scan import Facts
from src.core.dataset.checking.statistics import statistics
from src.core.dataset.config import ImageDataConfig
from src.core.dataset.description import DatasetDescription
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import SPLITS
from src.core.dataset.sources.source_rows import Row


def look_closely(
    result: DatasetDescription,
    rows: Sequence[Row],
    facts: Sequence[Facts],
    config: ImageDataConfig,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Add to a description, whose split is made, what the small forms and the objects tell."""
    ids = [row.id for row in rows]
    by_id = dict(zip(ids, facts, strict=True))
    samples = sorted(result.all_samples, key=lambda s: s.id)
    add = result.findings.extend
    add(checks_images.rotated(rows, facts))
    add(checks_images.constant(ids, facts))
    add(checks_images.channels(ids, facts))
    add(checks_images.outliers(ids, facts))
    contents = {sample_id: fact.image_digest for sample_id, fact in by_id.items()}
    parts = {s.id: part for part in SPLITS for s in result.samples.get(part, ())}
    add(checks_duplicates.duplicates(samples, contents, result.clusters, parts, result.split_given))
    meaning = result.meaning
    if meaning is not None:
        add(checks_labels.antialiased(ids, facts, meaning))
        add(checks_labels.inverted(samples, by_id, meaning))
        add(checks_labels.balance(samples, result.class_pixels, meaning))
        add(checks_labels.tiny_objects(samples, by_id, config))
        add(checks_duplicates.contradictions(samples, result.clusters, meaning, cancelled))
        masks = {sample_id: fact.mask_content for sample_id, fact in by_id.items()}
        add(checks_duplicates.same_masks(samples, masks, result.clusters))
    result.facts = {s.id: _filters(by_id[s.id], meaning) for s in samples}
    found = {
        i: f.objects.anchors for i, f in by_id.items() if f.objects is not None and len(f.objects.anchors)
    }
    result.anchors = Anchors(found)
    result.statistics = statistics(result.samples, by_id, meaning, result.class_pixels, config)


def _filters(fact: Facts, meaning: MaskMeaning | None) -> list[float]:
    objects = fact.objects
    number, smallest = (objects.number, objects.smallest) if objects is not None else (0, 0.0)
    known = [fact.brightness or 0.0, fact.contrast or 0.0, number, smallest]
    if meaning is None:
        return known
    pixels = meaning.encode_counts(fact.values)[0]
    return [*known, float(pixels[1:].sum() / max(1, pixels.sum()))]
