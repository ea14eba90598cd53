"""Trained networks as files that other programs run: written, run by their own runtime, compared. Knows no task."""

from src import __version__

#: The version that stands in exported files and in what lies beside them.
__all__ = ["__version__"]
