"""The sentence beside Start, and the reasons beside the fields, from what is known. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from src.core.dataset.findings import Finding
from src.ui.dialogs.train_setup import key_of
from src.ui.wording import in_words

_LONG = 90


@dataclass(frozen=True)
class StartState:
    """Whether the training can start.

    Attributes:
        severity: ``error``, ``warning``, or ``muted`` for what is only information.
        text: One sentence.
        ready: Start is on.
    """

    severity: str
    text: str
    ready: bool


def start_state(
    findings: list[Finding],
    scan: str,
    progress: tuple[int, int, str] | None,
    labels: Mapping[str, str],
    again: bool = False,
) -> StartState:
    """What the bar says; ``scan`` is the state of the check of the data, ``again``: they were checked before, so that Start may
    be pressed meanwhile.
    """
    errors = [f for f in findings if f.severity == "error"]
    if errors:
        label = labels.get(key_of(errors[0], labels), "")
        more = f" ({len(errors) - 1} more on the right)" if len(errors) > 1 else ""
        text = in_words(errors[0].message)
        return StartState("error", f"Cannot start yet. {label + ': ' if label else ''}{text}{more}", False)
    if scan in ("waiting", "running"):
        done, total, _ = progress or (0, 0, "")
        count = f": {done:,} of {total:,}" if total else "…"
        return StartState("muted", f"Checking the data before the start{count}", again)
    if scan == "failed":
        return StartState(
            "warning", "The data could not be checked; the training checks them again itself.", True
        )
    if any(f.severity == "warning" for f in findings):
        return StartState("warning", "Ready, but look at the warnings on the right first.", True)
    return StartState("muted", "Ready to start.", True)


def field_messages(findings: list[Finding], labels: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Key to ``(severity, sentence)``: the worst finding on each option; what is only worth knowing is left
    out.
    """
    messages: dict[str, tuple[str, str]] = {}
    for finding in findings:
        key = key_of(finding, labels)
        if key and key not in messages and finding.severity != "notice":
            text = (
                finding.message
                if len(finding.message) > _LONG
                else f"{finding.message} {finding.cure}".strip()
            )
            messages[key] = (finding.severity, in_words(text))
    return messages
