"""What a check found: a sentence with its cause, its cure and the files it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "notice"]

#: A finding names at most this many files; its message says how many there are.
MAX_NAMED = 20


@dataclass(frozen=True)
class Finding:
    """One result of a check, made before training starts.

    Attributes:
        severity: ``error`` keeps training from starting, ``warning`` should be looked at, ``notice`` states
            what was decided.
        code: Stable dotted name for programs and tests, such as ``masks.values``.
        message: One or two sentences: what, where, how many.
        cure: What to do about it, often the configuration lines to write; may be empty.
        where: Files or groups it is about, at most ``MAX_NAMED``.
    """

    severity: Severity
    code: str
    message: str
    cure: str = ""
    where: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {**asdict(self), "where": list(self.where)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Finding:
        """The inverse of ``to_dict``."""
        return cls(
            data["severity"],
            data["code"],
            data["message"],
            data.get("cure", ""),
            tuple(data.get("where", ())),
        )

    def __str__(self) -> str:
        text = f"{self.severity}: {self.message}"
        return f"{text} {self.cure}" if self.cure else text


class DatasetError(Exception):
    """The data cannot be used as configured.

    Attributes:
        findings: At least one of them is an error.
    """

    def __init__(self, findings: Iterable[Finding] | Finding) -> None:
        self.findings = [findings] if isinstance(findings, Finding) else list(findings)
        super().__init__(
            "\n".join(str(f) for f in self.findings if f.severity == "error") or "no error named"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.findings,))


def named(items: Iterable[str]) -> tuple[str, ...]:
    """The first ``MAX_NAMED`` of the sorted items, for ``Finding.where``."""
    return tuple(sorted(items)[:MAX_NAMED])


def counted(number: int, one: str, many: str = "") -> str:
    """``1 image``, ``3 images``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(items: Sequence[object], most: int = 3) -> str:
    """``a, b, c and 4 more``."""
    shown = ", ".join(str(item) for item in items[:most])
    return shown + (f" and {len(items) - most} more" if len(items) > most else "")
