"""Finding the images and masks that a configuration names."""

from __future__ import annotations

from src.core.dataset.config import ImageDataConfig
from src.core.dataset.findings import Finding
from src.core.dataset.sources.exclusions import leave_out
from src.core.dataset.sources.source_folders import pair_folders
from src.core.dataset.sources.source_lists import read_split_files
from src.core.dataset.sources.source_rows import Row, Sources, missing_folder
from src.core.dataset.sources.source_table import read_table

__all__ = ["Row", "Sources", "find_sources"]


def find_sources(config: ImageDataConfig) -> Sources:
    """Find all pairs of image and mask, without opening one.

    A table goes before split files, which go before folders. What ``data.exclude`` names is left out. Whatever is
    wrong is among the findings of the result; nothing is raised for it.
    """
    found = _find(config)
    if config.exclude:
        leave_out(found, config.exclude)
    return found


def _find(config: ImageDataConfig) -> Sources:
    if config.table:
        return read_table(config)
    if config.split_dir:
        found = read_split_files(config)
    elif not config.images_dir:
        return Sources(
            findings=[
                Finding(
                    "error",
                    "source.none",
                    "No data is named.",
                    "Set data.images_dir and data.masks_dir, or data.split_dir, or data.table.",
                )
            ]
        )
    else:
        problem = missing_folder("images_dir", config.images_dir) or _masks_dir_problem(config)
        if problem:
            return Sources(findings=[problem])
        found = pair_folders(config.images_dir, config.masks_dir, config.unlabelled)
    if not found.rows and not any(f.severity == "error" for f in found.findings):
        where = config.split_dir or config.images_dir
        found.findings.append(
            Finding(
                "error",
                "source.empty",
                f"No image with a mask was found in {where}.",
                "Choose another folder.",
            )
        )
    return found


def _masks_dir_problem(config: ImageDataConfig) -> Finding | None:
    if not config.masks_dir:
        return Finding(
            "error",
            "source.masks_dir",
            f"The folder of the masks that belong to {config.images_dir} is not named.",
            "Set data.masks_dir; it may be the folder of the images.",
        )
    return missing_folder("masks_dir", config.masks_dir)
