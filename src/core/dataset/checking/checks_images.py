"""Checks of the pictures themselves: orientation, kinds, constant ones, and those unlike all others."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from src.core.dataset.checking.scan import Facts
from src.core.dataset.files.decoding import turned
from src.core.dataset.files.image_files import UnreadableImageError
from src.core.dataset.files.images import read_image
from src.core.dataset.files.mask_files import read_mask
from src.core.dataset.findings import Finding, counted, exclude, named, show
from src.core.dataset.sources.source_rows import Row

#: Robust deviations (1.4826 times the median distance) and grey values beyond which a picture stands out.
_FAR = 6.0
_LEAST_GREY = 40.0
_LEAST_CONTRAST = 25.0
#: How many times larger or smaller than the median an image's area may be.
_AREA_FACTOR = 9.0
_LEAST_IMAGES = 10
#: More than this share of outliers is not a fault of single pictures but what the data are like.
_MOST_OUTLIERS = 0.02
#: Pictures of unclear orientation that are looked at, and how much clearer one way must be.
_MOST_LOOKED_AT = 50
_CLEARER = 1.25


def rotated(rows: Sequence[Row], facts: Sequence[Facts]) -> list[Finding]:
    """Pictures that are turned by their EXIF orientation: does the mask fit the turned or the stored picture?"""
    fits: dict[str, list[str]] = {"turned": [], "stored": [], "unclear": []}
    looked_at = 0
    for row, fact in zip(rows, facts, strict=True):
        if fact.orientation == 1 or fact.header is None or fact.colour_mask:
            continue
        answer = "unclear"
        size = (fact.header.width, fact.header.height)
        if fact.mask_size and size[0] != size[1] and fact.orientation >= 5:
            answer = (
                "turned" if fact.mask_size == size else "stored" if fact.mask_size == size[::-1] else answer
            )
        elif fact.mask_size == size and row.mask and len(fact.values) > 1 and looked_at < _MOST_LOOKED_AT:
            looked_at += 1
            answer = _which(row.image, row.mask, fact.orientation)
        fits[answer].append(row.id)
    every = [sample_id for ids in fits.values() for sample_id in ids]
    if not every:
        return []
    text = f"{counted(len(every), 'image is', 'images are')} turned by the orientation mark of the camera (EXIF). "
    text += "Lathe turns the picture as the mark says and leaves the mask as it is. "
    if fits["stored"]:
        text += f"On {len(fits['stored'])} the mask fits the stored picture, not the turned one: it would be wrong."
        cure = (
            "Save these images without the mark, as they are stored, or turn their masks; or leave them out."
        )
        actions = (exclude(fits["stored"]), show(fits["stored"]))
        return [Finding("error", "images.rotated", text, cure, named(fits["stored"]), actions)]
    if fits["unclear"]:
        text += f"On {len(fits['unclear'])} it is not clear whether the mask fits the turned picture."
        cure = "Look at them: if image and mask do not lie on each other, save the images without the mark."
        ids = fits["unclear"]
        return [Finding("notice", "images.rotated", text, cure, named(ids), (show(ids),))]
    text += "The masks fit the turned pictures: nothing needs to be done."
    return [Finding("notice", "images.rotated", text, "", named(every), (show(every),))]


def _which(image_path: str, mask_path: str, orientation: int) -> str:
    """``turned``, ``stored`` or ``unclear``: where do the outlines of the mask lie on edges of the picture?"""
    try:
        image = cv2.GaussianBlur(read_image(image_path, 1)[..., 0], (0, 0), 1.0).astype(np.float32)
        mask = read_mask(mask_path)
    except UnreadableImageError:
        return "unclear"
    moved = turned(mask, orientation)
    if image.shape != mask.shape or moved.shape != mask.shape:
        return "unclear"
    steepness = np.hypot(cv2.Sobel(image, cv2.CV_32F, 1, 0), cv2.Sobel(image, cv2.CV_32F, 0, 1))
    kept, exchanged = (_on_outline(m, steepness) for m in (mask, moved))
    if kept > _CLEARER * exchanged:
        return "turned"
    return "stored" if exchanged > _CLEARER * kept else "unclear"


def _on_outline(mask: np.ndarray, steepness: np.ndarray) -> float:
    kernel = np.ones((3, 3), np.uint8)
    outline = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, kernel) > 0
    return float(steepness[outline].mean()) if outline.any() else 0.0


def constant(ids: Sequence[str], facts: Sequence[Facts]) -> list[Finding]:
    """Pictures of one colour: a closed shutter, a failed export."""
    found = [i for i, f in zip(ids, facts, strict=True) if f.brightness is not None and f.grey_range <= 2]
    if not found:
        return []
    text = f"{counted(len(found), 'image shows', 'images show')} nothing: all pixels are alike, as on {found[0]}."
    cure = "Replace them, or leave them out: nothing can be learned from them."
    return [Finding("warning", "images.constant", text, cure, named(found), (exclude(found), show(found)))]


def channels(ids: Sequence[str], facts: Sequence[Facts]) -> list[Finding]:
    """Grey and colour files in one set."""
    grey = [i for i, f in zip(ids, facts, strict=True) if f.header and f.header.channels == 1]
    colour = [i for i, f in zip(ids, facts, strict=True) if f.header and f.header.channels == 3]
    if not grey or not colour:
        return []
    fewer = min(grey, colour, key=len)
    text = f"{len(grey)} images are grey and {len(colour)} are colour: all are brought to data.channels."
    cure = "If they come from different cameras, make sure that training and validation hold both."
    return [Finding("notice", "images.channels", text, cure, named(fewer), (show(fewer),))]


def outliers(ids: Sequence[str], facts: Sequence[Facts]) -> list[Finding]:
    """Pictures far from all others in brightness, contrast or size; constant ones are told elsewhere."""
    known = [(i, f) for i, f in zip(ids, facts, strict=True) if f.header is not None]
    lit = [(i, f) for i, f in known if f.brightness is not None and f.grey_range > 2]
    findings = []
    for code, word, values, least in (
        ("brightness", "mean grey value", [f.brightness or 0.0 for _, f in lit], _LEAST_GREY),
        ("contrast", "deviation of the grey values", [f.contrast or 0.0 for _, f in lit], _LEAST_CONTRAST),
    ):
        odd, middle = _far(values, least)
        if odd:
            names = [lit[k][0] for k in odd]
            text = f"{counted(len(odd), 'image stands', 'images stand')} out by its {code}: the {word} is "
            text += f"{values[odd[0]]:.0f} on {names[0]}, {middle:.0f} on the middle image of the set."
            cure = "Look at them: a wrong exposure, or a picture of something else. If so, leave them out."
            actions = (show(names), exclude(names))
            findings.append(Finding("warning", f"images.{code}", text, cure, named(names), actions))
    return findings + _odd_sizes(known)


def _far(values: Sequence[float], least: float) -> tuple[list[int], float]:
    if len(values) < _LEAST_IMAGES:
        return [], 0.0
    array = np.asarray(values)
    middle = float(np.median(array))
    distance = np.abs(array - middle)
    odd = np.flatnonzero(distance > max(least, _FAR * 1.4826 * float(np.median(distance))))
    few = max(1, int(_MOST_OUTLIERS * len(values)))
    return (odd[np.argsort(-distance[odd])].tolist() if len(odd) <= few else []), middle


def _odd_sizes(known: Sequence[tuple[str, Facts]]) -> list[Finding]:
    if len(known) < _LEAST_IMAGES:
        return []
    sizes = [(f.header.width, f.header.height) for _, f in known if f.header]
    areas = np.array([width * height for width, height in sizes], dtype=np.float64)
    middle = float(np.median(areas))
    odd = np.flatnonzero((areas > _AREA_FACTOR * middle) | (areas * _AREA_FACTOR < middle)).tolist()
    if not odd or len(odd) > max(1, int(_MOST_OUTLIERS * len(sizes))):
        return []
    names = [known[k][0] for k in odd]
    width, height = sizes[odd[0]]
    text = (
        f"{counted(len(odd), 'image has', 'images have')} quite another size than the rest: {names[0]} has "
    )
    text += f"{width} x {height} pixels, the middle image {middle**0.5:.0f} x {middle**0.5:.0f} by area."
    cure = (
        "Look at them: a thumbnail, a screenshot, another camera. Objects on them come out in another scale."
    )
    return [Finding("warning", "images.size", text, cure, named(names), (show(names), exclude(names)))]
