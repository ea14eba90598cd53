"""Which images are found, how they are named, and when a watched one is taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from src.core.prediction.images import find_images
from src.core.prediction.watching import Watch


def touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(*paths: Path | str, **options: object) -> list[str]:
    return [image.name for image in find_images([str(p) for p in paths], **options).images]  # type: ignore[arg-type]


def test_files_folders_and_patterns(tmp_path: Path) -> None:
    for name in ("a.png", "sub/b.JPG", "sub/deep/ü.tif", "sub/notes.txt", ".hidden.png"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["a.png", "sub/b.JPG", "sub/deep/ü.tif"]
    assert names(tmp_path / "a.png") == ["a.png"]
    assert names(tmp_path / "*.png") == ["a.png"]
    assert names(tmp_path / "**" / "*.tif") == ["sub/deep/ü.tif"]
    assert names(tmp_path / "s?b" / "[ab].JPG") == ["sub/b.JPG"]
    assert names(tmp_path / "a.png", tmp_path) == ["a.png", "sub/b.JPG", "sub/deep/ü.tif"]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    touch(tmp_path / "notes.txt")
    (tmp_path / "empty").mkdir()
    found = find_images([str(tmp_path / n) for n in ("absent.png", "notes.txt", "empty", "*.bmp")])
    assert [(f.severity, f.code) for f in found.findings] == [
        ("error", "images.absent"), ("error", "images.kind"), ("warning", "images.none"), ("warning", "images.none"),
    ]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_in_a_circle_and_into_nothing(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "x.png")
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    (tmp_path / "a" / "b").symlink_to(tmp_path / "a")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    found = find_images([str(tmp_path), str(tmp_path / "**" / "*.png")])
    assert [image.name for image in found.images] == ["a/x.png"]
    assert {"source.links", "images.unread"} <= {f.code for f in found.findings}


def test_one_name_for_two_images_never(tmp_path: Path) -> None:
    for name in ("one/a.png", "two/a.png", "x/two/a.png", "x/b.png", "y/B.PNG"):
        touch(tmp_path / name)
    folders = [str(tmp_path / n) for n in ("one", "two", "x/two", "x", "y")]
    found = find_images(folders)
    assert sorted(i.name for i in found.images) == ["a.png", "b.png", "two/a-2.png", "two/a.png", "y/B.PNG"]
    assert [f.where for f in found.findings if f.code == "images.renamed"] == [
        ("two/a-2.png", "two/a.png", "y/B.PNG")
    ]
    known = [(image.path, image.name) for image in found.images]
    turned = find_images(folders[::-1], known=known)
    assert {(i.path, i.name) for i in turned.images} == set(known)


def test_results_of_lathe_are_no_images(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    touch(tmp_path / "old" / "predictions.jsonl")
    touch(tmp_path / "old" / "overlays" / "a.jpg")
    touch(tmp_path / "new" / "masks" / "a.png")
    assert names(tmp_path, without=[str(tmp_path / "new")]) == ["a.png"]


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_file_is_taken_once_it_stopped_growing(tmp_path: Path) -> None:
    time = Time()
    watch = Watch([str(tmp_path)], every_s=2, clock=time, sleep=time.sleep)

    def look(seconds: float = 2.0) -> list[str]:
        time.now += seconds
        return [image.name for image in watch.look()[0]]

    assert look() == []
    touch(tmp_path / "a.png")
    assert look() == [] and watch.waiting == 1
    touch(tmp_path / "a.png", b"xy")
    assert look() == []
    assert look(0.5) == []  # too soon
    assert look() == ["a.png"] and look() == []
    touch(tmp_path / "a.png", b"another")
    assert look() == [] and look() == ["a.png"]
    touch(tmp_path / "placeholder.png", b"")
    assert look() == [] and look() == [] and look(31) == ["placeholder.png"]
    touch(tmp_path / "moved.png")
    look()
    (tmp_path / "moved.png").unlink()
    assert look() == [] and watch.waiting == 0


def test_batches_end_when_asked_and_say_a_finding_once(tmp_path: Path) -> None:
    time, said, idle = Time(), [], []
    touch(tmp_path / "a.png")
    watch = Watch([str(tmp_path), str(tmp_path / "absent.png")], every_s=1, clock=time, sleep=time.sleep)
    taken = [
        i.name
        for ready in watch.batches(lambda: time.now > 20, lambda: idle.append(time.now), said.append)
        for i in ready
    ]
    assert taken == ["a.png"] and len(idle) > 5 and [f.code for f in said] == ["images.absent"]
