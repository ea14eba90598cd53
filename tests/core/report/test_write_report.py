"""The report of a run, through its one function and the page that it writes."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
import time
import xml.dom.minidom
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from report_runs import DESCRIPTION, epoch, make_run, started

from src.core.report import read_facts, write_report
from src.core.report.write import render
from src.core.run import RunFolder

__all__ = ["make_run"]
MakeRun = Callable[..., RunFolder]
COMPLETED = {"status": "completed", "cause": "", "cure": ""}
_VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """A page as text, tables and addresses; fails where a tag is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.addresses: list[str] = []
        self.headings: list[str] = []
        self.feed(html)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing stays open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open or not data.strip():
            return
        self.texts.append(data.strip())
        if self.open[-1] == "h2":
            self.headings.append(data.strip())
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data.strip()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def row(self, first: str) -> list[str]:
        """The cells of the row that begins with a word."""
        return next(row[1:] for row in self.rows if row and row[0] == first)


def read(folder: RunFolder, ending: dict[str, Any] | None = None) -> Page:
    """The page as it is written, figures and all."""
    return Page(write_report(folder, COMPLETED if ending is None else ending).read_text("utf-8"))


def read_words(folder: RunFolder, ending: dict[str, Any] | None = None) -> Page:
    """The page without its figures, which take most of the time."""
    return Page(render(read_facts(folder, ending), []))


def training(epochs: int = 4, **changes: Any) -> list[tuple[str, dict[str, Any]]]:
    first = started(epochs=epochs, **changes)
    return [("run_started", first), *[("epoch_completed", epoch(n)) for n in range(1, epochs + 1)]]


def test_a_whole_run(make_run: MakeRun) -> None:
    events = training()
    events[3] = ("epoch_completed", epoch(3, best_value=0.3, best_epoch=3))
    events[4] = ("epoch_completed", epoch(4, best_value=0.3, best_epoch=3, is_best=False))
    warning = {"code": "slow", "message": "Slow disk.", "cure": "Copy the data.", "where": ["a.png"]}
    notice = {"code": "masks.binary", "message": "Taken as binary.", "cure": "", "where": []}
    events += [("warning", warning), ("warning", warning), ("warning", notice)]
    folder = make_run(events, ("training.epochs=4",), DESCRIPTION, previews=(1, 3, 4))
    folder.write_json(folder.environment, {"lathe": "0.1.0", "git": None, "versions": {"torch": "9.9"}})
    page = read(folder)
    assert "Completed. The run trained all its 4 epochs." in page.text
    assert "Best IoU 0.3000 validation, in epoch 3" in page.text
    assert "Epochs 4 of 4" in page.text
    assert "Time 40 s 10 s an epoch" in page.text  # 8 s of training and 2 s of validation, four times
    assert "Speed 22.5 images/s" in page.text  # the median of 21, 22, 23, 24
    assert page.row("object") == ["0.3000"] * 5  # of epoch 3, not of the last one
    assert page.row("Mean over images ± standard deviation") == ["0.2800 ± 0.3000"] * 5
    assert page.row("Training") == ["20", "10", "10"]  # images, with an object, groups
    assert page.row("Overall") == ["0.3000"] * 5
    assert [r for r in page.rows if r[0] == "background"] == [["background", "90.0 %", "95.0 %"]]
    assert "Predictions in epoch 3" in page.headings
    assert "Slow disk. (2 times) Copy the data. a.png" in page.text
    assert page.text.count("Taken as binary.") == 1  # under Data, not among the warnings
    assert "broken.png it is cut short" in page.text
    assert page.row("training.epochs") == ["4", "command line"]
    assert page.row("torch") == ["9.9"]


def test_the_page_needs_no_other_file(make_run: MakeRun) -> None:
    folder = make_run(training(), description=DESCRIPTION, previews=(4,))
    page = read(folder)
    html = (folder.report / "index.html").read_text("utf-8")
    assert page.addresses and all(a.startswith("data:image/") for a in page.addresses)
    assert not re.search(r'(?:src|href|url)\s*[=(]\s*["\']?https?:', html)
    pictures = [base64.b64decode(a.partition("base64,")[2]) for a in page.addresses]
    assert [Image.open(io.BytesIO(p)).size for p in pictures] == [(40, 30)] * 3
    assert {p.name for p in folder.report.iterdir()} == {
        "index.html",
        "metric.png",
        "loss.png",
        "learning_rate.png",
    }
    for name in ("metric", "loss", "learning_rate"):
        with Image.open(folder.report / f"{name}.png") as image:
            assert image.width > 600 and len(image.convert("RGB").getcolors(1 << 20) or []) > 10


def test_figures_are_valid_follow_the_theme_and_share_no_names(make_run: MakeRun) -> None:
    html = write_report(make_run(training()), COMPLETED).read_text("utf-8")
    figures = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(figures) == 3
    ids: list[str] = []
    for figure in figures:
        xml.dom.minidom.parseString(figure)
        assert "var(--plot-" in figure and "var(--font)" in figure
        ids += re.findall(r' id="([^"]+)"', figure)
        assert set(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', figure)) <= set(
            re.findall(r'id="([^"]+)"', figure)
        )
    assert len(ids) == len(set(ids))
    assert "best: 0.4000 in epoch 4" in figures[0]
    assert "prefers-color-scheme: dark" in html and "@media print" in html


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (
            {"status": "stopped_early", "cause": "iou has not got better for 3 epochs."},
            "Stopped early. The run stopped by itself after 2 of 4 epochs. iou has",
        ),
        (
            {"status": "stopped", "cause": "Stopped by request."},
            "Stopped. The run was stopped after 2 of 4 epochs. Stopped by request.",
        ),
        (
            {"status": "failed", "cause": "The disk is full.", "cure": "Free some space."},
            "Failed. The run failed after 2 of 4 epochs. The disk is full. What to do: Free some space.",
        ),
        ({"status": "killed", "cause": "Killed."}, "Killed. The run was killed after 2 of 4 epochs. Killed."),
        ({"status": "paused"}, "Paused. The run was paused after 2 of 4 epochs."),
    ],
)
def test_endings(make_run: MakeRun, ending: dict[str, Any], sentence: str) -> None:
    folder = make_run(
        [("run_started", started()), ("epoch_completed", epoch(1)), ("epoch_completed", epoch(2))]
    )
    assert sentence in read_words(folder, ending).text


def test_the_ending_in_the_log_is_used_where_none_is_given(make_run: MakeRun) -> None:
    ended = {"status": "failed", "cause": "Out of memory.", "cure": "Smaller batch.", "epoch": 1}
    folder = make_run([("run_started", started()), ("epoch_completed", epoch(1)), ("run_ended", ended)])
    assert "Failed. The run failed after 1 of 4 epochs. Out of memory." in read_words(folder).text


def test_a_run_that_failed_before_its_first_epoch(make_run: MakeRun) -> None:
    page = read_words(
        make_run([("run_started", started())]), {"status": "failed", "cause": "No memory.", "cure": ""}
    )
    assert "The run failed after 0 of 4 epochs." in page.text
    assert "No epoch was completed, so there is nothing to draw." in page.text
    assert "The data set was not read before the run ended." in page.text
    assert "The run ended before there was a model to keep." in page.text


def test_an_empty_folder_and_damaged_files(make_run: MakeRun) -> None:
    folder = make_run([], description=DESCRIPTION)
    for path in (folder.config, folder.environment, folder.dataset / "description.json", folder.events):
        path.write_bytes(b"\xff{ : not what it should be")
    page = Page(write_report(folder, {"status": "failed", "cause": "Broken.", "cure": ""}).read_text("utf-8"))
    assert "The run failed after 0 epochs. Broken." in page.text


def test_one_epoch(make_run: MakeRun) -> None:
    page = read(make_run(training(1)))
    assert "The run trained its one epoch." in page.text
    assert "Best IoU 0.1000 validation, in epoch 1" in page.text


def test_without_validation(make_run: MakeRun) -> None:
    changes = {"val_loss": float("nan"), "metrics": {}, "per_class": {}}
    events = [("run_started", started(metric="train_loss", mode="min", val_samples=0, epochs=2))]
    events += [("epoch_completed", epoch(n, **changes, best_value=1 / n, best_epoch=n)) for n in (1, 2)]
    folder = make_run(events)
    page = read(folder)
    assert "Best Training loss 0.5000 in epoch 2" in page.text
    assert {p.name for p in folder.report.iterdir()} == {"index.html", "loss.png", "learning_rate.png"}
    assert not any(h.startswith("Validation in") for h in page.headings)


def test_losses_that_are_not_numbers(make_run: MakeRun) -> None:
    nan = float("nan")
    nothing = {
        "train_loss": nan,
        "val_loss": nan,
        "metrics": {"iou": nan},
        "per_class": {"object": {"iou": nan}},
    }
    events = [("run_started", started())]
    events += [("epoch_completed", epoch(n, **nothing, best_value=None, best_epoch=None)) for n in (1, 2)]
    folder = make_run(events)
    page = read(folder, {"status": "failed", "cause": "The loss became NaN.", "cure": "Lower the rate."})
    assert "Best IoU – it was never a number" in page.text
    assert page.row("object") == ["–"]
    assert {p.name for p in folder.report.iterdir()} == {
        "index.html",
        "learning_rate.png",
    }  # nothing else can be drawn


def test_a_gap_in_the_curves_does_not_hide_the_rest(make_run: MakeRun) -> None:
    events = training(5)
    events[3] = ("epoch_completed", epoch(3, train_loss=float("inf"), val_loss=float("nan")))
    html = write_report(make_run(events), COMPLETED).read_text("utf-8")
    loss = next(f for f in re.findall(r"<svg.*?</svg>", html, re.DOTALL) if "Loss over the epochs" in f)
    assert "Loss over the epochs: training from 1.000 to 0.2000." in loss


def test_a_resumed_run_counts_each_epoch_once(make_run: MakeRun) -> None:
    again = started(attempt=2, resumed=True, epoch=2)
    events = [*training(4)[:4], ("run_started", again), *[("epoch_completed", epoch(n)) for n in (2, 3, 4)]]
    page = read_words(make_run(events), COMPLETED)
    assert "Epochs 4 of 4 in 2 attempts" in page.text
    assert "Time 40 s" in page.text


def test_several_classes_have_a_curve_each_and_odd_names_survive(make_run: MakeRun) -> None:
    names = ["__ignore__", "Straße <b>", "$x_{1}$", "缺陷"]
    per_class = {name: {"iou": 0.1 * i, "dice": 0.2 * i} for i, name in enumerate(names)}
    events = [("run_started", started(class_names=names))]
    events += [("epoch_completed", epoch(n, per_class=per_class)) for n in (1, 2, 3, 4)]
    folder = make_run(events)
    html = write_report(folder, COMPLETED).read_text("utf-8")
    page = Page(html)
    assert page.row("Straße <b>")[:2] == ["0.1000", "0.2000"]
    assert "<b>" not in html.replace('<b class="long">', "").replace("<b>", "", html.count("</span><b>"))
    figure = next(f for f in re.findall(r"<svg.*?</svg>", html, re.DOTALL) if "of each class over" in f)
    shown = xml.dom.minidom.parseString(figure).toxml()
    assert all(name.replace("<", "&lt;").replace(">", "&gt;") in shown for name in names)
    assert (folder.report / "classes.png").is_file()


def test_everything_that_people_name_is_escaped(make_run: MakeRun) -> None:
    evil = "<script>alert(1)</script>"
    description = {
        **DESCRIPTION,
        "summary": evil,
        "root": evil,
        "quarantined": [[evil, evil]],
        "meaning": {"classes": [evil, "b"]},
    }
    events = [*training(), ("warning", {"code": evil, "message": evil, "cure": evil, "where": [evil]})]
    folder = make_run(events, (f"name={evil}",), description, previews=(4,))
    folder.write_json(folder.environment, {evil: evil, "versions": {evil: evil}})
    html = write_report(folder, {"status": "failed", "cause": evil, "cure": evil}).read_text("utf-8")
    assert html.count("&lt;script&gt;") >= 10
    assert "<script" not in html
    assert "teil &lt;1&gt;/b&amp;w.png" in html


def test_previews_of_the_nearest_epoch(make_run: MakeRun) -> None:
    events = training(4)
    for place, best in ((2, 2), (3, 2), (4, 2)):
        events[place] = ("epoch_completed", epoch(place, best_value=0.2, best_epoch=best))
    facts = read_facts(make_run(events, previews=(1, 4)))
    assert facts.preview_epoch == 1
    assert facts.best is not None and facts.best["epoch"] == 2


def test_pictures_that_are_gone_damaged_or_elsewhere_are_left_out(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run(training(), previews=(4,))
    (folder.previews / "00_image.png").unlink()
    (folder.previews / "00_truth.png").write_bytes(b"\x89PNG\r\n\x1a\nnot one")
    outside = tmp_path / "secret.png"
    Image.new("RGB", (4, 4)).save(outside)
    text = folder.events.read_text("utf-8").replace("previews/00_epoch00004.png", "../../secret.png")
    folder.events.write_text(text, "utf-8")
    page = read_words(folder)
    assert page.addresses == []
    assert page.text.count("The picture is not there.") == 3


def test_large_pictures_are_made_small(make_run: MakeRun) -> None:
    page = read_words(make_run(training(), previews=(4,), size=(2000, 1000)))
    sizes = [Image.open(io.BytesIO(base64.b64decode(a.partition("base64,")[2]))).size for a in page.addresses]
    assert sizes == [(640, 320)] * 3


def test_what_was_left_at_its_default_comes_last(make_run: MakeRun) -> None:
    page = read_words(make_run(training(), ("training.batch_size=3",)))
    keys = [row[0] for row in page.rows if row and "." in row[0] and " " not in row[0]]
    assert keys.index("training.batch_size") < keys.index("training.precision")
    assert page.row("training.precision") == ["auto"]  # without a layer


def test_thousands_of_epochs_in_little_time_and_space(make_run: MakeRun) -> None:
    folder = make_run([("run_started", started(epochs=6000))])
    line = (
        '{{"v":1,"n":{n},"t":1.0,"type":"epoch_completed","epoch":{n},"train_loss":{loss},"val_loss":1.0,"metrics":{{"iou":0.5}},'
        '"per_class":{{}},"lr":0.001,"seconds":{{"train":1}},"images_per_second":5,"best_value":0.5,"best_epoch":1}}\n'
    )
    with folder.events.open("a", encoding="utf-8") as log:
        log.writelines(line.format(n=n, loss=90.0 if n == 4321 else 1.0) for n in range(1, 6001))
    began = time.perf_counter()
    html = write_report(folder, COMPLETED).read_text("utf-8")
    assert time.perf_counter() - began < 10  # about one second alone on a machine
    assert len(html) < 600_000
    assert "Loss (logarithmic)" in html  # the one peak was seen


def test_the_report_loads_neither_torch_nor_qt_nor_pyplot() -> None:
    unwanted = ("torch", "PyQt5", "matplotlib.pyplot")
    code = f"import sys, src.core.report; print([m for m in {unwanted} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
