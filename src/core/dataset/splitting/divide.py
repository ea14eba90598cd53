"""Dividing the samples of any task as those of images are divided: groups, strata, earlier split, leakage, memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from src.core.dataset.config import SplitConfig
from src.core.dataset.contract import R
from src.core.dataset.described import BaseDescription
from src.core.dataset.splitting.grouping import join_groups
from src.core.dataset.splitting.leakage import leakage
from src.core.dataset.splitting.split import recorded_split
from src.core.dataset.splitting.split_memory import SplitMemory, note, since
from src.core.run.folder import workspace


def divide(
    found: BaseDescription[Any],
    samples: Sequence[R],
    config: SplitConfig,
    contents: Mapping[str, str],
    clusters: Mapping[str, str] | None = None,
    *,
    place: str | os.PathLike[str] | None = None,
    anew: bool = False,
    store: bool = True,
) -> None:
    """Divide samples, carrying the data set's last split on, and enter all that is known of it into a description.

    Copies of one file, and near duplicates where the options say so, are put into one group before.

    Args:
        found: With ``root`` and ``source``. Its parts, record, hash and findings are filled in; it is remembered where it
            has no errors then, so other findings go in before.
        samples: With their groups (see ``grouping.group_keys``) and strata.
        config: Shares, folds and seed.
        contents: Hash of the file of each sample id.
        clusters: Near-duplicate cluster of the sample ids that are in one.
        place: The workspace; ``None`` is the usual one.
        anew: Divide as if there had been no split before.
        store: Remember the result.
    """
    memory = SplitMemory(place or workspace(), found.source, config)
    before = None if anew else memory.recall()
    joined, findings = join_groups(samples, config, contents, clusters)
    found.samples, record, more = recorded_split(joined, config, contents, found.root, before)
    findings += more + leakage(found.samples, contents, clusters, config.group_by == "none")
    if before is not None:
        findings += since(before, record, joined, config, False)
        record = record.after(before)
    found.record, found.split_hash = record, record.hash
    found.findings += findings
    if store and samples and not found.has_errors:
        found.findings += note(memory, record, anew, found.noun)
