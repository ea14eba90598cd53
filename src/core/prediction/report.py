"""Pages about jobs with a trained model: one HTML file each, which needs no other file. Torch-free."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src import __version__
from src.core.report.pictures import data_address
from src.core.run.folder import write_atomically

if TYPE_CHECKING:
    from src.core.report.figures import Drawing

#: Pictures in a page, and their longest side in pixels.
MOST_PICTURES = 24
_SIDE = 480

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ page.title }}</title>
<style>
{{ style }}
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 14px; }
.gallery img { width: 100%; height: auto; border-radius: 6px; border: 1px solid var(--border); }
.gallery figcaption { overflow-wrap: anywhere; }
</style>
</head>
<body>
<main>
<header>
<h1>{{ page.title }}</h1>
<p class="when">Written {{ written }} by Lathe {{ version }}.</p>
</header>
<section class="ending {{ page.tone }}">
{% for sentence in page.said %}
<p>{{ sentence }}</p>
{% endfor %}
</section>
<div class="tiles">
{% for title, value, remark in page.tiles %}
<div class="tile"><span>{{ title }}</span><b{% if value|length > 14 %} class="long"{% endif %}>{{ value }}</b>
<span>{{ remark }}</span></div>
{% endfor %}
</div>
{% if page.figures %}
<section>
<h2>Figures</h2>
<div class="figures">
{% for drawing in page.figures %}
<figure>{{ drawing.svg|safe }}</figure>
{% endfor %}
</div>
</section>
{% endif %}
{% for table in page.tables if table.rows %}
<section>
<h2>{{ table.title }}</h2>
{% if table.note %}<p class="note">{{ table.note }}</p>{% endif %}
<div class="scroll"><table>
<thead><tr>
{% for head in table.heads %}
<th{% if loop.index0 in table.numbers %} class="n"{% endif %}>{{ head }}</th>
{% endfor %}
</tr></thead>
<tbody>
{% for row in table.rows %}
<tr>{% for cell in row %}<td class="{{ 'n' if loop.index0 in table.numbers else 'wrap' }}">{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody></table></div>
</section>
{% endfor %}
{% if page.pictures %}
<section>
<h2>{{ page.pictures_title }}</h2>
<div class="gallery">
{% for address, caption in page.pictures %}
<figure><img src="{{ address }}" alt="{{ caption }}"><figcaption>{{ caption }}</figcaption></figure>
{% endfor %}
</div>
</section>
{% endif %}
{% if page.explained %}
<section>
<h2>What this says, and what it does not</h2>
{% for sentence in page.explained %}
<p>{{ sentence }}</p>
{% endfor %}
</section>
{% endif %}
<footer>Everything on this page is also in the files beside it.</footer>
</main>
</body>
</html>
"""


@dataclass(frozen=True)
class Table:
    """A table of a page; ``numbers`` are the columns that hold numbers."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    numbers: frozenset[int] = frozenset()
    note: str = ""


@dataclass
class Page:
    """What a page says.

    Attributes:
        title: Its heading.
        said: How the job ended.
        tone: ``good``, ``neutral`` or ``bad``.
        tiles: Title, value, remark.
        figures: Drawings of our own (``core.report.figures``).
        tables: Empty ones are left out.
        pictures: Data addresses with captions.
        explained: Sentences about what the numbers mean.
    """

    title: str
    said: list[str]
    tone: str = "good"
    tiles: list[tuple[str, str, str]] = field(default_factory=list)
    figures: Sequence[Drawing] = ()
    tables: list[Table] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)
    pictures_title: str = "Pictures"
    explained: list[str] = field(default_factory=list)


def picture_address(path: Path) -> str:
    """A small copy of an image file as an address inside the page; empty where it cannot be read."""
    from src.core.dataset.files.image_files import UnreadableImageError
    from src.core.dataset.files.images import read_image

    try:
        return address_of(read_image(path, 3, min_size=(_SIDE, _SIDE)))
    except (UnreadableImageError, ValueError):
        return ""


def address_of(image: Any) -> str:
    """A small copy of ``H×W×3`` uint8 RGB as an address inside the page."""
    from PIL import Image

    small = Image.fromarray(image)
    small.thumbnail((_SIDE, _SIDE))
    written = io.BytesIO()
    small.save(written, "JPEG", quality=85)
    return data_address("image/jpeg", written.getvalue())


def write_page(folder: Path, page: Page) -> Path:
    """Write ``report/index.html``; raises OSError."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = Markup(files("src.core.report").joinpath("style.css").read_text("utf-8"))
    text = environment.from_string(_TEMPLATE).render(
        page=page, style=style, version=__version__, written=f"{dt.datetime.now():%Y-%m-%d %H:%M}"
    )
    target = folder / "report" / "index.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, text.encode("utf-8", "replace"))
    return target


def settings_table(facts: Mapping[str, Any]) -> Table:
    """What was set, one line each."""
    return Table("Settings", ("What", "Value"), [(key, str(value)) for key, value in facts.items()])
