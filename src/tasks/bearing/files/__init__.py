"""Files of measured signals: what is in them, and parts of their channels, without reading the whole."""

from src.tasks.bearing.files.access import (
    INSTALL_PARQUET,
    SUFFIXES,
    PossibleSuffixes,
    inspect_file,
    is_signal_file,
    read_channel,
)
from src.tasks.bearing.files.facts import FileFacts, UnreadableSignalError

__all__ = [
    "INSTALL_PARQUET",
    "SUFFIXES",
    "FileFacts",
    "PossibleSuffixes",
    "UnreadableSignalError",
    "inspect_file",
    "is_signal_file",
    "read_channel",
]
