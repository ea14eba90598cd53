"""The curves of a run, drawn without a screen, once, as SVG for the page and as PNG beside it."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.core.dataset.palette import class_colours
from src.core.report.facts import RunFacts
from src.core.report.text import is_number, metric_title, number

#: Colours that the page replaces by its own variables, so that the same drawing serves light and dark.
TRAIN, VAL, THIRD, BEST, INK, QUIET, GRID = (
    "#0b6ca8",
    "#c24e00",
    "#9a4f7d",
    "#12703f",
    "#1a1d21",
    "#59616c",
    "#d4d9e0",
)
_VARIABLES = {
    TRAIN: "--plot-train",
    VAL: "--plot-val",
    THIRD: "--plot-third",
    BEST: "--plot-best",
    INK: "--ink",
    QUIET: "--muted",
    GRID: "--plot-grid",
}
#: More points than this are thinned: a page of a few inches shows no more.
MOST_POINTS = 1500
#: More classes than this are not told apart by colour.
MOST_CLASSES = 12
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9.5,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.titleweight": "bold",
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "text.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.7,
    "path.simplify": True,
    "path.simplify_threshold": 0.4,
}


@dataclass(frozen=True)
class Drawing:
    """A figure: ``name`` of its file, a sentence for those who cannot see it, PNG bytes and SVG text."""

    name: str
    title: str
    description: str
    png: bytes
    svg: str


def _thin(x: Sequence[int], y: Sequence[float | None]) -> tuple[list[int], list[float]]:
    """No more than `MOST_POINTS`, keeping the extremes of each stretch; None becomes a gap."""
    values = [math.nan if v is None else v for v in y]
    if len(x) <= MOST_POINTS:
        return list(x), values
    step = -(-2 * len(x) // MOST_POINTS)
    kept: set[int] = {0, len(x) - 1}
    for start in range(0, len(x), step):
        stretch = [i for i in range(start, min(start + step, len(x))) if not math.isnan(values[i])]
        kept |= (
            {min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)}
            if stretch
            else {start}
        )
    order = sorted(kept)
    return [x[i] for i in order], [values[i] for i in order]


def _measured(values: Sequence[float | None]) -> list[float]:
    return [v for v in values if v is not None]


class _Curves:
    """One axis over the epochs."""

    def __init__(self, facts: RunFacts, title: str, unit: str) -> None:
        self.facts = facts
        self.figure = Figure(figsize=(6.4, 3.1), layout="constrained")
        FigureCanvasAgg(self.figure)
        self.axes: Axes = self.figure.add_subplot()
        self.axes.set_title(title)
        self.axes.set_xlabel("Epoch")
        self.axes.set_ylabel(unit)
        self.axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9, min_n_ticks=1))
        self.epochs = [int(e["epoch"]) for e in facts.epochs]
        if len(self.epochs) == 1:  # a single point in the middle of a whole epoch
            self.axes.set_xlim(self.epochs[0] - 1, self.epochs[0] + 1)
        self._handles: list[Any] = []
        self._labels: list[str] = []

    def line(self, values: Sequence[float | None], label: str, colour: str, **style: Any) -> bool:
        """Draw a curve; False where it has no value at all."""
        measured = _measured(values)
        if not measured:
            return False
        x, y = _thin(self.epochs, values)
        # A value between two gaps has no line to either side: small marks keep it in sight
        lonely = len(measured) < 3 or any(v is None for v in values)
        (handle,) = self.axes.plot(x, y, color=colour, marker="o" if lonely else "", markersize=4, **style)
        self._handles.append(handle)
        # matplotlib hides names that begin with “_”
        self._labels.append(" " + label if label.startswith("_") else label)
        return True

    def mark_best(self, values: Sequence[float | None]) -> None:
        """A line at the best epoch and a ring at its value."""
        if self.facts.best_value is None or self.facts.best is None:
            return
        epoch = int(self.facts.best["epoch"])
        self.axes.axvline(epoch, color=BEST, linewidth=1, linestyle=(0, (4, 3)))
        value = values[self.epochs.index(epoch)] if epoch in self.epochs else None
        if value is None:
            return
        (ring,) = self.axes.plot(
            [epoch],
            [value],
            marker="o",
            markersize=7,
            markerfacecolor="none",
            markeredgecolor=BEST,
            markeredgewidth=1.8,
            linestyle="none",
        )
        self._handles.append(ring)
        self._labels.append(f"best: {number(value)} in epoch {epoch}")

    def finish(self, name: str, title: str, description: str) -> Drawing:
        """Close the figure with its legend."""
        if len(self._labels) > 4:
            self.figure.legend(
                self._handles, self._labels, fontsize=8.5, labelcolor=INK, loc="outside right upper"
            )
        elif len(self._labels) > 1:
            self.axes.legend(self._handles, self._labels, fontsize=8.5, labelcolor=INK)
        return rendered(self.figure, name, title, description)


def rendered(figure: Figure, name: str, title: str, description: str) -> Drawing:
    """A figure as PNG and as SVG for a page."""
    png, svg = io.BytesIO(), io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the page's own fonts have it
        figure.savefig(png, format="png", dpi=150, facecolor="white")
        figure.set_layout_engine("none")  # both have the same layout, which was found for the first
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    return Drawing(name, title, description, png.getvalue(), _for_page(svg.getvalue(), title, description))


def _for_page(svg: str, title: str, description: str) -> str:
    """The drawing inside a page: with the page's colours and font, and words for screen readers."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'font-family: [^;"]*', "font-family: var(--font)", svg)
    svg = re.sub(r'font: ([^;"]*?px) [^;"]*', r"font: \1 var(--font)", svg)  # as older matplotlib writes it
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", svg, count=1)
    # Two drawings in one page must not share names of their parts
    mark = re.sub(r"\W", "", title.lower())
    svg = re.sub(r'id="([^"]+)"', rf'id="{mark}-\1"', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)([^")]+)', rf"\g<1>{mark}-\2", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{_attribute(description)}"', 1)


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def _loss(facts: RunFacts) -> Drawing | None:
    curves = _Curves(facts, "Loss", "Loss")
    train, val = facts.series("train_loss"), facts.series("val_loss")
    drawn = [curves.line(train, "training", TRAIN), curves.line(val, "validation", VAL)]
    if not any(drawn):
        return None
    values = _measured(train) + _measured(val)
    if min(values) > 0 and max(values) / min(values) > 30:
        curves.axes.set_yscale("log")
        curves.axes.set_ylabel("Loss (logarithmic)")
    curves.mark_best(train if facts.metric == "train_loss" else [None] * len(train))
    ends = (
        f"from {number(_measured(train)[0])} to {number(_measured(train)[-1])}"
        if drawn[0]
        else "without a number"
    )
    return curves.finish("loss", "Loss", f"Loss over the epochs: training {ends}.")


def _metric(facts: RunFacts) -> Drawing | None:
    key, title = facts.metric, metric_title(facts.metric)
    values = facts.series(f"metrics.{key}")
    curves = _Curves(facts, f"Validation {title}", title)
    if not curves.line(values, "all pixels together" if f"{key}_mean" in _names(facts) else title, VAL):
        return None
    curves.line(facts.series(f"metrics.{key}_mean"), "mean over images", THIRD, linestyle=(0, (5, 2)))
    curves.mark_best(values)
    best = f"best {number(facts.best_value)}" if facts.best_value is not None else "never a number"
    return curves.finish("metric", f"Validation {title}", f"Validation {title} over the epochs: {best}.")


def _names(facts: RunFacts) -> set[str]:
    return set(facts.epochs[-1].get("metrics") or {})


def _classes(facts: RunFacts) -> Drawing | None:
    """The metric of each class, where there are several and few enough to tell apart."""
    names = list(facts.epochs[-1].get("per_class") or {})
    key = facts.metric if any(_class_series(facts, n, facts.metric) for n in names) else "iou"
    if not 3 <= len(names) <= MOST_CLASSES:  # of two, the curve above shows the one that matters
        return None
    title = f"{metric_title(key)} of each class"
    curves = _Curves(facts, title, metric_title(key))
    known = [str(name) for name in (facts.started[-1].get("class_names") or [])] if facts.started else []
    places = [known.index(name) if name in known else i + 1 for i, name in enumerate(names)]
    palette = ["#{:02x}{:02x}{:02x}".format(*rgb) for rgb in class_colours(max(places) + 1)]
    colours = [palette[place] if place else QUIET for place in places]  # class 0 has no colour
    drawn = [
        curves.line(_class_series(facts, name, key), name, colour, linestyle="-" if i < 7 else (0, (5, 1.5)))
        for i, (name, colour) in enumerate(zip(names, colours, strict=True))
    ]
    return curves.finish("classes", title, f"{title} over the epochs.") if any(drawn) else None


def _class_series(facts: RunFacts, name: str, key: str) -> list[float | None]:
    values = [((e.get("per_class") or {}).get(name) or {}).get(key) for e in facts.epochs]
    return [float(v) if v is not None and is_number(v) else None for v in values]


def _rate(facts: RunFacts) -> Drawing | None:
    values = facts.series("lr")
    curves = _Curves(facts, "Learning rate", "Learning rate")
    if not curves.line(values, "learning rate", TRAIN):
        return None
    curves.axes.set_ylim(bottom=0)
    curves.axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    measured = _measured(values)
    described = f"Learning rate from {measured[0]:.2g} to {measured[-1]:.2g}."
    return curves.finish("learning_rate", "Learning rate", described)


def draw(facts: RunFacts) -> list[Drawing]:
    """The figures for which there is something to draw; none without a completed epoch."""
    if not facts.epochs:
        return []
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": facts.folder.name}):
        return [drawing for make in (_metric, _loss, _classes, _rate) if (drawing := make(facts)) is not None]
