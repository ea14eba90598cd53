"""What a check found: a sentence with its cause, its cure and the files it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning", "notice"]

#: A finding names at most this many files; its message says how many there are.
MAX_NAMED = 20


#: An action names at most this many samples; a cure for more is a rule, not a list.
MAX_IDS = 10_000


@dataclass(frozen=True)
class Action:
    """One cure of a finding that a window carries out with a click.

    Attributes:
        kind: ``set`` writes ``settings`` into the configuration, ``exclude`` leaves the samples ``ids`` out
            (``DatasetMemory.exclude``), ``open`` shows the samples or files ``ids``.
        label: What a button says, in the imperative, such as ``Leave out 3 images``.
        settings: Dotted configuration keys and their values; only of ``set``.
        ids: Sample ids, or paths where there is no sample (unreadable files); of ``exclude`` and ``open``.
    """

    kind: Literal["set", "exclude", "open"]
    label: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    ids: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "kind": self.kind,
            "label": self.label,
            "settings": dict(self.settings),
            "ids": list(self.ids),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Action:
        """The inverse of ``to_dict``."""
        return cls(
            data["kind"], data["label"], dict(data.get("settings") or {}), tuple(data.get("ids") or ())
        )


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
        actions: The cure as clicks, the best first; may be empty.
    """

    severity: Severity
    code: str
    message: str
    cure: str = ""
    where: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "cure": self.cure,
            "where": list(self.where),
            "actions": [action.to_dict() for action in self.actions],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Finding:
        """The inverse of ``to_dict``."""
        return cls(
            data["severity"],
            data["code"],
            data["message"],
            data.get("cure", ""),
            tuple(data.get("where", ())),
            tuple(Action.from_dict(action) for action in data.get("actions", ())),
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


class Noun(NamedTuple):
    """What one thing and several of them are called."""

    one: str
    many: str


IMAGE = Noun("image", "images")
SAMPLE = Noun("sample", "samples")


def counted(number: int, one: str, many: str = "") -> str:
    """``1 image``, ``3 images``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(items: Sequence[object], most: int = 3) -> str:
    """``a, b, c and 4 more``."""
    shown = ", ".join(str(item) for item in items[:most])
    return shown + (f" and {len(items) - most} more" if len(items) > most else "")


def exclude(ids: Iterable[str], what: str = "image") -> Action:
    """The action that leaves samples out, at most ``MAX_IDS`` of them."""
    chosen = tuple(ids)[:MAX_IDS]
    return Action("exclude", f"Leave out {counted(len(chosen), what)}", ids=chosen)


def show(ids: Iterable[str], label: str = "", noun: Noun = IMAGE) -> Action:
    """The action that shows samples or files, at most ``MAX_IDS`` of them."""
    chosen = tuple(ids)[:MAX_IDS]
    return Action("open", label or f"Show {counted(len(chosen), *noun)}", ids=chosen)


def setting(label: str, **values: Any) -> Action:
    """The action that writes options; ``__`` in a name stands for the dot: ``data__masks__threshold=0``."""
    return Action("set", label, {key.replace("__", "."): value for key, value in values.items()})


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then warnings, then notices; otherwise as they came."""
    rank = {"error": 0, "warning": 1, "notice": 2}
    return sorted(findings, key=lambda finding: rank[finding.severity])
