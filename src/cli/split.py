"""The command ``split``: how a data set is divided, whether that leaks, and the split as files."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from src.cli.data import dataset_config, progress_line
from src.core.config import ConfigError
from src.core.dataset.config import SplitConfig
from src.core.dataset.contract import Description
from src.core.dataset.findings import DatasetError, Finding, Noun, counted
from src.core.dataset.memory import memory_folder
from src.core.dataset.records import SPLITS
from src.core.dataset.splitting.grouping import GroupPreview, groups_of
from src.core.dataset.splitting.leakage import CODES, TITLES
from src.core.run import workspace

_MOST_CLASSES = 40


def split(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """``split CONFIG|FOLDER key=value…``: divide a data set, say what came of it, write the files."""
    from src.core.dataset.splitting.split_files import planned, write_splits

    words = list(arguments.words)
    if arguments.folds is not None:
        words.append(f"data.split.folds={arguments.folds}")
    info, resolved = dataset_config(words)
    config = getattr(resolved.config.data, "split", None)
    if not isinstance(config, SplitConfig):
        raise ConfigError([("task", f"The data of “{info.title}” are not divided by this command.")])
    progress = progress_line(arguments.json)
    found = info.describe(resolved.config, progress, anew=arguments.anew, store=not arguments.preview)
    result = _report(found, config)
    written = earlier = None
    own = not found.split_given
    if found.record and not found.has_errors and not arguments.preview and (own or arguments.out):
        written = Path(arguments.out or _usual_place(found))
        try:
            earlier = write_splits(written, planned(found), found.root, arguments.replace)
        except OSError as error:
            text = f"The split could not be written to {written}: {error.strerror or error}."
            cure = "Choose another folder with --out, or ask for permission to write."
            raise DatasetError(Finding("error", "split.unwritable", text, cure)) from error
    result |= {"written": str(written) if written else None, "earlier": str(earlier) if earlier else None}
    if not arguments.json:
        _print(found, config, result, info.look.noun)
    return (1 if found.has_errors else 0), result


def _usual_place(found: Description) -> Path:
    return workspace() / "splits" / memory_folder(workspace(), found.source).name


def _report(found: Description, config: SplitConfig) -> dict[str, Any]:
    samples = found.all_samples
    groups = groups_of(samples, config)
    leaks = [f for f in found.findings if f.code in CODES]
    status = "faults" if found.has_errors else "leaks" if any(f.severity != "notice" for f in leaks) else "ok"
    report: dict[str, Any] = {
        "status": status,
        "summary": found.summary(),
        "given": found.split_given,
        "split_hash": found.split_hash,
        "groups": {
            "number": groups.groups,
            "largest": list(groups.largest),
            "smallest": list(groups.smallest),
            "examples": {e.name: list(e.members) for e in groups.examples},
            "unmatched": groups.unmatched_images,
        },
        "parts": {part: _part(found, part) for part in SPLITS},
        "leakage": [f.to_dict() for f in leaks],
        "leakage_looked_for": sum(bool(found.samples[part]) for part in SPLITS) > 1,
        "findings": [f.to_dict() for f in found.findings],
    }
    if found.record and found.record.folds:
        report["folds"] = [
            {
                "fold": n,
                "images": images,
                "groups": len({s.group for s in samples if found.record.folds[s.id] == n}),
            }
            for n, images in sorted(Counter(found.record.folds.values()).items())
            if n
        ]
    return report


def _part(found: Description, part: Any) -> dict[str, Any]:
    samples = found.samples[part]
    holding = Counter(c for s in samples for c in s.classes)
    classes = {name: {"images": holding[number]} for number, name in enumerate(found.class_names)}
    pixels: Any = getattr(found, "class_pixels", None)  # only where classes are counted by pixels
    if pixels is not None:
        for entry, number in zip(classes.values(), pixels.get(part) or [0] * len(classes), strict=False):
            entry["pixels"] = number
    strata = dict(sorted(Counter(s.stratum for s in samples if s.stratum).items()))
    return {
        "images": len(samples),
        "groups": len({s.group for s in samples}),
        "classes": classes,
        "strata": strata,
    }


def _print(found: Description, config: SplitConfig, result: dict[str, Any], noun: Noun) -> None:
    print(found.summary())
    if found.all_samples:
        _print_groups(groups_of(found.all_samples, config), config, noun)
        _print_parts(found, config, result, noun)
    leaks = [f for f in found.findings if f.code in CODES]
    print(_leakage_sentence(found, len(leaks), noun))
    for finding in [*leaks, *(f for f in found.findings if f not in leaks and _belongs(f))]:
        print(f"- {finding}")
        for place in finding.where[:5]:
            print(f"    {place}")
    if result["split_hash"]:
        print(f"Hash of the split: {result['split_hash']}")
    if result["earlier"]:
        print(f"The earlier split was kept in {result['earlier']}")
    if result["written"]:
        print(f"Written to {result['written']}")


def _leakage_sentence(found: Description, leaks: int, noun: Noun) -> str:
    """Says that nothing leaks only where two parts were compared."""
    parts = [part for part in SPLITS if found.samples[part]]
    if leaks:
        return f"Leakage: {counted(leaks, 'finding')}."
    if len(parts) > 1:
        return "Leakage: none was found."
    why = f"there is no {noun.one} that can be used"
    if parts:
        why = f"all {noun.many} are for {TITLES[parts[0]]}"
    return f"Leakage: nothing to compare, since {why}."


def _belongs(finding: Finding) -> bool:
    """Errors of all kinds; of the rest what concerns the split, since ``check`` says everything."""
    return finding.severity == "error" or finding.code.startswith(("split.", "table.split"))


def _print_groups(groups: GroupPreview, config: SplitConfig, noun: Noun) -> None:
    key = {
        "none": f"each {noun.one} is its own",
        "folder": "by folder",
        "pattern": f"by the pattern {config.group_pattern}",
        "column": f"by the column {config.group_column}",
        "duplicates": "by looks",
    }.get(config.group_by, f"by {config.group_by}")
    print(f"Groups, {key}: {groups.sentence(noun)}")
    if groups.largest[1] > 1:
        for example in groups.examples[:5]:
            more = (
                f" and {example.images - len(example.members)} more"
                if example.images > len(example.members)
                else ""
            )
            print(f"    {example.name}: {', '.join(example.members)}{more}")


def _print_parts(found: Description, config: SplitConfig, result: dict[str, Any], noun: Noun) -> None:
    """A table: samples, groups, and samples of each class (or stratum) in each part."""
    parts = [part for part in SPLITS if found.samples[part]]
    rows: list[tuple[str, list[str]]] = [("", [TITLES[part] for part in parts])]
    numbers = result["parts"]
    for title, key in ((noun.many, "images"), ("groups", "groups")):
        rows.append((title, [str(numbers[part][key]) for part in parts]))
    if config.stratify_column:
        for name in sorted({name for part in parts for name in numbers[part]["strata"]})[:_MOST_CLASSES]:
            title = f"{config.stratify_column} {name}"
            rows.append((title, [str(numbers[part]["strata"].get(name, 0)) for part in parts]))
    for name in found.class_names[:_MOST_CLASSES]:
        rows.append((f"with {name}", [str(numbers[part]["classes"][name]["images"]) for part in parts]))
    left = max(len(title) for title, _ in rows)
    for title, cells in rows:
        print(f"    {title:<{left}}" + "".join(f"{cell:>12}" for cell in cells))
    for fold in result.get("folds", ()):
        print(
            f"    fold {fold['fold']}: {counted(fold['images'], *noun)} in {counted(fold['groups'], 'group')}"
        )


__all__ = ["split"]
