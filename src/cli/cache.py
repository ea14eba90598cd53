"""The command on caches of decoded images: list them, delete them."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from src.core.config import ConfigError
from src.core.feed.cache import CacheInfo, caches_folder, clear, list_caches


def cache(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """``cache`` lists the caches; ``cache clear`` deletes those that are named, old, or all; none that is in use.

    Raises:
        ConfigError: It is not said which to delete, or there is no cache of that name.
    """
    if arguments.action == "clear":
        return _clear(arguments)
    place = caches_folder()
    found = list_caches(place)
    if not arguments.json:
        for info in found:
            print(_line(info))
        print(
            f"{len(found)} caches with {_size(sum(i.bytes for i in found))} in {place}"
            if found
            else f"No cache in {place}."
        )
    return 0, {"status": "ok", "folder": str(place), "bytes": sum(i.bytes for i in found),
               "caches": [info.to_dict() for info in found]}  # fmt: skip


def _clear(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    place, names, days = caches_folder(), list(arguments.names), arguments.older_than
    if not (names or arguments.all or days is not None):
        raise ConfigError([("", "Say which caches to delete: their names, --all, or --older-than DAYS.")])
    there = [info.name for info in list_caches(place)]
    unknown = [name for name in names if name not in there]
    if unknown:
        listed = ", ".join(there) or "none"
        raise ConfigError([("", f"There is no cache “{unknown[0]}” in {place}. These are there: {listed}.")])
    removed, kept = clear(place, names or None, days)
    freed = sum(info.bytes for info in removed)
    if not arguments.json:
        print(f"{len(removed)} caches deleted, {_size(freed)} freed.")
        for info in kept:
            print(f"{info.name} is in use by a run and was kept.", file=sys.stderr)
    result = {
        "status": "in use" if kept else "ok", "bytes": freed, "removed": [info.name for info in removed],
        "kept": [info.name for info in kept],
    }  # fmt: skip
    return (1 if kept else 0), result


def _line(info: CacheInfo) -> str:
    used = (
        "in use" if info.in_use else f"used {time.strftime('%Y-%m-%d %H:%M', time.localtime(info.last_used))}"
    )
    return f"{info.name:<40} {_size(info.bytes):>10}  {info.samples:>8,} images  {used}  {info.root}"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


__all__ = ["cache"]
