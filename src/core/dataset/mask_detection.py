"""Proposing what mask values mean from how often each occurs, and refusing where it is not clear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from src.core.dataset.findings import Action, Finding, counted, listed
from src.core.dataset.masks import MaskMeaning, contradictions

if TYPE_CHECKING:
    from src.core.dataset.config import MaskConfig

#: More classes than this are not taken for class numbers unless their names are given.
MAX_DETECTED_CLASSES = 64
#: Anti-aliased or lossy masks have at least this share of their pixels near black and white.
_EXTREME_SHARE = 0.8
_EXTREME_WIDTH = 24


def detect_meaning(
    counts: Mapping[int, int], config: MaskConfig | None = None, *, masks: int = 0, lossy: bool = False
) -> tuple[MaskMeaning | None, list[Finding]]:
    """Propose the meaning of a set of masks.

    Args:
        counts: Pixels of each value over all masks.
        config: What is declared so far; its names, ignore value, and ``foreground: dark`` are respected, and
            with ``index`` only the classes are sought.
        masks: Number of masks, for the sentences.
        lossy: The masks are JPEGs, whose values drift around the drawn ones.

    Returns:
        The meaning, or ``None`` with an error among the findings that holds the lines to write.
    """
    from src.core.dataset.config import MaskConfig

    config = config or MaskConfig()
    problems = contradictions(config)
    if problems:
        return None, problems
    present = {int(v): int(n) for v, n in counts.items() if n > 0 and v != config.ignore_value}
    if not present:
        return None, [_unclear("masks.empty", f"The {_masks(masks)} have no pixel that counts.", [])]
    if config.meaning == "index":
        return _index(present, config, masks)
    if config.meaning == "binary":
        return MaskMeaning.from_config(config), []
    return _detect(present, config, masks, lossy)


def _detect(
    present: dict[int, int], config: MaskConfig, masks: int, lossy: bool
) -> tuple[MaskMeaning | None, list[Finding]]:
    values = sorted(present)
    if len(values) == 1:
        text = (
            f"All pixels of the {_masks(masks)} have the value {values[0]}: nothing is marked in any of them."
        )
        return None, [
            _unclear("masks.all_empty", text, ["Check that the folder of the masks is the right one."])
        ]
    if config.classes and len(config.classes) > 2:
        return _index(present, config, masks)
    if len(values) == 2 and values[0] == 0:
        return _binary(
            present,
            config,
            masks,
            values[1] // 2 if values[1] > 1 else 0,
            "two values, 0 and " + str(values[1]),
        )
    if values == [0, 1, 255] and config.ignore_value is None and not lossy:
        return _binary(
            present, config, masks, 0, "the values 0, 1 and 255, the last taken as unlabelled", ignore=255
        )
    if not lossy and _contiguous([v for v in values if v != 255]):
        return _index(present, config, masks)
    if _two_sided(present):
        return _binary(
            present, config, masks, 127, f"{len(values)} grey levels, nearly all close to 0 or 255"
        )
    return None, [_not_clear(present, masks)]


def _contiguous(values: list[int]) -> bool:
    return len(values) >= 3 and values == list(range(len(values))) and len(values) <= MAX_DETECTED_CLASSES


def _two_sided(present: dict[int, int]) -> bool:
    """Drawn in black and white, then smoothed or compressed."""
    if max(present) > 255:
        return False
    dark = sum(n for v, n in present.items() if v <= _EXTREME_WIDTH)
    bright = sum(n for v, n in present.items() if v >= 255 - _EXTREME_WIDTH)
    if not dark or not bright or dark + bright < _EXTREME_SHARE * sum(present.values()):
        return False
    # Edges between black and white pass through every grey; a few separate levels are classes, not edges.
    between = sum(1 for v in present if _EXTREME_WIDTH < v < 255 - _EXTREME_WIDTH)
    near = sum(1 for v in present if v <= _EXTREME_WIDTH or v >= 255 - _EXTREME_WIDTH)
    return between >= 16 or (between == 0 and near >= 3)


def _binary(
    present: dict[int, int],
    config: MaskConfig,
    masks: int,
    threshold: int,
    seen: str,
    ignore: int | None = None,
) -> tuple[MaskMeaning | None, list[Finding]]:
    names = (
        tuple(config.classes) if len(config.classes) == 2 else ("background", *(config.classes or ["object"]))
    )
    ignore = config.ignore_value if ignore is None else ignore
    meaning = MaskMeaning("binary", names, (), threshold, config.foreground, ignore)
    classes, _ = meaning.encode_counts(present)
    share = float(classes[1] / max(1, classes.sum()))
    if share > 0.5:
        other = "dark" if config.foreground == "bright" else "bright"
        return None, [
            Finding(
                "error",
                "masks.polarity",
                f"The {_masks(masks)} hold {seen}. Taken as {config.foreground} objects, "
                f"{share:.0%} of all pixels "
                "would be object: perhaps the object is the other side.",
                f"Say which it is: data.masks.meaning: binary, data.masks.threshold: {threshold}, and "
                f"data.masks.foreground: {other} (or {config.foreground}, if objects really cover "
                "more than half).",
                actions=tuple(
                    Action(
                        "set",
                        f"The object is {word}",
                        {
                            "data.masks.meaning": "binary",
                            "data.masks.threshold": threshold,
                            "data.masks.foreground": word,
                        },
                    )
                    for word in (other, config.foreground)
                ),
            )
        ]
    side = "above" if config.foreground == "bright" else "up to"
    text = (
        f"The {_masks(masks)} hold {seen}: taken as binary, the object is {side} {threshold} "
        f"({share:.2%} of pixels)."
    )
    text += _edge_note(present, meaning)
    cure = f"To declare it: data.masks.meaning: binary, data.masks.threshold: {threshold}"
    cure += ", data.masks.foreground: dark." if config.foreground == "dark" else "."
    if ignore is not None and ignore != config.ignore_value:
        cure += f" And data.masks.ignore_value: {ignore}."
    return meaning, [Finding("notice", "masks.detected", text, cure)]


def _edge_note(present: dict[int, int], meaning: MaskMeaning) -> str:
    """How much the choice of the threshold matters where edges are smoothed."""
    if len(present) <= 3 or meaning.foreground == "dark":
        return ""
    chosen = sum(n for v, n in present.items() if v > meaning.threshold and v != meaning.ignore_value)
    touched = sum(n for v, n in present.items() if v > 0 and v != meaning.ignore_value)
    if not chosen or touched <= chosen:
        return ""
    return f" The edges are smoothed: with every value above 0 it would be {touched / chosen - 1:.0%} larger."


def _index(
    present: dict[int, int], config: MaskConfig, masks: int
) -> tuple[MaskMeaning | None, list[Finding]]:
    ignore = config.ignore_value
    plain = [v for v in sorted(present) if v != 255]
    if ignore is None and 255 in present and plain and max(plain) < 254 and 255 not in config.values:
        ignore = 255
    used = [v for v in sorted(present) if v != ignore]
    if not used:
        return None, [_not_clear(present, masks)]
    count = len(config.classes) or max(
        2, used[-1] + 1, (config.ignore_value or 0) if _follows(config, used) else 0
    )
    if config.values:
        values = tuple(config.values)
    elif used[-1] >= count or (not config.classes and count > MAX_DETECTED_CLASSES):
        return None, [_outside_names(used, config, present, masks)]
    else:
        values = tuple(range(count))
    names = tuple(config.classes) or tuple(f"class_{i}" for i in range(len(values)))
    meaning = MaskMeaning("index", names, values, ignore_value=ignore)
    text = (
        f"The {_masks(masks)} hold the values {_ranges(used)}: taken as class numbers of "
        f"{counted(len(names), 'class', 'classes')}."
    )
    cure = f"To declare it: data.masks.meaning: index, data.masks.classes: [{', '.join(names)}]"
    if ignore is not None:
        text += f" Pixels of value {ignore} are left out."
        cure += f", data.masks.ignore_value: {ignore}"
    if not config.classes:
        cure += (
            ". Give the classes their real names, and name the value of unlabelled pixels, if there is one"
        )
    return meaning, [Finding("notice", "masks.detected", text, cure + ".")]


def _follows(config: MaskConfig, used: list[int]) -> bool:
    """The ignored value stands right behind the classes, one of which does not occur."""
    return config.ignore_value is not None and used[-1] < config.ignore_value <= used[-1] + 2


def _outside_names(used: list[int], config: MaskConfig, present: dict[int, int], masks: int) -> Finding:
    if not config.classes:
        return _not_clear(present, masks)
    return Finding(
        "error",
        "masks.values",
        f"{counted(len(config.classes), 'class is', 'classes are')} named, which are the values 0 to "
        f"{len(config.classes) - 1}, but the {_masks(masks)} also hold "
        f"{_ranges([v for v in used if v >= len(config.classes)])}.",
        "Name all classes in data.masks.classes, give their values in data.masks.values: "
        f"[{', '.join(map(str, used))}], or name one value to leave out in data.masks.ignore_value.",
    )


def _not_clear(present: dict[int, int], masks: int) -> Finding:
    values = sorted(present)
    common = sorted(present, key=lambda v: -present[v])[:12]
    total = sum(present.values())
    shares = listed([f"{v} ({present[v] / total:.1%})" for v in common], 6)
    lines = []
    if len(values) <= MAX_DETECTED_CLASSES:
        names = ", ".join(f"class_{i}" for i in range(len(values)))
        lines.append(
            f"If each value is a class: data.masks.meaning: index, data.masks.values: "
            f"[{', '.join(map(str, values))}], data.masks.classes: [{names}]"
        )
    middle = (values[0] + values[-1]) // 2
    lines.append(f"If there is one object: data.masks.meaning: binary, data.masks.threshold: {middle}")
    text = (
        f"It is not clear what the values of the {_masks(masks)} mean. They are "
        f"{_ranges(values)}; most often {shares}."
    )
    return _unclear("masks.unclear", text, lines)


def _unclear(code: str, message: str, lines: list[str]) -> Finding:
    return Finding(
        "error", code, message, " ".join(line if line.endswith(".") else line + "." for line in lines)
    )


def _masks(number: int) -> str:
    return f"{number} masks" if number > 1 else "masks"


def _ranges(values: list[int]) -> str:
    """``0 to 11 and 255``."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    words = []
    for run in runs:
        words += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(v) for v in run]
    return listed(words, 8) if len(words) != 2 else " and ".join(words)
