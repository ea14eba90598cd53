"""What stands on more than one side of a split: groups, copies, look-alikes, neighbours in a sequence."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from src.core.dataset.contract import SPLITS, R, Record, Split, noun_of
from src.core.dataset.findings import Finding, Noun, Severity, counted, listed, named, setting, show

TITLES: dict[Split, str] = {"train": "training", "val": "validation", "test": "test"}
#: Codes of findings that speak of leakage.
CODES = frozenset(
    f"split.{name}"
    for name in (
        "group_leak", "duplicates", "near_duplicates", "neighbours", "one_object", "overlap", "test_touched", "val_touched",
        "random_windows",
        "grouping_column",
    )
)  # fmt: skip
_HELD: tuple[Split, ...] = ("test", "val")
#: Words for pictures taken one after the other; a number behind one of them is a place in time or space.
_SEQUENCE = re.compile(
    r"(frame|slice|scan|video|cam|shot|layer|seq|clip|time|img_?t|_[ftz])[\s_.-]*$", re.IGNORECASE
)
_NUMBERED = re.compile(r"^(.*?)(\d+)\D*$", re.DOTALL)
_LEAST_FRAMES = 6
_MOST_IN_OBJECT = 20
#: A number without its last digit; of those below ten, which have no other, what stands behind it.
_TENS = r"(^\d+(?=\d\D*$)|(?<=^\d)\D+$)"
#: Fewer give too few tens to divide.
_LEAST_FOR_TENS = 40


def leakage(
    parts: Mapping[Split, Iterable[Record]],
    contents: Mapping[str, str] | None = None,
    clusters: Mapping[str, str] | None = None,
    hints: bool = True,
) -> list[Finding]:
    """What stands on more than one side.

    Args:
        parts: The split.
        contents: Hash of the file of each sample id.
        clusters: Near-duplicate cluster of the sample ids that are in one.
        hints: No group key is declared: also look for names that speak of one sequence or one object, and take near
            duplicates more seriously than where somebody said that they are different things.

    Returns:
        A warning for groups, one for identical files and one for near duplicates across sides, with numbers for
        each part that is held back; and notices of what names suggest.
    """
    lists = {part: list(parts.get(part, ())) for part in SPLITS}
    known, alike = contents or {}, clusters or {}
    noun = noun_of([s for samples in lists.values() for s in samples[:1]])
    findings = _groups_across(lists, noun)
    copied = _across(lists, lambda s: known.get(s.id))
    if copied:
        count = len({known[s.id] for s in copied})
        text = f"{counted(count, f'{noun.one} stands', f'{noun.many} stand')} on more than one side of the split, as identical files"
        findings.append(
            Finding(
                "warning",
                "split.duplicates",
                f"{text}{_touched(lists, copied, noun)}.",
                "Validation looks better than it is. Remove the copies from one side.",
                named(s.id for s in copied),
                (show((s.id for s in copied), noun=noun),),
            )
        )
    findings += _look_alikes(lists, known, alike, hints, noun)
    return findings + (_neighbours(lists, noun) if hints else [])


def _across(lists: Mapping[Split, Sequence[R]], key_of: Callable[[R], str | None]) -> list[R]:
    """The samples whose key stands on more than one side."""
    sides: dict[str, set[Split]] = defaultdict(set)
    for part, samples in lists.items():
        for sample in samples:
            if (key := key_of(sample)) is not None:
                sides[key].add(part)
    several = {key for key, parts in sides.items() if len(parts) > 1}
    return [s for samples in lists.values() for s in samples if key_of(s) in several]


def _touched(lists: Mapping[Split, Sequence[Record]], samples: Sequence[Record], noun: Noun) -> str:
    """``: 3 of the 40 test and 5 of the 60 validation images``: how much of what is held back is concerned."""
    ids = {s.id for s in samples}
    shares = []
    for part in _HELD:
        if lists[part] and (number := sum(s.id in ids for s in lists[part])):
            shares.append(f"{number} of the {len(lists[part])} {TITLES[part]}")
    return f": {' and '.join(shares)} {noun.many}" if shares else ""


def _groups_across(lists: Mapping[Split, Sequence[Record]], noun: Noun) -> list[Finding]:
    across = _across(lists, lambda s: s.group)
    names = sorted({s.group for s in across})
    if not names:
        return []
    text = f"{counted(len(names), 'group stands', 'groups stand')} on more than one side of the split"
    text += f"{_touched(lists, across, noun)}. The groups: {listed(names)}."
    cure = "Validation looks better than it is. Move each to one side, or leave data.split_dir empty: Lathe then splits."
    return [
        Finding(
            "warning",
            "split.group_leak",
            text,
            cure,
            named(names),
            (show((s.id for s in across), noun=noun),),
        )
    ]


def _look_alikes(
    lists: Mapping[Split, Sequence[Record]],
    contents: Mapping[str, str],
    clusters: Mapping[str, str],
    undeclared: bool,
    noun: Noun,
) -> list[Finding]:
    """Near-duplicate clusters across sides, without those that are only copies of one file."""
    across = _across(lists, lambda s: clusters.get(s.id))
    kinds: dict[str, set[str]] = defaultdict(set)
    for sample in across:
        kinds[clusters[sample.id]].add(contents.get(sample.id, sample.id))
    found = [s for s in across if len(kinds[clusters[s.id]]) > 1]
    if not found:
        return []
    names = {clusters[s.id] for s in found}
    text = f"{counted(len(names), 'set of near duplicates stands', 'sets of near duplicates stand')}"
    text += f" on more than one side of the split{_touched(lists, found, noun)}."
    cure = f"Validation looks better than it is, if these {noun.many} show one thing. "
    if undeclared:
        cure += "Say what belongs together with data.split.group_by, or set it to duplicates; "
        cure += "in split files of your own, move each set to one side."
    else:
        cure += "By their groups they do not; if they do, set data.split.join: near."
    keep = setting("Keep near duplicates on one side", data__split__join="near")
    where = named(s.id for s in found)
    severity: Severity = "warning" if undeclared else "notice"
    return [
        Finding(
            severity,
            "split.near_duplicates",
            text,
            cure,
            where,
            (show((s.id for s in found), noun=noun), keep),
        )
    ]


def _neighbours(lists: Mapping[Split, Sequence[Record]], noun: Noun) -> list[Finding]:
    """Hints from names alone: frames of one sequence, pictures of one object, on two sides."""
    part_of = {s.id: part for part, samples in lists.items() for s in samples}
    if len([part for part in SPLITS if lists[part]]) < 2:
        return []
    frames: dict[str, list[tuple[int, str]]] = defaultdict(list)
    objects: dict[str, list[str]] = defaultdict(list)
    for sample_id in part_of:
        folder, _, name = sample_id.rpartition("/")
        stem = name.rpartition(".")[0] or name
        if (match := _NUMBERED.match(stem)) and len(match[2]) < 12:
            frames[f"{folder}/{match[1]}" if folder else match[1]].append((int(match[2]), sample_id))
        head = re.split(r"[_\-\s](?=[^_\-\s]*$)", stem)[0]
        if head != stem:
            objects[f"{folder}/{head}" if folder else head].append(sample_id)
    spoken = {prefix: found for prefix, found in frames.items() if _SEQUENCE.search(prefix)}
    return (
        _frames(spoken, part_of, noun) or _objects(objects, part_of, noun) or _numbers(frames, part_of, noun)
    )


def _frames(
    frames: Mapping[str, list[tuple[int, str]]], part_of: Mapping[str, Split], noun: Noun
) -> list[Finding]:
    """Consecutive numbers on two sides, where the names speak of sequences."""
    whole = {prefix: sorted(found) for prefix, found in frames.items() if len(found) >= _LEAST_FRAMES}
    cut, close, where = _parted(whole.values(), part_of)
    if not where:
        return []
    text = (
        f"{cut} of {close} neighbours in what looks like {counted(len(whole), 'sequence')} (names such as "
        f"{where[0]} and {where[1]}) stand on different sides of the split."
    )
    cure = "If neighbours show nearly the same, say what belongs together with data.split.group_by."
    actions = (show(dict.fromkeys(where), noun=noun),)
    return [Finding("notice", "split.neighbours", text, cure, named(set(where)), actions)]


def _parted(
    whole: Iterable[Sequence[tuple[int, str]]], part_of: Mapping[str, Split]
) -> tuple[int, int, list[str]]:
    """Of neighbours with the usual step: how many are parted, how many there are, and the ids of those parted.

    No ids where a sequence is cut in a few places only: it is divided in blocks, as it should be.
    """
    cut, close, where = 0, 0, []
    for members in whole:
        steps = Counter(b - a for (a, _), (b, _) in pairwise(members))
        usual = steps.most_common(1)[0][0]
        for (a, one), (b, other) in pairwise(members):
            if b - a == usual:
                close += 1
                if part_of[one] != part_of[other]:
                    cut += 1
                    where += [one, other]
    return cut, close, where if 10 * cut >= close else []


def _numbers(
    frames: Mapping[str, list[tuple[int, str]]], part_of: Mapping[str, Split], noun: Noun
) -> list[Finding]:
    """Names that are a number and nothing else, without gaps, as slices of one scan have: asked about, not asserted.

    Nearly every data set is numbered, so a number behind a word that speaks of no sequence says nothing.
    """
    whole = {}
    for prefix, found in frames.items():
        members = sorted(m for m in found if m[1].rpartition("/")[2].partition(".")[0].isdecimal())
        if len(members) >= _LEAST_FRAMES:
            span = members[-1][0] - members[0][0] + 1
            if 10 * len(members) >= 9 * span:
                whole[prefix] = members
    cut, close, where = _parted(whole.values(), part_of)
    if not where:
        return []
    text = (
        f"The {noun.many} are named by numbers alone (such as {where[0]} and {where[1]}), and {cut} of {close} neighbours "
        "stand on different sides of the split."
    )
    cure = f"If they are slices of one scan, or {noun.many} taken one after the other, validation looks better than it is: "
    actions = [show(dict.fromkeys(where), noun=noun)]
    if len(whole) > 1:
        cure += "keep those of one folder together (data.split.group_by: folder)."
        actions.insert(0, setting("Keep together: folders", data__split__group_by="folder"))
    else:
        cure += "keep neighbours together, or divide them yourself with split files."
        if "" in whole and len(whole[""]) >= _LEAST_FOR_TENS:
            tens = setting(
                "Keep together: ten neighbours each",
                data__split__group_by="pattern",
                data__split__group_pattern=_TENS,
            )
            actions.insert(0, tens)
    return [Finding("notice", "split.neighbours", text, cure, named(set(where)), tuple(actions))]


def _objects(objects: Mapping[str, list[str]], part_of: Mapping[str, Split], noun: Noun) -> list[Finding]:
    """Names that are equal but for their last piece, as ``part003_a`` and ``part003_b``, on two sides."""
    members = sum(map(len, objects.values()))
    several = {head: ids for head, ids in objects.items() if 2 <= len(ids) <= _MOST_IN_OBJECT}
    held = sum(map(len, several.values()))
    if len(several) < 5 or 2 * held < len(part_of) or 10 * held < 9 * members:
        return []
    across = {head: ids for head, ids in several.items() if len({part_of[i] for i in ids}) > 1}
    if not across:
        return []
    example = next(iter(across.values()))
    text = (
        f"The names look like {counted(len(several), 'object')} with several {noun.many} each (such as {example[0]} and "
        f"{example[1]}); {len(across)} of them stand on more than one side of the split."
    )
    cure = f"If these {noun.many} show one thing, keep them together: data.split.group_by: pattern."
    group = setting(
        "Group by the name without its last piece",
        data__split__group_by="pattern",
        data__split__group_pattern=r"(.*)[_\-\s][^_\-\s]*$",
    )
    ids = [i for found in across.values() for i in found]
    return [Finding("notice", "split.one_object", text, cure, named(ids), (group, show(ids, noun=noun)))]
