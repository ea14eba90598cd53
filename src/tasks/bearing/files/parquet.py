"""Parquet files, where pyarrow is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from src.tasks.bearing.files.facts import FileFacts, UnreadableSignalError, as_float32
from src.tasks.bearing.files.times import is_fact, is_time, rate_of

INSTALL_PARQUET = 'python -m pip install "pyarrow>=17"'
_FIRST = 4096


def _open(path: Path) -> Any:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise UnreadableSignalError(
            f"Parquet needs pyarrow, which is not installed. Install it with: {INSTALL_PARQUET}"
        ) from error
    try:
        return parquet.ParquetFile(path, memory_map=True)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise UnreadableSignalError("it is damaged, or no Parquet file") from error


def parquet_facts(path: Path) -> FileFacts:
    """Columns of numbers as channels; a column of times gives the rate, texts that are the same in each row a value."""
    file = _open(path)
    import pyarrow as arrow  # there, or the file could not have been opened

    with file:
        facts, rows = FileFacts(), file.metadata.num_rows
        first = next(file.iter_batches(batch_size=_FIRST), None)
        for position, entry in enumerate(file.schema_arrow):
            if first is None:
                break
            head = first.column(position)
            if arrow.types.is_string(entry.type) or arrow.types.is_large_string(entry.type):
                told = file.read(columns=[entry.name]).column(0).unique()
                if len(told) == 1:
                    facts.add(entry.name, told[0].as_py() or "")
                else:
                    facts.remarks.append(f"“{entry.name}” changes within the file: a file is read as one recording, and must "
                                         "be of one state.")  # fmt: skip
            elif arrow.types.is_integer(entry.type) or arrow.types.is_floating(entry.type):
                values = head.to_numpy(zero_copy_only=False)
                if is_time(entry.name) and (rate := rate_of(values, entry.name)):
                    facts.rate = rate
                elif len(values) > 1 and is_fact(entry.name) and _one_value(file, entry.name):
                    facts.values[entry.name] = float(values[0])
                else:
                    facts.channels[entry.name] = rows
        return facts


def _one_value(file: Any, name: str) -> bool:
    return len(file.read(columns=[name]).column(0).unique()) == 1


def parquet_read(path: Path, channel: str, start: int, stop: int) -> np.ndarray:
    """A part of a channel: only the row groups that hold it are decoded."""
    with _open(path) as file:
        pieces, at = [], 0
        for number in range(file.num_row_groups):
            rows = file.metadata.row_group(number).num_rows
            if at < stop and at + rows > start:
                column = file.read_row_group(number, columns=[channel]).column(0).to_numpy()
                pieces.append(as_float32(column[max(0, start - at) : stop - at]))
            at += rows
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
