"""The page of a classifier's evaluation, in the style of the pages of the other jobs."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.ticker import PercentFormatter

from src.core.evaluation.classified import MEASURES, TITLES, Baseline, ClassEvaluation, Level, samples_text
from src.core.evaluation.pieces import Interval
from src.core.prediction.report import Page, Table, settings_table, write_page
from src.core.report import text
from src.core.report.evaluation_figures import draw_matrix, draw_reliability, figure_axes
from src.core.report.figures import BEST, INK, STYLE, TRAIN, Drawing, rendered

_MOST_ROWS = 200
_PARTS = {"train": "training part", "val": "validation part", "test": "test part", "all": "all data"}


def shown(value: Interval, digits: int = 3) -> str:
    """``0.812 (0.790 to 0.830)``, without brackets where there is no interval."""
    number = text.number(value.value, digits)
    if value.low is None or value.high is None:
        return number
    return f"{number} ({text.number(value.low, digits)} to {text.number(value.high, digits)})"


def write_class_report(folder: Path, document: ClassEvaluation) -> Path:
    """Write ``report/index.html``; returns it. Raises OSError."""
    said = [f"Evaluated on the {_PARTS.get(document.data.part, document.data.part)}: {samples_text(document)}, "
            f"{text.count(document.data.groups, 'group')}, {document.created[:16].replace('T', ' ')} UTC."]  # fmt: skip
    said += [f"{note.message} {note.cure}".strip() for note in document.notes if note.severity == "warning"]
    page = Page(f"Evaluation of {document.model.name}", said, "neutral")
    page.tiles = [
        (f"{TITLES[key]} of {level.many}", text.number(level.measures[key].value, 3), _range(level.measures[key]))
        for key in ("balanced_accuracy", "macro_f1", "auroc") for level in document.levels if key in level.measures
    ]  # fmt: skip
    page.figures = draw(document)
    page.tables = [
        beside(document),
        *(_classes(level) for level in document.levels),
        _groups(document),
        _samples(document),
        Table("Left out", ("File", "Why"), [(one.path, one.reason) for one in document.left_out[:_MOST_ROWS]]),
        settings_table({"Model": document.model.path, "Data": document.data.summary, "Split": document.data.split_hash,
                        "Fingerprint of the data": document.data.fingerprint}),
    ]  # fmt: skip
    rules, inner, outer = document.interval, document.levels[0], document.levels[-1]
    page.explained = [
        f"Balanced accuracy is the mean of the recalls of the classes: chance gives {1 / max(1, len(document.classes)):.3f}. "
        f"A class that does not occur is left out of means."
        if not document.several
        else "Each class is asked by itself; balanced accuracy is the mean over the classes, and chance gives 0.5.",
        rules.reason
        or f"In brackets: intervals of {rules.level:.0%}, {rules.method}, {rules.samples:,} draws of "
        f"{text.count(rules.groups, 'group')}. With few groups they are rough.",
        f"A {outer.one} is given the mean of the probabilities of its {inner.many}.",
        *(note.message for note in document.notes if note.severity != "warning"),
    ]
    return write_page(folder, page)


def _range(value: Interval) -> str:
    if value.low is None or value.high is None:
        return ""
    return f"{text.number(value.low, 3)} to {text.number(value.high, 3)}"


def beside(document: ClassEvaluation) -> Table:
    """The model beside its baselines, on the same parts."""
    model = Baseline(name="This model", about="", levels=[level.measures for level in document.levels])
    rows = []
    for one in (model, *document.baselines):
        for level, measures in zip(document.levels, one.levels, strict=True):
            values = [shown(measures[key]) if key in measures else text.DASH for key in MEASURES]
            rows.append((one.name, level.many, *values))
    heads = ("", "Of", *(TITLES[key] for key in MEASURES))
    told = [f"{one.name}: {one.about}." for one in document.baselines]
    return Table("Model and baselines", heads, rows, frozenset(range(2, len(heads))), " ".join(told))


def _classes(level: Level) -> Table:
    rows = [
        (c.name, text.number(c.true), text.number(c.predicted), shown(c.recall), shown(c.precision), shown(c.f1), shown(c.auroc))
        for c in level.classes
    ]  # fmt: skip
    heads = ("Class", "True", "Predicted", "Recall", "Precision", "F1", "AUROC")
    return Table(f"Classes, by {level.many}", heads, rows, frozenset(range(1, 7)))


def _groups(document: ClassEvaluation) -> Table:
    inner, outer = document.levels[0], document.levels[-1]
    rows = [
        (g.name, f"{g.samples_right:,} of {g.samples:,}", f"{g.parts_right:,} of {g.parts:,}",
         text.percent(g.parts_right / max(1, g.parts)))
        for g in document.groups[:_MOST_ROWS]
    ]  # fmt: skip
    heads = ("Group", f"{outer.many.capitalize()} right", f"{inner.many.capitalize()} right", "Share")
    return Table("Each group", heads, rows, frozenset({1, 2, 3}))


def _samples(document: ClassEvaluation) -> Table:
    inner, outer = document.levels[0], document.levels[-1]
    rows = []
    for place in document.worst[:_MOST_ROWS]:
        s = document.samples[place]
        named = ["+".join(document.classes[k] for k in x) or text.DASH for x in (s.true, s.predicted)]
        best = text.percent(max(s.scores, default=0))
        rows.append((s.id, *named, best, f"{s.counts.right:,} of {s.counts.parts:,}"))
    heads = (outer.one.capitalize(), "True", "Predicted", "Probability", f"{inner.many.capitalize()} right")
    return Table(f"{outer.many.capitalize()}, the most doubtful first", heads, rows, frozenset({3, 4}))


def draw(document: ClassEvaluation) -> list[Drawing]:
    """The figures for which there is something to draw."""
    inner, outer = document.levels[0], document.levels[-1]
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": document.created}):
        found = [_compared(document)]
        if not document.several:
            for level in (inner, outer):
                found.append(draw_matrix(document.classes, level.matrix, level.many))
        found.append(draw_reliability(inner.calibration))
    return [drawing for drawing in found if drawing is not None]


def _compared(document: ClassEvaluation) -> Drawing | None:
    """Balanced accuracy of model and baselines with their intervals."""
    level = document.levels[0]
    values = [("This model", level.measures["balanced_accuracy"])]
    values += [(b.name, b.levels[0]["balanced_accuracy"]) for b in document.baselines]
    values = [(name, v) for name, v in values if v.value is not None]
    if not values:
        return None
    figure, axes = figure_axes("Beside the baselines", "", f"Balanced accuracy of {level.many}")
    for place, (_, v) in enumerate(values):
        axes.bar([place], [v.value or 0.0], color=TRAIN if place else BEST, width=0.6)
        if v.low is not None and v.high is not None:
            axes.plot([place, place], [v.low, v.high], color=INK, linewidth=1.4)
        axes.annotate(
            f"{v.value:.2f}", (place, max(v.value or 0, v.high or 0)), ha="center", va="bottom", fontsize=8.5
        )
    axes.set_xticks(range(len(values)), [name for name, _ in values], fontsize=8.5)
    axes.set_ylim(0, 1.12)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=False, axis="x")
    told = ", ".join(f"{name} {v.value:.2f}" for name, v in values)
    return rendered(figure, "baselines", "Beside the baselines", f"Balanced accuracy: {told}.")
