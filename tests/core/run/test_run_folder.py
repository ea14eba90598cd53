"""The run folder: names, events, states, commands, checkpoints that can be trusted."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from src.core.run import (
    CheckpointEntry,
    CheckpointIndex,
    CommandInbox,
    EventTail,
    EventWriter,
    RunFolder,
    RunFolderError,
    commands,
    history,
    list_runs,
    settle,
    summarise,
)  # fmt: skip
from src.core.run.checkpoints import write_verified
from src.core.run.folder import write_atomically
from src.core.run.process import explain
from src.core.run.state import claim


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder.create(tmp_path / "läufe mit raum", "Teile/α", "unet")
    run.checkpoints.mkdir()
    run.config.write_text("task: segmentation\n")
    return run


def start(writer: EventWriter, attempt: int = 1, epoch: int = 1, step: int = 0) -> None:
    writer.write(
        "run_started",
        attempt=attempt,
        resumed=attempt > 1,
        epoch=epoch,
        step=step,
        epochs=5,
        metric="iou",
        task="t",
    )


def test_names_do_not_collide_and_hold_any_script(tmp_path: Path) -> None:
    first, second = (RunFolder.create(tmp_path, "Größe ß/µ", "unet-resnet18") for _ in range(2))
    assert first.name.endswith("_Größe-ß-µ_unet-resnet18_1") and second.name.endswith("_2")


@pytest.mark.skipif(os.name == "nt", reason="a folder's permission works differently on Windows")
def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="Choose another"):
        RunFolder.create(tmp_path / "file" / "runs", "a", "b")


def test_events_survive_a_torn_line_and_go_on_counting(folder: RunFolder) -> None:
    writer = EventWriter(folder.events)
    start(writer)
    writer.write("epoch_started", epoch=1, epochs=5)
    writer.close()
    with folder.events.open("ab") as handle:
        handle.write(b'{"v":1,"n":3,"t":1.0,"type":"epoch_comp')
    writer = EventWriter(folder.events)
    writer.write("future_event", what=float("nan"))
    writer.close()
    events = list(EventTail(folder.events).read())
    assert (
        [e.n for e in events] == [1, 2, 3]
        and events[-1].type == "future_event"
        and events[-1]["what"] is None
    )


def test_a_tail_waits_for_the_rest_of_a_line(folder: RunFolder) -> None:
    tail = EventTail(folder.events)
    assert list(tail.read()) == []
    line = b'{"v":1,"n":1,"t":1.0,"type":"warning","message":"x"}\n'
    folder.events.write_bytes(line[:20])
    assert list(tail.read()) == []
    with folder.events.open("ab") as handle:
        handle.write(line[20:])
    assert [e["message"] for e in tail.read()] == ["x"]


def test_what_a_killed_attempt_did_after_the_checkpoint_is_dropped(folder: RunFolder) -> None:
    writer = EventWriter(folder.events)
    start(writer)
    for epoch in (1, 2):
        writer.write("epoch_started", epoch=epoch, epochs=5)
        for batch in (1, 2, 3):
            writer.write("batch_progress", epoch=epoch, phase="train", batch=batch, batches=3, loss=0.0)
        writer.write("epoch_completed", epoch=epoch, best_value=0.1 * epoch, best_epoch=epoch)
    start(writer, attempt=2, epoch=2, step=2)
    writer.close()
    kept = history(list(EventTail(folder.events).read()))
    assert [(e.type, e.get("epoch"), e.get("batch")) for e in kept] == [
        ("run_started", 1, None), ("epoch_started", 1, None), ("batch_progress", 1, 1), ("batch_progress", 1, 2),
        ("batch_progress", 1, 3), ("epoch_completed", 1, None), ("epoch_started", 2, None), ("batch_progress", 2, 1),
        ("batch_progress", 2, 2), ("run_started", 2, None),
    ]  # fmt: skip
    summary = summarise(folder)
    assert summary.epoch == 1 and summary.best_value == pytest.approx(0.1)


def test_states(folder: RunFolder) -> None:
    assert summarise(folder).state == "new"
    claim(folder)
    assert summarise(folder).state == "starting" and summarise(folder).alive
    writer = EventWriter(folder.events)
    start(writer)
    assert summarise(folder).state == "running"
    job = folder.read_json(folder.job)
    folder.write_json(
        folder.job, {**job, "create_time": job["create_time"] - 1000}
    )  # the number was given to another process
    killed = summarise(folder)
    assert killed.state == "killed" and "disappeared" in killed.cause and killed.resumable
    writer.write("run_ended", status="completed", cause="", cure="", epoch=5)
    writer.close()
    assert summarise(folder).state == "completed" and not summarise(folder).resumable


def test_settle_writes_one_ending(folder: RunFolder) -> None:
    writer = EventWriter(folder.events)
    start(writer)
    writer.close()
    assert settle(folder, "gone", "resume") and not settle(folder, "gone again", "")
    assert summarise(folder).cause == "gone"
    lock = folder.lock()
    with pytest.raises(RunFolderError, match="in use"):
        RunFolder(folder.path).lock()
    assert not settle(folder, "while it runs", "")
    lock.release()


def test_on_a_full_disk_no_ending_is_written_but_the_cause_is_told(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = EventWriter(folder.events)
    start(writer)
    writer.close()
    claim(folder)
    folder.write_json(folder.job, {**folder.read_json(folder.job), "create_time": 1.0})

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(EventWriter, "write", full)
        assert not settle(folder, "gone", "resume")
        usage = shutil.disk_usage(folder.path)
        patched.setattr("src.core.run.state.shutil.disk_usage", lambda _: usage._replace(free=4096))
        found = summarise(folder)
        assert found.state == "killed" and "is full" in found.cause and "Free some space" in found.cure
        assert "is full" in explain(1, folder.log)[0]
    assert "disappeared" in summarise(folder).cause
    writer = EventWriter(folder.events)
    writer.write("warning", message="The model was not copied: No space left on device.", cure="")
    writer.close()
    assert "is full" in summarise(folder).cause


def test_the_ending_of_an_older_attempt_is_not_that_of_a_newer_one(folder: RunFolder) -> None:
    writer = EventWriter(folder.events)
    start(writer)
    writer.write("run_ended", status="paused", cause="", cure="", epoch=1)
    writer.close()
    assert summarise(folder).state == "paused"
    claim(folder)  # resumed; it has said nothing yet
    assert summarise(folder).state == "starting"
    assert settle(folder, "crashed at once", "") and summarise(folder).cause == "crashed at once"


def test_a_signal_in_the_middle_of_writing_may_write_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, fsync, again = tmp_path / "command.json", os.fsync, [b"of the signal"]

    def interrupted(handle: int) -> None:
        if again:
            write_atomically(target, again.pop())
        fsync(handle)

    monkeypatch.setattr(os, "fsync", interrupted)
    write_atomically(target, b"of the program")
    assert target.read_bytes() == b"of the program" and list(tmp_path.iterdir()) == [target]


def test_a_weaker_command_never_replaces_a_stronger_one(folder: RunFolder) -> None:
    inbox = CommandInbox(folder, every_s=0.0)
    assert inbox.poll() is None
    commands.send(folder, "finish_epoch")
    assert inbox.poll() == "finish_epoch"
    commands.send(folder, "stop")
    commands.send(folder, "pause")
    assert inbox.poll() == "stop"
    commands.clear(folder)
    commands.clear(folder)
    assert CommandInbox(folder, 0.0).poll() is None


def add(index: CheckpointIndex, name: str, roles: tuple[str, ...], epoch: int) -> Path:
    target = index.folder.checkpoints / f"{name}.safetensors"
    digest = write_verified(target, os.urandom(1000))
    index.add(target, CheckpointEntry(target.name, digest, 1000, epoch, 0, roles))
    return target


def test_the_last_two_the_best_and_the_kept_stay(folder: RunFolder) -> None:
    index = CheckpointIndex(folder)
    for epoch in range(1, 6):
        add(index, f"s{epoch}", ("last", "keep") if epoch == 2 else ("last",), epoch)
        if epoch in (1, 3):
            add(index, f"b{epoch}", ("best",), epoch)
    assert {e.file: set(e.roles) for e in index.entries()} == {
        "s5.safetensors": {"last"}, "s4.safetensors": {"previous"}, "s2.safetensors": {"keep"}, "b3.safetensors": {"best"},
    }  # fmt: skip
    assert {p.name for p in folder.checkpoints.iterdir()} == {e.file for e in index.entries()} | {
        "index.json"
    }


@pytest.mark.parametrize("damage", ["bit", "cut", "gone"])
def test_a_damaged_checkpoint_is_reported_and_the_one_before_is_used(folder: RunFolder, damage: str) -> None:
    index = CheckpointIndex(folder)
    add(index, "s1", ("last",), 1)
    newest = add(index, "s2", ("last",), 2)
    data = bytearray(newest.read_bytes())
    if damage == "bit":
        data[500] ^= 1
        newest.write_bytes(data)
    elif damage == "cut":
        newest.write_bytes(data[:700])
    else:
        newest.unlink()
    entry, problems = index.newest_sound()
    assert entry is not None and entry.epoch == 1 and len(problems) == 1 and "s2.safetensors" in problems[0]


def test_leftovers_of_a_killed_writer_are_swept(folder: RunFolder) -> None:
    index = CheckpointIndex(folder)
    kept = add(index, "s1", ("last",), 1)
    (folder.checkpoints / ".s2.safetensors.tmp").write_bytes(b"half")
    (folder.checkpoints / "s2.safetensors").write_bytes(b"renamed but not entered")
    index.sweep()
    assert {p.name for p in folder.checkpoints.iterdir()} == {kept.name, "index.json"}


def test_runs_are_listed_newest_first(folder: RunFolder, tmp_path: Path) -> None:
    other = RunFolder.create(folder.path.parent, "b", "c")
    other.config.write_text("task: segmentation\n")
    os.utime(folder.config, (1, 1))
    assert [f.path for f in list_runs(folder.path.parent)] == [other.path, folder.path]
    assert list_runs(tmp_path / "nothing") == []
