"""Who may import whom, read from the source; and that what must stay light is light when it is imported."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Longer files and functions are to be divided.
MOST_LINES = 320
MOST_FUNCTION_LINES = 70

#: Inside core, the rooms without torch; all other rooms of core may use torch.
TORCH_FREE = (
    "src.core.config",
    "src.core.run",
    "src.core.dataset",
    "src.core.report",
    "src.core.task_info",
    "src.core.job",
    "src.core.feed.cache",
    "src.core.evaluation",
    "src.core.prediction",
    "src.core.tracking",
    "src.core.search",
)
#: Needs only numpy and OpenCV, as its package says: a dialog shows with it what augmentation does.
AUGMENTATION = "src.core.feed.augment"
COPY_PASTE = "src.core.feed.copy_paste"
#: Of the tasks, what every process may know of them.
TASK_FACTS = ("src.tasks.catalog", "src.tasks.segmentation.legacy")
TORCH = ("torch", "torchvision", "timm", "segmentation_models_pytorch", "safetensors", "huggingface_hub")
QT = ("PyQt5", "pyqtgraph")


@dataclass(frozen=True)
class Room:
    """What the modules under a prefix may import.

    Attributes:
        may: Modules of this project.
        never: Packages of others.
        late: Modules of this project that may be imported inside functions only.
    """

    may: tuple[str, ...]
    never: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


#: The longest prefix that fits a module counts.
ROOMS: dict[str, Room] = {
    "src": Room(()),
    "src.models": Room(("src.models",), QT),
    **{room: Room(("src", *TORCH_FREE), (*TORCH, *QT)) for room in TORCH_FREE},
    "src.core": Room(("src", "src.core", "src.models"), QT),
    "src.tasks": Room(("src.models", "src.core", "src.tasks"), QT),
    "src.tasks.catalog": Room(
        ("src.core.config", "src.core.job", "src.core.task_info", "src.tasks"), (*TORCH, *QT)
    ),
    "src.jobs": Room(("src", "src.core", "src.models", "src.tasks", "src.jobs"), QT),
    "src.cli": Room(
        ("src", "src.cli", *TORCH_FREE, *TASK_FACTS), (*TORCH, *QT), late=("src.ui.application",)
    ),
    "src.threads": Room(("src", "src.threads", *TORCH_FREE, *TASK_FACTS), TORCH),
    "src.ui": Room(
        ("src", "src.ui", "src.threads", *TORCH_FREE, *TASK_FACTS), TORCH, late=(AUGMENTATION, COPY_PASTE)
    ),
    "app": Room((), (*TORCH, *QT), late=("src.ui.application", "src.cli.main", "src.jobs.main")),
}


@dataclass(frozen=True)
class Import:
    """One import statement: where it stands, what it names, and whether it is inside a function."""

    module: str
    line: int
    name: str
    late: bool

    def __str__(self) -> str:
        return f"{self.module} line {self.line} imports {self.name}"


@cache
def source_files() -> dict[str, Path]:
    """Module name to file, of the program."""
    files = [ROOT / "app.py", *sorted((ROOT / "src").rglob("*.py"))]
    found = {}
    for path in files:
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def names_of(node: ast.Import | ast.ImportFrom, module: str, is_package: bool) -> list[str]:
    """The modules that a statement names; a name that is a module itself counts as that module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        parts = module.split(".")
        kept = parts[: len(parts) - node.level + (1 if is_package else 0)]
        base = ".".join([*kept, *([base] if base else [])])
    inner = [f"{base}.{alias.name}" for alias in node.names]
    modules = [name for name in inner if name in source_files() or base == "PyQt5"]
    return modules or [base]


def imports_of(module: str, path: Path) -> list[Import]:
    """Every import that can be carried out; those for type checkers only are passed over."""
    found: list[Import] = []

    def walk(node: ast.AST, late: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.Import, ast.ImportFrom)):
                names = names_of(child, module, path.name == "__init__.py")
                found.extend(Import(module, child.lineno, name, late) for name in names)
            elif is_type_checking(child):
                for other in child.orelse if isinstance(child, ast.If) else []:
                    walk(other, late)
            else:
                walk(child, late or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))

    walk(parse(path), False)
    return found


@cache
def all_imports() -> list[Import]:
    return [found for module, path in source_files().items() for found in imports_of(module, path)]


def inside(name: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a module is one of the prefixes or below one; ``src`` means that package itself only."""
    return any(name == p or (p != "src" and name.startswith(p + ".")) for p in prefixes)


def room_of(module: str) -> Room:
    fitting = [p for p in ROOMS if module == p or module.startswith(p + ".")]
    return ROOMS[max(fitting, key=len)]


def test_every_module_has_a_room() -> None:
    assert len(source_files()) > 50
    homeless = [m for m in source_files() if m != "src" and room_of(m) is ROOMS["src"]]
    assert not homeless, f"say in ROOMS what these may import: {homeless}"


def test_modules_import_only_what_their_room_may() -> None:
    wrong = []
    for found in all_imports():
        room = room_of(found.module)
        own = found.name.split(".")[0] == "src"
        allowed = room.may + (room.late if found.late else ())
        if (own and not inside(found.name, allowed)) or inside(found.name, room.never):
            wrong.append(str(found))
    assert not wrong, "\n".join(["not allowed:", *wrong])


def test_threads_know_of_qt_only_its_core() -> None:
    of_qt = [i for i in all_imports() if inside(i.module, ("src.threads",)) and i.name.startswith("PyQt5")]
    wrong = [str(i) for i in of_qt if i.name != "PyQt5.QtCore"]
    assert not wrong, "\n".join(wrong)


def test_only_jobs_put_engine_and_tasks_together() -> None:
    uses_engine = {i.module for i in all_imports() if inside(i.name, ("src.core.engine",))}
    uses_tasks = {i.module for i in all_imports() if inside(i.name, ("src.tasks",))}
    together = {module for module in uses_engine & uses_tasks if not inside(module, ("src.tasks",))}
    assert together and all(inside(module, ("src.jobs",)) for module in together), together


def test_no_module_needs_itself_at_import() -> None:
    """A circle of imports that are carried out at once works or not by the order in which people import."""
    graph: dict[str, set[str]] = {module: set() for module in source_files()}
    for found in all_imports():
        if not found.late and found.name in graph:
            graph[found.module].add(found.name)
    done: set[str] = set()
    circles: list[str] = []

    def visit(module: str, trail: tuple[str, ...]) -> None:
        if module in trail:
            circles.append(" → ".join([*trail[trail.index(module) :], module]))
        elif module not in done:
            for other in sorted(graph[module]):
                visit(other, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())
    assert not circles, "\n".join(circles)


def loaded(modules: tuple[str, ...], unwanted: tuple[str, ...]) -> dict[str, list[str]]:
    """Imports modules one after the other in a fresh process; says which unwanted ones each brought."""
    lines = ["import importlib, json, sys", "found = {}"]
    for module in modules:
        lines.append(f"importlib.import_module({module!r})")
        lines.append(f"found[{module!r}] = [m for m in {unwanted} if m in sys.modules]")
    code = "\n".join([*lines, "print(json.dumps({k: v for k, v in found.items() if v}))"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, list[str]] = json.loads(done.stdout)
    return result


def test_importing_what_windows_and_shell_need_loads_no_torch() -> None:
    facts = ("src.tasks.catalog", *TASK_FACTS, *TORCH_FREE, AUGMENTATION, COPY_PASTE)
    processes = (
        "src.cli.main",
        "src.cli.run",
        "src.cli.data",
        "src.threads",
        "src.ui.application",
        "src.ui.main_window",
    )
    assert loaded((*facts, *processes), TORCH) == {}


def test_importing_what_jobs_and_shell_need_loads_no_qt() -> None:
    shell = ("src.cli.main", "src.cli.run", "src.cli.data")
    assert (
        loaded(
            (*shell, "src.tasks.segmentation.task", "src.jobs.main", "src.jobs.train", "src.jobs.assemble"),
            QT,
        )
        == {}
    )


def test_files_are_short() -> None:
    counts = {m: len(p.read_text("utf-8").splitlines()) for m, p in source_files().items()}
    long = {module: lines for module, lines in counts.items() if lines > MOST_LINES}
    assert not long, f"longer than {MOST_LINES} lines: {long}"


def test_functions_fit_a_screen() -> None:
    long = []
    for module, path in source_files().items():
        for node in ast.walk(parse(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    long.append(f"{module}.{node.name}: {lines} lines")
    assert not long, "\n".join([f"longer than {MOST_FUNCTION_LINES} lines:", *long])


def canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def required(*files: str) -> set[str]:
    """The packages that lists of requirements name."""
    found = set()
    for file in files:
        for line in (ROOT / file).read_text("utf-8").splitlines():
            word = line.split("#")[0].strip()
            if word and not word.startswith("-r"):
                found.add(
                    canonical(next(part for part in word.replace(">", "=").replace("<", "=").split("=")))
                )
    return found


def foreign_packages(modules: dict[str, Path]) -> dict[str, str]:
    """The packages of others that modules import, with one place for each."""
    own = (
        {"src", "app", "tests", "docs", "benchmarks"}
        | {p.stem for p in (ROOT / "tests").rglob("*.py")}
        | {p.stem for p in modules.values()}
    )
    found: dict[str, str] = {}
    for module, path in modules.items():
        for item in imports_of(module, path):
            top = item.name.split(".")[0]
            if top and top not in own and top not in sys.stdlib_module_names:
                found.setdefault(top, str(item))
    return found


@cache
def distributions() -> dict[str, set[str]]:
    """The packages that bring each top-level module."""
    return {top: {canonical(name) for name in names} for top, names in packages_distributions().items()}


def unnamed(packages: dict[str, str], names: set[str]) -> list[str]:
    return [place for top, place in packages.items() if not distributions().get(top, {top}) & names]


#: In no list, since it cannot be installed everywhere or is large; the program says so where it is absent (docs/decisions.md).
#: Lightning is what a benchmark compares with, where somebody has installed it.
BY_HAND = {"pydensecrf", "pydensecrf2", "mlflow", "mlflow-skinny", "wandb", "lightning", "pyarrow"}
#: Parts of the program whose packages are lists of their own.
EXTRAS = (
    "requirements-export.txt",
    "requirements-search.txt",
    "requirements-track.txt",
    "requirements-devices.txt",
)


def test_requirements_name_what_the_program_imports() -> None:
    packages = foreign_packages(source_files())
    assert {"torch", "PyQt5", "yaml"} <= packages.keys()
    assert not unnamed(packages, required("requirements.txt", *EXTRAS) | BY_HAND)


def test_requirements_name_what_tests_and_benchmarks_import() -> None:
    folders = ("tests", "benchmarks", "docs", "packaging")
    files = {str(p.relative_to(ROOT)): p for folder in folders for p in (ROOT / folder).rglob("*.py")}
    packages = foreign_packages(files)
    assert "pytest" in packages
    assert not unnamed(packages, required("requirements.txt", "requirements-dev.txt", *EXTRAS) | BY_HAND)


def test_requirements_name_nothing_that_is_not_used() -> None:
    used = {name for top in foreign_packages(source_files()) for name in distributions().get(top, ())}
    used |= {"torchvision"}  # of the same release as torch, or its operators do not load
    used |= {"imagecodecs"}  # what tifffile decompresses tiles with
    assert required("requirements.txt") - used == set()


def test_every_requirement_has_a_tested_version() -> None:
    tested = required("constraints.txt")
    assert required("requirements.txt", "requirements-dev.txt", *EXTRAS) <= tested
