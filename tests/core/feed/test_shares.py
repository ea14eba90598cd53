"""Which device computes which samples."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from hypothesis import given
from hypothesis import strategies as st

from src.core.engine.devices.shards import ShardedLoader
from src.core.engine.task import Batch
from src.core.feed.shares import Share, share_of

devices = st.integers(1, 9)


@given(st.integers(0, 200), devices)
def test_every_sample_belongs_to_one_device_in_its_order(count: int, size: int) -> None:
    parts = [range(count)[share_of(count, rank, size)] for rank in range(size)]
    assert [sample for part in parts for sample in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.integers(1, 40), devices)
def test_who_gets_nothing_gets_a_sample_that_stands_in(count: int, size: int) -> None:
    batch = list(range(100, 100 + count))
    found = [Share(rank, size).of(batch) for rank in range(size)]
    assert all(len(part) for part, _ in found)
    assert sorted(sample for part, stands_in in found for sample in part if not stands_in) == batch
    assert all(list(part) == batch[:1] for part, stands_in in found if stands_in)


class Whole:
    """Batches of these lengths, which nobody divides; of the second one nothing can be read."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        for number in range(start_batch, len(self)):
            values = torch.arange(self.lengths[number]) + 1000 * number
            yield {
                "index": values,
                "x": values.float(),
                "names": [str(int(v)) for v in values],
                "number": number,
            }

    def close(self) -> None: ...


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), devices, st.integers(0, 5))
def test_all_devices_get_as_many_batches_and_together_each_sample_once(
    lengths: list[int], size: int, start: int
) -> None:
    start = min(start, len(lengths) - 1)
    loaders = [ShardedLoader(Whole(lengths), Share(rank, size)) for rank in range(size)]
    assert {len(loader) for loader in loaders} == {len(lengths)}
    for together in zip(*(loader.epoch(1, start) for loader in loaders), strict=True):
        whole = together[0]["whole"].tolist()
        assert all(batch["whole"].tolist() == whole for batch in together)
        assert [i for b in together if not b["stands_in"] for i in b["index"].tolist()] == whole
        assert all(b["names"] == [str(i) for i in b["index"].tolist()] for b in together)


def test_a_part_of_which_nothing_can_be_read_is_stood_in_for() -> None:
    class Reading(Whole):
        def take(self, share: Share) -> None: ...

        def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
            for batch in super().epoch(epoch, start_batch):
                kept = 0 if batch["number"] == 1 else 2
                whole = {
                    "whole": batch["index"],
                    "stands_in": False,
                    "unreadable": ["bad"] if not kept else [],
                }
                yield {**batch, "index": batch["index"][:kept], "x": batch["x"][:kept], **whole}

    first, second = ShardedLoader(Reading([4, 4]), Share(0, 2)).epoch(1)
    assert not first["stands_in"] and second["stands_in"]
    assert second["index"].tolist() == first["index"].tolist()[:1] and second["unreadable"] == ["bad"]
    assert second["number"] == 1 and second["whole"].tolist() == [1000, 1001, 1002, 1003]
