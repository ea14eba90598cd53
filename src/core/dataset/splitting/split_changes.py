"""What became of a split since it was made: images that joined, left, changed, or went to another part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from src.core.dataset.config import SplitConfig
from src.core.dataset.contract import SPLITS, Record, Split
from src.core.dataset.findings import IMAGE, Finding, Noun, counted, named, setting, show
from src.core.dataset.splitting.grouping import group_key
from src.core.dataset.splitting.leakage import TITLES
from src.core.dataset.splitting.split_record import SplitRecord


def changes(
    before: SplitRecord, now: SplitRecord, config: SplitConfig, given: bool, noun: Noun = IMAGE
) -> list[Finding]:
    """Compare a split with its earlier state.

    Args:
        before: The record of the earlier state.
        now: The record of the split as it is.
        config: For the setting by which to split anew.
        given: The parts are the person's own (split files, a column), not Lathe's.
        noun: What a sample is called.

    Returns:
        A warning for images that were held back and no longer are, one for images with other content under the
        old name, and a notice of what joined and what is gone; nothing where nothing changed.
    """
    renamed = before.known_as(now.contents)
    old = {**before.gone, **before.samples}
    joined = [i for i in now.samples if i not in old and i not in renamed]
    back = [i for i in now.samples if i in before.gone]
    gone = [i for i in before.samples if i not in now.samples and i not in set(renamed.values())]
    return [
        *_touched(old, renamed, now, noun),
        *_other_content(before, now, noun),
        *_joined(before, now, config, given, joined, gone, back, list(renamed), noun),
    ]


def _touched(
    old: Mapping[str, Split], renamed: Mapping[str, str], now: SplitRecord, noun: Noun
) -> list[Finding]:
    moved = {i: (old[renamed.get(i, i)], part) for i, part in now.samples.items() if renamed.get(i, i) in old}
    test = [i for i, (was, part) in moved.items() if was == "test" and part != "test"]
    val = [i for i, (was, part) in moved.items() if was == "val" and part == "train"]
    if now.folds:
        val = []  # between folds every image changes from validation to training, as it should
    findings = []
    if test:
        of = sum(part == "test" for part in old.values())
        text = f"{len(test)} of the {counted(of, *noun)} of the earlier test part are no longer in it."
        cure = "Its results cannot be compared with earlier ones. Move them back, unless the test was never looked at."
        findings.append(
            Finding("warning", "split.test_touched", text, cure, named(test), (show(test, noun=noun),))
        )
    if val:
        text = f"{counted(len(val), *noun)} went from validation to training since the split was made."
        cure = (
            "Values of earlier runs cannot be compared with new ones. Move them back if that was not meant."
        )
        findings.append(
            Finding("warning", "split.val_touched", text, cure, named(val), (show(val, noun=noun),))
        )
    return findings


def _other_content(before: SplitRecord, now: SplitRecord, noun: Noun) -> list[Finding]:
    other = [
        i
        for i, digest in now.contents.items()
        if i in before.samples and before.contents.get(i, digest) != digest
    ]
    if not other:
        return []
    text = f"{counted(len(other), f'{noun.one} has', f'{noun.many} have')} another content than when the split was made"
    text += f" ({_by_part(now.samples[i] for i in other)}). Each stays in its part by its name."
    cure = "If the files show other things now, split anew by another data.split.seed."
    return [Finding("warning", "split.changed", text, cure, named(other), (show(other, noun=noun),))]


def _joined(
    before: SplitRecord,
    now: SplitRecord,
    config: SplitConfig,
    given: bool,
    joined: Sequence[str],
    gone: Sequence[str],
    back: Sequence[str],
    renamed: Sequence[str],
    noun: Noun,
) -> list[Finding]:
    if not (joined or gone or back or renamed):
        return []
    of = f" of {before.made[:10]}" if before.made else ""
    texts = []
    if joined:
        where = _by_part(now.samples[i] for i in joined)
        texts.append(
            f"{counted(len(joined), f'new {noun.one}', f'new {noun.many}')} joined the split{of} ({where})"
        )
    if gone:
        where = _by_part(before.samples[i] for i in gone)
        texts.append(f"{counted(len(gone), f'{noun.one} is', f'{noun.many} are')} gone since ({where})")
    if back:
        texts.append(f"{counted(len(back), *noun)} came back into the part where it was before")
    if renamed:
        texts.append(
            f"{counted(len(renamed), f'{noun.one} has', f'{noun.many} have')} another name, and stayed"
        )
    text = "; ".join(texts) + "."
    stayed = Counter(part for i, part in before.samples.items() if now.samples.get(i) == part)
    held = [f"{stayed[part]} {TITLES[part]}" for part in ("test", "val") if stayed[part]]  # type: ignore[index]
    if held and not given:
        text += f" The {' and '.join(held)} {noun.many}{of} stayed."
    concerned = [*joined, *gone, *back, *renamed]
    look = show(joined or concerned, noun=noun)
    if given:
        return [Finding("notice", "split.kept", text, "", named(concerned), (look,))]
    anew = setting("Split anew", data__split__seed=config.seed + 1)
    cure = f"To split anew, choose another data.split.seed, such as {config.seed + 1}, or use app.py split … --anew."
    return [Finding("notice", "split.kept", text, cure, named(concerned), (look, anew))]


def grown(
    before: SplitRecord, now: SplitRecord, fresh_hash: str, config: SplitConfig, noun: Noun = IMAGE
) -> list[Finding]:
    """A notice where a split is an earlier one that was carried on, and the options alone would make another."""
    if now.hash == fresh_hash:
        return []
    text = (
        f"The split that began on {before.made[:10] or 'an earlier day'} is carried on, as {noun.many} joined or left it: the "
        f"options alone, on another computer, would divide these {noun.many} otherwise."
    )
    cure = (
        "To use exactly this split elsewhere, write it with app.py split … --out and name the folder as "
        f"data.split_dir. To split anew, choose another data.split.seed, such as {config.seed + 1}."
    )
    anew = setting("Split anew", data__split__seed=config.seed + 1)
    return [Finding("notice", "split.carried_on", text, cure, (), (anew,))]


def unlisted(
    ids: Sequence[str], samples: Mapping[Split, Sequence[Record]], config: SplitConfig
) -> list[Finding]:
    """Images in the folder that the split files do not name, with the part to which their groups belong.

    Args:
        ids: Of these images.
        samples: The parts that the files name.
        config: The group key.
    """
    if not ids:
        return []
    text = f"{counted(len(ids), 'image')} in the folder of the images {'is' if len(ids) == 1 else 'are'} in no split file: left out."
    cure = "Add them to the files if they came later."
    if config.group_by in ("folder", "pattern"):
        side = {s.group: part for part in SPLITS for s in samples.get(part, ())}
        keys = [group_key(i, config) for i in ids]
        known = [side[key] for key in keys if key is not None and key in side]
        if known:
            text += f" By their groups {len(known)} belong to: {_by_part(known)}."
    return [Finding("notice", "split.unlisted", text, cure, named(ids))]


def _by_part(parts: Iterable[Split]) -> str:
    counts = Counter(parts)
    return ", ".join(f"{counts[part]} in {TITLES[part]}" for part in SPLITS if counts[part])
