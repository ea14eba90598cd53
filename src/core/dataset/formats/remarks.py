"""Every sentence about faults of annotations, collected while they are read and told once for all of them."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from src.core.dataset.findings import MAX_NAMED, Finding, Severity, counted


@dataclass(frozen=True)
class _Kind:
    severity: Severity
    one: str
    many: str
    cure: str = ""


_LEFT_OUT = "Correct them in the program that made the annotations; without it they stay left out."
#: ``{n}`` is the number.
_KINDS: dict[str, _Kind] = {
    "json": _Kind("warning", "A file cannot be read: left out.", "{n} files cannot be read: left out.",
                  "Repair or export them again."),
    "image_missing": _Kind("warning", "One annotated image was not found: left out.",
                           "{n} annotated images were not found: left out.",
                           "Put the images beside the annotations, or give the folder that holds both."),
    "image_unreadable": _Kind("warning", "One image cannot be read: left out.", "{n} images cannot be read: left out.",
                              "Replace the damaged files."),
    "image_ambiguous": _Kind("warning", "The name of one image fits several files: left out.",
                             "The names of {n} images fit several files: left out.",
                             "Give the folder that holds only the images of these annotations."),
    "image_twice": _Kind("warning", "One image is annotated in more than one place: the first is taken.",
                         "{n} images are annotated in more than one place: the first is taken.",
                         "Remove one of the two; an image in two parts makes validation dishonest."),
    "image_id_twice": _Kind("warning", "One image id stands for several files: these images are left out, since nobody knows "
                            "whose the annotations are.", "{n} image ids stand for several files: these images are left out, "
                            "since nobody knows whose the annotations are.", "Export the annotations again with unique ids."),
    "size": _Kind("warning", "One image has another size than its annotation says: left out.",
                  "{n} images have another size than their annotations say: left out.",
                  "Use the images that were annotated: resized copies need new annotations."),
    "unannotated": _Kind("notice", "One image has no annotation: left out.", "{n} images have no annotation: left out."),
    "no_objects": _Kind("notice", "One image has no object on it: taken as background.",
                        "{n} images have no object on them: taken as background."),
    "annotation_id_twice": _Kind("warning", "One annotation id occurs twice: both are taken.",
                                 "{n} annotation ids occur more than once: all are taken."),
    "category_id_twice": _Kind("warning", "One category id stands for two classes: the first is taken.",
                               "{n} category ids stand for two classes: the first is taken.",
                               "Export the annotations again with unique ids."),
    "orphan": _Kind("warning", "One annotation belongs to no image: not used.", "{n} annotations belong to no image: not used."),
    "class_unknown": _Kind("warning", "One object is of a class that the list does not name: not used.",
                           "{n} objects are of classes that the list does not name: not used.",
                           "Add the classes to the list."),
    "class_added": _Kind("warning", "One class is not in the list of labels: added behind it.",
                         "{n} classes are not in the list of labels: added behind it.", "Correct the list or the labels."),
    "box_only": _Kind("warning", "One object has only a box and no outline: not used.",
                      "{n} objects have only a box and no outline: not used.",
                      "Boxes say nothing about pixels: draw outlines, or use a segmentation export."),
    "not_an_area": _Kind("warning", "One shape is a line or a point and covers no area: not used.",
                         "{n} shapes are lines or points and cover no area: not used.", "Draw them as polygons if they are objects."),
    "few_points": _Kind("warning", "One outline has fewer than three points: not used.",
                        "{n} outlines have fewer than three points: not used.", _LEFT_OUT),
    "zero_area": _Kind("warning", "One outline encloses no area: not used.", "{n} outlines enclose no area: not used.", _LEFT_OUT),
    "outside": _Kind("warning", "One object lies wholly outside its image: not used.",
                     "{n} objects lie wholly outside their images: not used.", _LEFT_OUT),
    "partly_outside": _Kind("notice", "One object reaches beyond its image: cut off at the edge.",
                            "{n} objects reach beyond their images: cut off at the edge."),
    "broken": _Kind("warning", "One object has damaged data: not used.", "{n} objects have damaged data: not used.", _LEFT_OUT),
    "rle_size": _Kind("warning", "One run-length mask has another size than its image: not used.",
                      "{n} run-length masks have another size than their images: not used.", _LEFT_OUT),
    "empty": _Kind("notice", "One object covers the centre of no pixel and is not on its mask.",
                   "{n} objects cover the centre of no pixel and are not on their masks."),
    "line": _Kind("warning", "One line of a label file cannot be understood: not used.",
                  "{n} lines of label files cannot be understood: not used.", _LEFT_OUT),
    "colour": _Kind("warning", "One mask has colours that the table does not name: these pixels are ignored.",
                    "{n} masks have colours that the table does not name: these pixels are ignored.",
                    "Add the colours to the table."),
    "mask_unreadable": _Kind("warning", "One mask cannot be read: its image is left out.",
                             "{n} masks cannot be read: their images are left out.", "Replace the damaged files."),
    "mask_size": _Kind("warning", "One mask has another size than its image: the image is left out.",
                       "{n} masks have another size than their images: the images are left out.",
                       "Export the masks again in the size of the images."),
    "mask_orphan": _Kind("warning", "One mask has no image: not used.", "{n} masks have no image: not used."),
    "stored_turned": _Kind("notice", "One image is turned by its EXIF orientation and was annotated before turning: the mask is "
                           "turned with it.", "{n} images are turned by their EXIF orientation and were annotated before turning: "
                           "the masks are turned with them."),
}  # fmt: skip


@dataclass
class Remarks:
    """Collects faults by kind; of each the number and the first places. Threads may share one."""

    _counts: Counter[str] = field(default_factory=Counter)
    _places: dict[str, list[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, kind: str, where: str, number: int = 1) -> None:
        """Note a fault of a kind in the list above, with the place where it is."""
        if kind not in _KINDS:
            raise KeyError(kind)
        with self._lock:
            self._counts[kind] += number
            places = self._places.setdefault(kind, [])
            if len(places) < MAX_NAMED:
                places.append(where)

    def __getitem__(self, kind: str) -> int:
        return self._counts[kind]

    def findings(self) -> list[Finding]:
        """A finding a kind, warnings first."""
        found = []
        for kind, about in _KINDS.items():
            if number := self._counts[kind]:
                text = about.one if number == 1 else about.many.format(n=number)
                found.append(
                    Finding(about.severity, f"import.{kind}", text, about.cure, tuple(self._places[kind]))
                )
        return sorted(found, key=lambda f: f.severity == "notice")


def refused(code: str, text: str, cure: str = "") -> Finding:
    """An error that keeps the import from being carried out."""
    return Finding("error", f"import.{code}", text, cure)


__all__ = ["Remarks", "counted", "refused"]
