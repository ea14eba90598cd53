"""A click on Start that came while something was being checked again: it is not lost. No widgets here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from src.core.dataset.findings import Finding

WAITS = "Starts as soon as the check has ended…"
_NEW = "Not started: the check found something new. Look at it, then press Start again."


class StartWish:
    """What a person asked for during a check; done when the check has found nothing new against it."""

    def __init__(self) -> None:
        self._do: Callable[[], None] | None = None
        self._known: set[str] = set()

    @property
    def waits(self) -> bool:
        """Whether something was asked for."""
        return self._do is not None

    def keep(self, do: Callable[[], None], findings: Iterable[Finding]) -> None:
        """Do this at the end of the check; ``findings`` are those that the person has seen."""
        self._do, self._known = do, _serious(findings)

    def forget(self) -> None:
        """The person went on editing instead."""
        self._do = None

    def due(self, findings: Iterable[Finding]) -> str:
        """The check has ended: do what was asked for. Returns why it is not done, or nothing."""
        do, self._do = self._do, None
        if do is not None and _serious(findings) - self._known:
            return _NEW
        if do is not None:
            do()
        return ""


def _serious(findings: Iterable[Finding]) -> set[str]:
    return {f.code for f in findings if f.severity != "notice"}
