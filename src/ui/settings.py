"""What the window remembers between two starts: geometry, theme, zoom, what was opened last."""

from __future__ import annotations

import os
from pathlib import Path

from PyQt5.QtCore import QByteArray, QSettings

_MOST_RECENT = 8


class Settings:
    """Typed access to the remembered values. ``$LATHE_SETTINGS`` names a file to use instead of the
    system's place."""

    def __init__(self) -> None:
        named = os.environ.get("LATHE_SETTINGS")
        self._store = QSettings(named, QSettings.IniFormat) if named else QSettings("Lathe", "Lathe")

    def blob(self, key: str) -> QByteArray:
        """Geometry or the like; empty when nothing was kept."""
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def text(self, key: str, default: str = "") -> str:
        """A remembered text."""
        return str(self._store.value(key, default))

    def number(self, key: str, default: float) -> float:
        """A remembered number; the default where it was damaged."""
        try:
            return float(self._store.value(key, default))
        except (TypeError, ValueError):
            return default

    def keep(self, key: str, value: QByteArray | str | float) -> None:
        """Remember a value."""
        self._store.setValue(key, value)

    def recent(self, kind: str) -> list[str]:
        """Folders opened before, the newest first; those that are gone are left out."""
        value = self._store.value(f"recent/{kind}", [])
        listed = [value] if isinstance(value, str) else list(value or [])
        return [str(p) for p in listed if Path(str(p)).is_dir()]

    def add_recent(self, kind: str, path: Path) -> None:
        """Put a folder at the top of the list."""
        text = str(path)
        self._store.setValue(
            f"recent/{kind}", [text, *[p for p in self.recent(kind) if p != text]][:_MOST_RECENT]
        )

    def flush(self) -> None:
        """Write now."""
        self._store.sync()
