"""What the documents show is tried here: commands, examples, tables, links."""

from __future__ import annotations

import ast
import contextlib
import html
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from src.cli.main import run_command
from src.core.config import file_layer, options, resolve
from src.core.dataset import make_sample_data
from src.core.dataset.describe import describe
from src.core.dataset.description import DatasetDescription
from src.core.run import events
from src.tasks.catalog import TASKS, task_info

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), ROOT / "packaging" / "README.md"]


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def block(name: str, mark: str) -> str:
    """The code block after the marker ``<!-- mark -->`` on a page."""
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```\w+\n(.*?)```", page(name), re.DOTALL)
    assert found, f"{name} has no block {mark}"
    return found[1]


def said_by(*words: str) -> str:
    """What a command prints on standard output."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        run_command(words)
    return out.getvalue()


# -- set-up ---


def test_the_readme_has_two_commands_that_do_all_the_set_up() -> None:
    marks = re.findall(r"<!-- command: (\w+) -->", page("README.md"))
    assert marks == ["demo", "test"]
    for mark, end in (("demo", "python app.py demo"), ("test", "python -m pytest")):
        lines = block("README.md", f"command: {mark}").splitlines()
        assert len(lines) == 1, "one line to copy"
        assert lines[0].startswith("python3 -m venv .venv && ") and lines[0].endswith(end)
        files = re.findall(r"-[rc] (\S+)", lines[0])
        assert files[-1] == "constraints.txt"
        assert all((ROOT / file).is_file() for file in files)


@pytest.mark.skipif(os.name == "nt", reason="the script of the checks is for bash")
def test_the_checks_take_their_commands_from_the_readme(tmp_path: Path) -> None:
    script = page(".ci/run")
    function = script[script.index("command_of_readme()") : script.index("step()")]
    for mark in ("demo", "test"):
        code = f"place={tmp_path}\n{function}\ncommand_of_readme {mark}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.stdout == block("README.md", f"command: {mark}").replace(".venv", f"{tmp_path}/venv")
        assert f"command_of_readme {mark}" in script
    done = subprocess.run(
        ["bash", "-c", f"{function}\ncommand_of_readme no"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode != 0


# -- pages made from the program, and tables that must agree with it ---


def test_the_page_of_settings_is_the_one_that_the_program_makes() -> None:
    assert page("docs/settings.md") == said_by("settings", "--markdown"), (
        "python app.py settings --markdown > docs/settings.md"
    )


def test_the_page_of_job_settings_is_the_one_that_the_program_makes() -> None:
    made = said_by("settings", "--job", "all", "--markdown")
    assert page("docs/job-settings.md") == made, (
        "python app.py settings --job all --markdown > docs/job-settings.md"
    )
    for job, info in task_info("segmentation").jobs.items():
        assert f"\n## {info.title}\n" in made
        one = said_by("settings", "--job", job.replace("_", "-"), "--markdown")
        assert one.startswith(f"# Every setting of {info.title.lower()}\n") and len(one.splitlines()) > 20


def test_the_page_of_commands_has_every_command() -> None:
    commands = re.findall(r"^ {4}([a-z][a-z-]+)(?: {2}|$)", said_by("--help"), re.MULTILINE)
    assert len(commands) >= 8
    listed = re.findall(r"^\| `([a-z-]+)", page("docs/command-line.md"), re.MULTILINE)
    assert set(commands) <= set(listed)


def test_the_page_of_the_run_folder_has_every_event_and_field() -> None:
    documented: dict[str, str] = {}
    for line in (events.__doc__ or "").splitlines():
        if (entry := re.match(r"([a-z_]+) {2,}(.*)", line)) and entry[1] != "type":
            kind, documented[entry[1]] = entry[1], entry[2]
        elif line.startswith(" " * 20) and documented:
            documented[kind] += " " + line.strip()
    assert {"run_started", "warning", "run_ended"} <= documented.keys()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page("docs/run-folder.md"), re.MULTILINE))
    for kind, fields in documented.items():
        names = re.findall(r"\w+", re.sub(r"\([^)]*\)|list of|see `\w+`|where it goes on", "", fields))
        assert names
        unsaid = [name for name in names if f"`{name}`" not in rows[kind]]
        assert not unsaid, f"{kind}: {unsaid}"


def told_and_returned(module: str) -> tuple[dict[str, set[str]], set[str]]:
    """What a job's source gives to ``job.started`` and ``job.tell``, and the fields of what it returns."""
    events_of: dict[str, set[str]] = {}
    returned: set[str] = set()
    for node in ast.walk(ast.parse(page(module.replace(".", "/") + ".py"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("started", "tell") and ast.unparse(node.func.value).endswith("job"):
                kind = ast.literal_eval(node.args[0]) if node.args else "job_started"
                events_of.setdefault(kind, set()).update(word.arg or "" for word in node.keywords)
        elif isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            returned |= keys if "said" in keys else set()
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("result["):
            returned.add(ast.literal_eval(node.targets[0].slice))  # type: ignore[attr-defined]
    return events_of, returned


def test_the_page_of_the_run_folder_has_what_each_job_tells_and_returns() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page("docs/run-folder.md"), re.MULTILINE))
    shared, _ = told_and_returned("src.tasks.segmentation.jobs.over_images")
    for job, info in task_info("segmentation").jobs.items():
        told, returned = told_and_returned(info.runtime.partition(":")[0])
        assert "job_started" in told | shared and len(returned) >= 3
        for kind, fields in (told | shared).items():
            unsaid = [name for name in fields if f"`{name}`" not in rows[kind]]
            assert not unsaid, f"{job}, {kind}: {unsaid}"
        # Every ending has a status, which is explained above the table
        unsaid = [name for name in returned - {"status"} if f"`{name}`" not in rows[job]]
        assert not unsaid and f"`{info.folder}/`" in rows[job], f"{job}: {unsaid}"


def test_every_dependency_is_explained() -> None:
    text = page("docs/decisions.md").lower().replace("_", "-")
    for path in sorted(ROOT.glob("requirements*.txt")):
        for line in page(path.name).splitlines():
            if line.startswith("-r"):
                continue
            name = re.split(r"[<>=#]", line)[0].strip().lower()
            assert name in text, f"docs/decisions.md does not say why {name} is needed"


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    targets = [t.split("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", text)]
    missing = [
        t for t in targets if t and not t.startswith(("http:", "https:")) and not (path.parent / t).exists()
    ]
    assert not missing


def test_options_that_the_pages_name_exist() -> None:
    known = {o.key for info in TASKS.values() for o in options(info.config)}
    sections = {key.rsplit(".", n)[0] for key in known for n in (1, 2)}
    for path in PAGES:
        named = re.findall(r"`((?:data|training|model|monitoring)\.[a-z_.]+)", path.read_text("utf-8"))
        named = [name for name in named if not re.fullmatch(r"model(\.[a-z]+)*\.(safetensors|onnx|pt)", name)]
        assert set(named) <= known | sections, path.name


# -- the examples of data.md ---


def picture(path: Path, value: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path.name)) + value).integers(0, 255, (24, 32, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def mask(path: Path, *values: int) -> None:
    """The first value everywhere, the others in a block each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((24, 32), values[0], np.uint8)
    for place, value in enumerate(values[1:]):
        pixels[4 * place : 4 * place + 4, 2:12] = value
    Image.fromarray(pixels).save(path)


def read(tmp_path: Path, example: str) -> DatasetDescription:
    """Write an example's configuration beside the files and read the data set with it."""
    config = tmp_path / "lathe.yaml"
    config.write_text(block("docs/data.md", f"data: {example}"), "utf-8")
    schema = task_info("segmentation").config
    return describe(resolve(schema, [file_layer(config, schema)]).config.data)


def errors(found: DatasetDescription) -> list[str]:
    return [str(f) for f in found.findings if f.severity == "error"]


def pairs(tmp_path: Path, *values: int, names: tuple[str, ...] = ("part1_a", "part2_a", "part3_a")) -> None:
    for number, name in enumerate(names):
        picture(tmp_path / "set" / "images" / f"{name}.jpg", number)
        mask(tmp_path / "set" / "masks" / f"{name}.png", *(values or (0, 255)))


def test_two_folders(tmp_path: Path) -> None:
    pairs(tmp_path, names=("part1_a", "part2_a"))
    picture(tmp_path / "set/images/line 2/part3.tif", 7)
    mask(tmp_path / "set/masks/line 2/part3_mask.png", 0, 255)
    found = read(tmp_path, "two-folders")
    assert not errors(found)
    assert sorted(s.id for s in found.all_samples) == ["line 2/part3.tif", "part1_a.jpg", "part2_a.jpg"]
    assert all(s.mask for s in found.all_samples)


def test_one_folder(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        picture(tmp_path / f"set/part{number}_a.jpg", number)
        mask(tmp_path / f"set/part{number}_a.png", 0, 255)
    found = read(tmp_path, "one-folder")
    assert not errors(found)
    assert [Path(s.mask or "").suffix for s in found.all_samples] == [".png"] * 3


def test_split_files(tmp_path: Path) -> None:
    pairs(tmp_path, names=("part1_a", "part2_a", "part3_a", "part4_not_named"))
    (tmp_path / "splits").mkdir()
    shown = re.search(r"splits/train.txt +(\S+)\n +(\S+)\nsplits/val.txt +(\S+)", page("docs/data.md"))
    assert shown
    (tmp_path / "splits/train.txt").write_text(f"{shown[1]}\n{shown[2]}\n", "utf-8")
    (tmp_path / "splits/val.txt").write_text(f"{shown[3]}\n", "utf-8")
    found = read(tmp_path, "split-files")
    assert not errors(found)
    assert [s.id for s in found.samples["train"]] == ["part1_a.jpg", "part2_a.jpg"]
    assert [s.id for s in found.samples["val"]] == ["part3_a.jpg"]
    assert any(f.code == "split.relocated" for f in found.findings)


def table(tmp_path: Path) -> None:
    pairs(tmp_path)
    (tmp_path / "set/masks/part2_a.png").unlink()
    shown = re.search(r"```text\n(image,mask.*?)```", page("docs/data.md"), re.DOTALL)
    assert shown
    (tmp_path / "set/parts.csv").write_text(shown[1], "utf-8")


def test_a_table(tmp_path: Path) -> None:
    table(tmp_path)
    found = read(tmp_path, "table")
    assert not errors(found)
    assert [len(found.samples[part]) for part in ("train", "val")] == [2, 1]
    assert [s.has_object for s in found.samples["train"]] == [True, False]


@pytest.mark.parametrize(("example", "values", "classes"), [
    ("binary", (0, 100, 200), ("background", "scratch")), ("dark", (255, 0), ("background", "object")),
    ("index", (0, 10, 20, 255), ("background", "scratch", "pit")),
])  # fmt: skip
def test_meanings(tmp_path: Path, example: str, values: tuple[int, ...], classes: tuple[str, ...]) -> None:
    pairs(tmp_path, *values)
    found = read(tmp_path, example)
    assert not errors(found)
    assert found.class_names == classes
    block_pixels = 4 * 10
    of_each = np.sum([found.class_pixels[part] for part in ("train", "val")], axis=0) / 3
    assert of_each[1:].tolist() == [block_pixels] * (len(classes) - 1)


def test_groups_by_pattern(tmp_path: Path) -> None:
    pairs(tmp_path, names=tuple(f"part{n}_{view}" for n in (1, 2, 3) for view in "ab"))
    found = read(tmp_path, "by-pattern")
    assert not errors(found)
    sides = {part: {s.group for s in found.samples[part]} for part in ("train", "val")}
    assert sides["train"] | sides["val"] == {"part1", "part2", "part3"}
    assert len(sides["val"]) == 1 and not sides["train"] & sides["val"]


def test_groups_by_column(tmp_path: Path) -> None:
    table(tmp_path)
    found = read(tmp_path, "by-column")
    assert not errors(found)
    assert {s.group for s in found.all_samples} == {"part1", "part2", "part3"}
    assert found.samples["val"]


def test_every_example_of_data_is_tried() -> None:
    marks = set(re.findall(r"<!-- data: ([\w-]+) -->", page("docs/data.md")))
    assert marks == {
        "two-folders",
        "one-folder",
        "split-files",
        "table",
        "binary",
        "dark",
        "index",
        "by-pattern",
        "by-column",
    }


def test_the_configuration_on_the_page_of_commands_is_valid(tmp_path: Path) -> None:
    shown = re.search(r"```yaml\n(.*?)```", page("docs/command-line.md"), re.DOTALL)
    assert shown
    (tmp_path / "run.yaml").write_text(shown[1], "utf-8")
    schema = task_info("segmentation").config
    config = resolve(schema, [file_layer(tmp_path / "run.yaml", schema)]).config
    assert config.training.epochs == yaml.safe_load(shown[1])["training"]["epochs"]
    assert Path(config.data.images_dir) == (tmp_path / "images").resolve()


# -- the examples in Python ---


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample data that the examples are about, fewer of them."""
    folder = tmp_path_factory.mktemp("examples")
    make_sample_data(folder / "parts", parts=4, photographs_per_part=3, size=64)
    return folder


def carry_out(folder: Path, *codes: str) -> list[str]:
    """Run examples as a file, as a person would, in a folder with the sample data; what each of them printed.

    Several in one process: most of their time is the import of torch.
    """
    script = folder / "example.py"
    script.write_text("\nprint('=' * 9)\n".join(codes), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LATHE_WORKSPACE": str(folder / "workspace")}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("=" * 9 + "\n")


def test_the_examples_in_python(parts: Path) -> None:
    said, own = carry_out(
        parts, block("docs/python.md", "python: run"), block("docs/python.md", "python: callback")
    )
    assert said.startswith("completed iou ")
    assert "epoch 1: loss " in own and "completed " in own
    report = next((parts / "runs").glob("*/report/index.html")).read_text("utf-8")
    of_report = re.search(r'<code class="python">(.*?)</code>', report, re.DOTALL)
    of_readme = re.search(r"```python\n(.*?)```", page("README.md"), re.DOTALL)
    assert of_report and of_readme
    shown = html.unescape(of_report[1]).replace('Path("', 'Path("runs/')
    pieces = [
        block("docs/python.md", "python: parts"),
        of_readme[1],
        block("docs/python.md", "python: use"),
        shown,
    ]
    loop, readme, use, _ = carry_out(parts, *pieces)
    assert "encoders, for example" in loop
    assert (parts / "checkpoints" / "best.safetensors").is_file()
    assert "best validation IoU" in readme
    counts = yaml.safe_load(use)
    assert set(counts) == {"background", "defect"} and sum(counts.values()) == 64 * 64
