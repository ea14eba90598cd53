"""The option ``data.exclude``: samples that a person decided to leave out."""

from __future__ import annotations

from src.core.dataset.files.image_files import why
from src.core.dataset.findings import Finding, counted, named
from src.core.dataset.memory import read_exclusions
from src.core.dataset.sources.source_rows import Sources, nfc


def leave_out(found: Sources, path: str) -> None:
    """Take the rows and missing files that a file names out of ``found``, and say so.

    A line is the id of a sample, or the path of its image or mask (files that cannot be read have no sample).
    """
    try:
        named_there = {nfc(name) for name in read_exclusions(path)}
    except (OSError, UnicodeDecodeError) as error:
        text = f"The list of images to leave out, {path}, cannot be read: {why(error)}."
        cure = "Correct data.exclude, or empty it."
        found.findings.append(Finding("error", "source.exclude", text, cure, (path,)))
        return
    out = [r for r in found.rows if named_there & {r.id, nfc(r.image), nfc(r.mask or "")}]
    gone = {row.id for row in out}
    found.rows = [row for row in found.rows if row.id not in gone]
    missing = [entry for entry in found.missing if nfc(entry[0]) in named_there]
    found.missing = [entry for entry in found.missing if entry not in missing]
    if out or missing:
        text = f"{counted(len(out) + len(missing), 'image is', 'images are')} left out by data.exclude."
        findings = named([*gone, *(entry[0] for entry in missing)])
        found.findings.append(Finding("notice", "source.excluded", text, "", findings))
    if out and not found.rows and not any(f.severity == "error" for f in found.findings):
        text = "All images are left out by data.exclude."
        found.findings.append(Finding("error", "source.empty", text, "Take some of them in again."))
