"""Checks of pictures that show one thing: copies, near duplicates, and labels that contradict each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.mask_files import read_mask
from src.core.dataset.findings import Finding, counted, exclude, listed, named, show
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning, MaskValueError
from src.core.dataset.records import Sample

#: Masks are compared on a square of this side, each after widening its objects by so many of its pixels.
_SIDE = 64
#: Masks in large TIFFs are read reduced, to no less than this.
_LEAST = (4096, 4096)
_WIDENED = 4
#: Least share of each mask's objects that the other must hold nearby.
_COMMON = 0.25
#: Samples of one cluster whose masks are compared, and of all clusters.
_MOST_IN_CLUSTER = 24
_MOST_READ = 20_000
#: So many images of different things with one and the same mask are suspicious.
_SAME_MASKS = 3


def duplicates(
    samples: Sequence[Sample],
    contents: Mapping[str, str],
    clusters: Mapping[str, str],
    parts: Mapping[str, str],
    split_given: bool = False,
) -> list[Finding]:
    """Copies and near duplicates anywhere in the set; those across a split are told by ``leakage`` too.

    Args:
        samples: All of them.
        contents: Hash of the image file of each sample id.
        clusters: Near-duplicate cluster of the sample ids that are in one.
        parts: Side of the split on which each sample id stands.
        split_given: The source says who stands where, so that no other split will part what is together now.
    """
    findings = []
    copies: dict[str, list[str]] = defaultdict(list)
    for sample in samples:
        copies[contents[sample.id]].append(sample.id)
    sets = [sorted(ids) for ids in copies.values() if len(ids) > 1]
    if sets:
        extra = sorted(i for ids in sets for i in ids[1:])
        text = (
            f"{counted(len(extra), 'image is an exact copy', 'images are exact copies')} of another one, as "
        )
        text += f"{sets[0][1]} of {sets[0][0]}."
        cure = "Leave the copies out: they count double in training, and in the measured quality."
        every = [i for ids in sets for i in ids]
        actions = (exclude(extra, "copy"), show(every)) if len(extra) == 1 else (exclude(extra), show(every))
        findings.append(Finding("warning", "duplicates.exact", text, cure, named(every), actions))
    alike: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.id in clusters:
            alike[clusters[sample.id]].append(sample)
    near = [m for m in alike.values() if len({contents[s.id] for s in m}) > 1]
    if near:
        ids = sorted(s.id for members in near for s in members)
        apart = [members for members in near if len({s.group for s in members}) > 1]
        across = sum(len({parts[s.id] for s in members}) > 1 for members in near)
        text = f"{len(ids)} images seem to show {counted(len(near), 'thing')} more than once (another exposure, crop or "
        text += f"compression), up to {max(map(len, near))} times."
        cure = ""
        if across:
            text += f" {counted(across, 'of these sets stands', 'of these sets stand')} on more than one side of the split."
        if apart and not split_given:
            if not across:
                text += f" {counted(len(apart), 'of these sets is', 'of these sets are')} together by chance only: "
                text += "nothing says that they belong together, and another split may part them."
            cure = "If they show one thing, keep them on one side of the split: data.split.group_by, or "
            cure += "data.split.join: near."
        elif across:
            cure = "If they show one thing, move each of these sets to one side of the split."
        findings.append(Finding("notice", "duplicates.near", text, cure, named(ids), (show(ids),)))
    return findings


def contradictions(
    samples: Sequence[Sample],
    clusters: Mapping[str, str],
    meaning: MaskMeaning,
    cancelled: Callable[[], bool] | None = None,
) -> list[Finding]:
    """Near duplicates of which one is labelled and the other is not, or whose labels lie elsewhere."""
    members: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.id in clusters:
            members[clusters[sample.id]].append(sample)
    empty, elsewhere = [], []
    read = 0
    for name in sorted(members):
        cluster = members[name]
        marked = [s for s in cluster if s.has_object]
        bare = [s for s in cluster if not s.has_object]
        if marked and bare and meaning.kind == "binary":
            empty.append((sorted(s.id for s in bare), sorted(s.id for s in marked)))
        if len(marked) > 1 and read < _MOST_READ and not (cancelled is not None and cancelled()):
            odd = _odd_masks(marked[:_MOST_IN_CLUSTER], meaning)
            read += len(marked)
            if odd:
                elsewhere.append((odd, sorted({s.id for s in marked} - set(odd))))
    return _unmarked(empty, meaning) + _elsewhere(elsewhere)


def _unmarked(found: Sequence[tuple[list[str], list[str]]], meaning: MaskMeaning) -> list[Finding]:
    if not found:
        return []
    ids = [i for bare, marked in found for i in bare + marked]
    fewer = [i for pair in found for i in min(pair, key=len)]
    word = meaning.classes[1]
    text = f"{counted(len(found), 'set')} of pictures of one thing: some of it marked as {word}, some with nothing "
    text += f"marked. In the first, {listed(found[0][0], 2)} {'is' if len(found[0][0]) == 1 else 'are'} empty and "
    text += f"{listed(found[0][1], 2)} not."
    cure = (
        "One of the labels is wrong, or the defect is not to be seen on that picture. Correct the masks, or "
    )
    cure += "leave the fewer ones out."
    pairs = (f"empty: {listed(bare, 6)}; marked: {listed(marked, 6)}" for bare, marked in found)
    actions = (show(ids), exclude(fewer))
    return [Finding("warning", "labels.contradict", text, cure, named(pairs), actions)]


def _elsewhere(found: Sequence[tuple[list[str], list[str]]]) -> list[Finding]:
    if not found:
        return []
    ids = [i for odd, others in found for i in odd + others]
    first = found[0]
    text = f"{counted(len(found), 'set')} of pictures of one thing with different places marked, as on "
    text += f"{listed(first[0], 2)}" + (f" unlike {listed(first[1], 2)}." if first[1] else ".")
    cure = "Lay the masks over the images: one of them may belong to another picture."
    pairs = (f"{listed(odd, 6)} unlike {listed(others, 6)}" for odd, others in found)
    actions = (show(ids), exclude(i for odd, _ in found for i in odd))
    return [Finding("warning", "labels.differ", text, cure, named(pairs), actions)]


def _odd_masks(cluster: Sequence[Sample], meaning: MaskMeaning) -> list[str]:
    """Ids whose mask shares little with that of most others; of two, both."""
    squares = {}
    for sample in cluster:
        square = _square(sample, meaning)
        if square is not None:
            squares[sample.id] = square
    ids = sorted(squares)
    if len(ids) < 2:
        return []
    wide = {i: cv2.dilate(squares[i], np.ones((2 * _WIDENED + 1,) * 2, np.uint8)) for i in ids}
    apart = {i: sum(_apart(squares, wide, i, j) for j in ids if j != i) for i in ids}
    return [i for i in ids if 2 * apart[i] > len(ids) - 1]


def _apart(squares: Mapping[str, np.ndarray], wide: Mapping[str, np.ndarray], a: str, b: str) -> bool:
    """Neither mask holds much of what the other marks; widening makes up for small shifts."""
    first = float((squares[a] & wide[b]).sum()) / float(squares[a].sum())
    second = float((squares[b] & wide[a]).sum()) / float(squares[b].sum())
    return max(first, second) < _COMMON


def _square(sample: Sample, meaning: MaskMeaning) -> np.ndarray | None:
    """``_SIDE×_SIDE`` 0 and 1: where anything but background is marked; ``None`` where nothing is."""
    try:
        classes = meaning.encode(read_mask(sample.mask or "", least=_LEAST))
    except (UnreadableImageError, MaskValueError):
        return None
    marked = ((classes != 0) & (classes != IGNORE_INDEX)).astype(np.float32)
    square = (cv2.resize(marked, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    return square if square.any() else None


def same_masks(
    samples: Sequence[Sample], mask_contents: Mapping[str, bytes], clusters: Mapping[str, str]
) -> list[Finding]:
    """One mask with objects on it that serves images of different things."""
    sharing: dict[bytes, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.has_object and sample.mask is not None:
            sharing[mask_contents[sample.id]].append(sample)
    found = []
    for members in sharing.values():
        things = {clusters.get(s.id, s.group) for s in members}
        # A camera that does not move gives each part the same mask; then most masks are shared, and rightly.
        if len(things) >= _SAME_MASKS and len({s.group for s in members}) >= _SAME_MASKS:
            found.append(sorted(s.id for s in members))
    shared = sum(map(len, found))
    if not found or shared > len(samples) / 2:
        return []
    ids = [i for members in found for i in members]
    text = f"{len(ids)} images have the very same mask as others that show something else, as {listed(found[0])}."
    cure = "Look at them: masks that were copied, or saved under the wrong name."
    return [Finding("warning", "masks.same", text, cure, named(ids), (show(ids), exclude(ids)))]
