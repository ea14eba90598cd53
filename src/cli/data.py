"""Commands on data and configurations: check, sample-data, settings; and how a configuration is put together."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from src.core.config import (
    ConfigError,
    Layer,
    Resolved,
    file_layer,
    options,
    override_layer,
    preset_layer,
    presets,
    read_yaml,
    resolve,
)
from src.core.task_info import TaskInfo
from src.tasks.catalog import task_info


def build_layers(words: list[str], preset: str, task: str) -> tuple[TaskInfo, Resolved[Any]]:
    """Defaults, preset, file, command line: ``words`` is a file (or none) and then ``key=value`` pairs.

    Raises:
        ConfigError: Unknown keys or values out of bounds, all at once.
    """
    path, pairs = (
        (None, words)
        if not words or ("=" in words[0] and not Path(words[0]).exists())
        else (Path(words[0]), words[1:])
    )
    given = str(read_yaml(path).get("task", "")) if path else ""
    info = task_info(task or given or "segmentation")
    layers: list[Layer] = []
    if preset in presets(info.id) or preset != "default":
        layers.append(preset_layer(info.id, preset))
    if path:
        layers.append(file_layer(path, info.config))
    layers.append(override_layer(pairs, info.config))
    return info, resolve(info.config, layers)


def check(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """``check CONFIG|FOLDER``: what the data set is, and every finding with its cure."""
    words = list(arguments.words)
    target = Path(words[0])
    if target.is_dir():
        words = [*_folder_options(target), *words[1:]]
    info, resolved = build_layers(words, "default", "")
    faults = [f for f in info.check(resolved.config, None) if f.severity == "error"]
    if faults:
        raise ConfigError([(f.where[0] if f.where else "", f"{f.message} {f.cure}".strip()) for f in faults])

    def progress(done: int, total: int, what: str) -> None:
        if sys.stderr.isatty() and not arguments.json:
            print(
                f"\r{what}: {done} of {total}   ",
                end="\n" if done == total else "",
                file=sys.stderr,
                flush=True,
            )

    data = info.describe(resolved.config, progress)
    findings = info.check(resolved.config, data)
    if not arguments.json:
        print(data.summary())
        for finding in findings:
            print(f"- {finding}")
            for place in finding.where[:5]:
                print(f"    {place}")
        if not findings:
            print("Nothing wrong was found.")
    bad = any(f.severity == "error" for f in findings)
    result = {"status": "faults" if bad else "ok", "summary": data.summary(), "findings": [f.to_dict() for f in findings],
              "resolved": data.resolved()}  # fmt: skip
    return (1 if bad else 0), result


def _folder_options(folder: Path) -> list[str]:
    """The usual layout in a folder: images/ and masks/, perhaps splits/; else images and masks side by side."""
    if (folder / "lathe.yaml").is_file():
        return [str(folder / "lathe.yaml")]
    images, masks, splits = folder / "images", folder / "masks", folder / "splits"
    if not (images.is_dir() and masks.is_dir()):
        images = masks = folder
    pairs = [f"data.images_dir={images}", f"data.masks_dir={masks}"]
    return [*pairs, f"data.split_dir={splits}"] if (splits / "train.txt").is_file() else pairs


def make_sample_set(folder: Path, seed: int, parts: int, silent: bool) -> None:
    """Make the sample data, or say that they are there."""
    from src.core.dataset.sample_data import make_sample_data

    made = make_sample_data(folder, parts=parts, seed=seed)
    if not silent:
        print(made, file=sys.stderr)


def sample_data(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """``sample-data DIR``."""
    make_sample_set(arguments.folder, arguments.seed, arguments.parts, arguments.json)
    config = arguments.folder.resolve() / "lathe.yaml"
    if not arguments.json:
        print(f"Train on it: app.py train {config}", file=sys.stderr)
    return 0, {"status": "ok", "folder": str(arguments.folder.resolve()), "config": str(config)}


def settings(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """``settings``: the manual of every setting, made from the schema."""
    info = task_info(arguments.task)
    print(settings_page(info) if arguments.markdown else settings_lines(info))
    return 0, {}


def settings_lines(info: TaskInfo) -> str:
    """A line a setting."""
    return "\n".join(f"{o.key} = {o.default!r}  {o.help}" for o in options(info.config))


def settings_page(info: TaskInfo) -> str:
    """The page of the manual."""
    lines = [
        f"# Every setting of {info.title.lower()}",
        "",
        "Made from the schema by `app.py settings --markdown`.",
    ]
    found = options(info.config)
    tabs = dict.fromkeys(o.section if "." in o.key else "run" for o in found)
    for tab in tabs:
        lines += ["", f"## {tab.title()}", "", "| Key | Default | Values | Meaning |", "|---|---|---|---|"]
        for o in found:
            if tab != (o.section if "." in o.key else "run"):
                continue
            values = ", ".join(f"`{c}`" for c in o.choices) if o.choices else _bounds(o)
            default = (
                "empty" if o.default in ("", []) else f"`{o.default}`" + (f" {o.unit}" if o.unit else "")
            )
            lines.append(f"| `{o.key}` | {default} | {values} | **{o.label}.** {o.help} |")
    return "\n".join(lines) + "\n"


def _bounds(o: Any) -> str:
    if o.minimum is None and o.maximum is None:
        return o.kind
    low = "" if o.minimum is None else f"{'>' if o.exclusive_minimum else '≥'} {o.minimum:g}"
    high = "" if o.maximum is None else f"≤ {o.maximum:g}"
    return ", ".join(part for part in (low, high) if part)


__all__ = ["build_layers", "check", "make_sample_set", "sample_data", "settings"]
