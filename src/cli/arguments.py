"""The commands and their arguments, declared in one place."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from src import __version__

_JSON_HELP = "print one JSON object at the end, and nothing else, on standard output"
_PAIRS_HELP = "options of the configuration as key=value, for example training.epochs=30"


def build_parser() -> argparse.ArgumentParser:
    """All commands; each takes ``--json``."""
    parser = argparse.ArgumentParser(
        prog="app.py", description="Lathe trains models on your own data. Without a command it opens the window.",
        epilog="Every command takes --help. A run is named by its folder, or by its name in the default runs folder.",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"Lathe {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _run_parsers(commands)
    _queue_parser(commands)
    _compare_runs_parser(commands)
    _reproduce_parser(commands)
    _search_parsers(commands)
    _tune_parsers(commands)
    _check_parser(commands)
    _split_parser(commands)
    _transfer_parsers(commands)
    _cache_parser(commands)
    _job_parsers(commands)
    _other_parsers(commands)
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help=_JSON_HELP)
    return parser


def _run_parsers(commands: Any) -> None:
    train = commands.add_parser("train", help="train from a YAML file")
    train.add_argument(
        "words", nargs="*", metavar="CONFIG key=value", help=f"a YAML file, then {_PAIRS_HELP}"
    )
    train.add_argument(
        "--preset", default="default", help="the preset under the file's values (default: default)"
    )
    train.add_argument("--task", default="", help="the task, where no file says it (default: segmentation)")
    train.add_argument("--detach", action="store_true", help="start the run and return; it goes on by itself")
    train.add_argument(
        "--dry-run",
        action="store_true",
        help="show the resolved configuration and check the data; start nothing",
    )
    resume = commands.add_parser("resume", help="go on with a run exactly where it was")
    resume.add_argument("run")
    resume.add_argument("pairs", nargs="*", metavar="key=value", help=_PAIRS_HELP)
    resume.add_argument("--detach", action="store_true", help="start it and return")
    stop = commands.add_parser("stop", help="stop a running run and keep its model")
    stop.add_argument("run")
    how = stop.add_mutually_exclusive_group()
    how.add_argument("--finish-epoch", action="store_true", help="stop after this epoch")
    how.add_argument(
        "--pause", action="store_true", help="free the device; resume goes on from this very step"
    )
    how.add_argument("--kill", action="store_true", help="end the process at once; the last checkpoint stays")
    stop.add_argument(
        "--wait", type=float, default=60.0, metavar="S", help="wait so many seconds for its end (default: 60)"
    )
    runs = commands.add_parser("runs", help="list the runs and their states")
    runs.add_argument(
        "folder", nargs="?", type=Path, help="a folder of runs (default: that of the workspace), or one run"
    )
    models = commands.add_parser("models", help="list the trained models and what was done with them")
    models.add_argument(
        "folder", nargs="?", type=Path, help="a folder of runs (default: that of the workspace)"
    )


def _compare_runs_parser(commands: Any) -> None:
    compare = commands.add_parser("compare-runs", help="put two to eight runs side by side")
    compare.add_argument("runs", nargs="+", metavar="RUN", help="the folder or the name of a run")
    compare.add_argument("--all", action="store_true", help="print the settings that are the same too")

    folds = commands.add_parser("folds", help="each fold of a cross-validation, with mean and deviation")
    folds.add_argument("runs", nargs="+", metavar="RUN", help="the runs of the folds, or one of them")


def _reproduce_parser(commands: Any) -> None:
    again = commands.add_parser(
        "reproduce", help="train a run once more, with exactly its settings and split"
    )
    again.add_argument("run")
    again.add_argument("--check", action="store_true", help="only say what is different here; start nothing")
    how = again.add_mutually_exclusive_group()
    how.add_argument("--detach", action="store_true", help="start it and return")
    how.add_argument("--queue", action="store_true", help="put it into the queue instead of starting it")


def _queue_parser(commands: Any) -> None:
    queue = commands.add_parser(
        "queue", help="runs that wait for a device: list, add, remove, move, pause, go"
    )
    queue.add_argument("action", nargs="?", choices=("list", "add", "remove", "move", "pause", "go"), default="list",
                       help="(default: list)")  # fmt: skip
    queue.add_argument("words", nargs="*", metavar="CONFIG|RUN key=value",
                       help="add: configurations or runs; remove: numbers or names; move: RUN PLACE")  # fmt: skip
    queue.add_argument(
        "--preset", default="default", help="the preset under the file's values (default: default)"
    )
    queue.add_argument("--task", default="", help="the task, where no file says it (default: segmentation)")
    queue.add_argument("--ended", action="store_true", help="remove: all that have ended")
    queue.add_argument(
        "--each-fold", action="store_true", help="add: a run for each fold of data.split.folds"
    )


def _search_parsers(commands: Any) -> None:
    search = commands.add_parser("search", help="search for good options: many runs, each with others")
    search.add_argument(
        "words",
        nargs="*",
        metavar="CONFIG key=value",
        help=f"a search.yaml, or what train takes, then {_PAIRS_HELP}",
    )
    search.add_argument("--space", action="append", default=[], metavar="SPACE",
                        help="key=low..high, key=low..high:log, key=a,b,c, or a YAML file; may be repeated")  # fmt: skip
    search.add_argument("--trials", type=int, metavar="N", help="how many trials in all (default: 20)")
    search.add_argument("--sampler", choices=("tpe", "random", "grid"), help="(default: tpe, which learns)")
    search.add_argument("--pruner", choices=("none", "median", "hyperband"), help="(default: median)")
    search.add_argument(
        "--prune-after", type=int, metavar="E", help="end no trial before this epoch (default: 3)"
    )
    search.add_argument(
        "--keep-models",
        type=int,
        metavar="K",
        help="keep the models of the K best trials; 0 keeps all (default: 3)",
    )
    search.add_argument("--metric", help="the value that is searched for (default: monitoring.best_metric)")
    search.add_argument("--seed", type=int, help="(default: 0)")
    search.add_argument("--jobs", type=int, metavar="J", help="trials at a time on this machine (default: 1)")
    search.add_argument("--storage", metavar="URL", help="a database that several machines share")
    search.add_argument("--study", metavar="NAME", help="the search's name in that database")
    search.add_argument("--name", help="a word of your own in the folder's name")
    search.add_argument(
        "--resume", metavar="FOLDER", help="go on with a search, or join it from another process or machine"
    )
    search.add_argument(
        "--preset", default="default", help="the preset under the file's values (default: default)"
    )
    search.add_argument("--task", default="", help="the task, where no file says it (default: segmentation)")
    search.add_argument("--detach", action="store_true", help="start it and return; it goes on by itself")
    listing = commands.add_parser("searches", help="list the searches and what they found")
    listing.add_argument(
        "folder", nargs="?", type=Path, help="a folder of searches (default: that of the workspace)"
    )


def _tune_parsers(commands: Any) -> None:
    tune = commands.add_parser(
        "tune", help="measure a learning rate, a batch size, or what this machine computes fastest"
    )
    tune.add_argument("what", choices=("lr", "batch", "machine", "compile"))
    tune.add_argument("words", nargs="*", metavar="CONFIG key=value", help=f"a YAML file, then {_PAIRS_HELP}")
    tune.add_argument(
        "--preset", default="default", help="the preset under the file's values (default: default)"
    )
    tune.add_argument("--task", default="", help="the task, where no file says it (default: segmentation)")
    track = commands.add_parser("track", help="feed TensorBoard, MLflow or Weights & Biases with a run")
    track.add_argument("run")
    track.add_argument("--to", action="append", choices=("tensorboard", "mlflow", "wandb"), metavar="T",
                       help="tensorboard, mlflow or wandb; may be repeated (default: those of the run)")  # fmt: skip
    track.add_argument(
        "--anew", action="store_true", help="send everything again, as another run of the tracker"
    )


def _check_parser(commands: Any) -> None:
    check = commands.add_parser("check", help="read a data set and say what is wrong with it")
    check.add_argument(
        "words",
        nargs="+",
        metavar="CONFIG|FOLDER key=value",
        help=f"a YAML file or a folder, then {_PAIRS_HELP}",
    )
    check.add_argument(
        "--quick",
        action="store_true",
        help="read the masks only: no near duplicates, outliers or tiny objects",
    )


def _transfer_parsers(commands: Any) -> None:
    bring = commands.add_parser("import", help="make a data set of COCO, YOLO, LabelMe and other annotations")
    bring.add_argument("path", type=Path, help="a folder, or a file such as a COCO JSON or a data.yaml")
    bring.add_argument("--format", metavar="F", help="take it for this format (default: the surest)")
    bring.add_argument("--name", metavar="N", help="name of the data set (default: that of the folder)")
    bring.add_argument(
        "--to", metavar="DIR", help="the new data set (default: datasets/NAME in the workspace)"
    )
    bring.add_argument("--preview", action="store_true", help="only say what was understood; write nothing")
    bring.add_argument("--merge", choices=("area", "later", "earlier"),
                       help="what lies on top: the smaller object, the later or the earlier one (default: by format)")  # fmt: skip
    out = commands.add_parser("export-data", help="write a data set as masks, COCO or YOLO")
    out.add_argument("source", metavar="SOURCE", help="a configuration, a folder or a table")
    out.add_argument("--format", required=True, choices=("masks", "coco", "yolo"))
    out.add_argument("out", metavar="OUT", help="the new folder")
    out.add_argument("--images", choices=("copy", "reference"), default="copy",
                     help="copy the images, or name them where they are (default: copy)")  # fmt: skip


def _split_parser(commands: Any) -> None:
    split = commands.add_parser("split", help="divide a data set, say whether that leaks, write the files")
    split.add_argument("words", nargs="+", metavar="CONFIG|FOLDER key=value",
                       help=f"a YAML file or a folder, then {_PAIRS_HELP}")  # fmt: skip
    split.add_argument("--out", metavar="DIR", help="where the files go (default: splits in the workspace)")
    split.add_argument("--folds", type=int, metavar="K", help="K folds, each in a folder: fold_1 to fold_K")
    split.add_argument("--preview", action="store_true", help="only say what would come of it; write nothing")
    split.add_argument("--replace", action="store_true",
                       help="take the place of another split in DIR, which is kept by its date")  # fmt: skip
    split.add_argument("--anew", action="store_true",
                       help="divide anew instead of carrying the last split of this data set on")  # fmt: skip


def _cache_parser(commands: Any) -> None:
    cache = commands.add_parser("cache", help="list the caches of decoded images, or delete them")
    cache.add_argument("action", nargs="?", choices=("list", "clear"), default="list", help="(default: list)")
    cache.add_argument("names", nargs="*", metavar="NAME", help="caches to clear")
    cache.add_argument("--all", action="store_true", help="clear all that no run uses")
    cache.add_argument(
        "--older-than", type=float, metavar="DAYS", help="clear those that were not used for so many days"
    )


#: Command to what it is called in the schema of jobs, what its words are, and its help.
JOBS = {
    "evaluate": (
        "evaluate",
        "DATA",
        "say how good a model is and where it fails; without DATA on its own test images",
    ),
    "predict": ("predict", "IMAGES", "run a model over images, folders, or folders that are watched"),
    "export": ("export", "", "write a model as ONNX or in another form, and compare it with the original"),
    "rank": ("rank", "IMAGES", "say which images to label next"),
    "pseudo-label": ("pseudo_label", "IMAGES", "make a data set of what a model is sure of"),
}


def _job_parsers(commands: Any) -> None:
    for name, (_, words, text) in JOBS.items():
        job = commands.add_parser(name, help=text)
        job.add_argument("model", metavar="RUN", help="a run, or the file of a model")
        job.add_argument("words", nargs="*", metavar=f"{words} key=value".strip(),
                         help="what the job takes, and options as key=value; “settings --job” lists them")  # fmt: skip
        job.add_argument("--config", type=Path, metavar="FILE", help="a YAML file of options")
        job.add_argument(
            "--out", metavar="DIR", help="a new folder for the results (default: in the run's folder)"
        )
        job.add_argument(
            "--task", default="", help="the task of a file that does not say it (default: segmentation)"
        )
        if name == "export":
            job.add_argument("--format", metavar="F", help="the form, such as onnx")
        if name == "predict":
            job.add_argument(
                "--watch", action="store_true", help="go on with images that come later, until Ctrl-C"
            )
    _decision_parsers(commands)
    compare = commands.add_parser("compare", help="compare two evaluations on the same images")
    compare.add_argument("first", metavar="EVALUATION", help="the folder of an evaluation")
    compare.add_argument("second", metavar="EVALUATION", help="the folder of another one")


def _decision_parsers(commands: Any) -> None:
    decide = commands.add_parser("decide", help="accept or reject predicted masks")
    decide.add_argument("prediction", metavar="PREDICTION", help="the folder that predict has written")
    decide.add_argument(
        "names", nargs="+", metavar="NAME", help="images as predictions.jsonl names them, or patterns"
    )
    how = decide.add_mutually_exclusive_group(required=True)
    how.add_argument("--accept", action="store_true", help="their masks are right")
    how.add_argument("--reject", action="store_true", help="their masks are wrong")
    how.add_argument("--undo", action="store_true", help="take the verdicts back")
    accepted = commands.add_parser("accepted", help="make a data set of the predictions that were accepted")
    accepted.add_argument("prediction", metavar="PREDICTION", help="the folder that predict has written")
    accepted.add_argument(
        "--to", metavar="DIR", help="the new data set (default: datasets/NAME_accepted in the workspace)"
    )
    accepted.add_argument("--copy-images", action="store_true",
                          help="copy the images instead of naming them where they are")  # fmt: skip


def _other_parsers(commands: Any) -> None:
    sample = commands.add_parser(
        "sample-data", help="make a small set of photographs of metal parts with defects"
    )
    sample.add_argument("folder", type=Path)
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--parts", type=int, default=30, help="number of parts (default: 30)")
    demo = commands.add_parser(
        "demo", help="train on sample data: in the window, or in the terminal where there is no screen"
    )
    demo.add_argument(
        "folder", nargs="?", type=Path, help="where the sample data go (default: in the workspace)"
    )
    demo.add_argument("--terminal", action="store_true", help="no window even where there is a screen")
    settings = commands.add_parser("settings", help="list every setting with its default and meaning")
    settings.add_argument("--task", default="segmentation")
    settings.add_argument("--job", default="", help="those of a job: " + ", ".join([*sorted(JOBS), "all"]))
    settings.add_argument("--markdown", action="store_true", help="as the page of the manual")
