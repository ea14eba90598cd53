"""Every command of the main window, declared once: menus, toolbar, shortcuts and tests are made from this
list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One entry.

    Attributes:
        id: Name of the method of `MainWindow` that carries it out.
        text: Words in the menu with their mnemonic.
        menu: Title of the menu.
        shortcut: Keys in Qt's notation, or empty.
        icon: File of ``resources/icons``, or empty.
        tip: One sentence for tooltip and status bar.
        bar: Short words on the toolbar; empty: not there.
        check: Group in which it is an exclusive choice, ``toggle`` for on and off, or empty.
        submenu: Title of a submenu in which it stands.
        apart: A line above it.
        needs_run: Enabled while a run is shown that can take this order.
    """

    id: str
    text: str
    menu: str
    shortcut: str = ""
    icon: str = ""
    tip: str = ""
    bar: str = ""
    check: str = ""
    submenu: str = ""
    apart: bool = False
    needs_run: bool = False


#: The menus in their order. ``&Recent`` is filled when it opens.
MENUS = ("&File", "&Run", "&Tools", "&View", "&Help")
RECENT = "Open &Recent"

COMMANDS: tuple[Command, ...] = (
    Command(
        "open_dataset_dialog",
        "Open &Data Set Folder…",
        "&File",
        "Ctrl+O",
        "images",
        "Look at the images and masks of a folder",
        "Data set",
    ),
    Command(
        "open_run_dialog",
        "&Open Run Folder…",
        "&File",
        "Ctrl+Shift+O",
        "run-folder",
        "Show a run from any folder",
        "Open run",
    ),
    Command(
        "import_data",
        "&Import Data Set…",
        "&File",
        "Ctrl+I",
        "import",
        "Recognise a data set in COCO, YOLO, LabelMe, Pascal VOC or another form, look at it, and take it in",
        "Import",
        apart=True,
    ),
    Command(
        "export_data",
        "&Export Data Set…",
        "&File",
        "",
        "export",
        "Write the data set that is open as masks, COCO or YOLO",
    ),
    Command(
        "close_tab",
        "&Close Tab",
        "&File",
        "Ctrl+W",
        "close",
        "Close what is shown; a run goes on",
        apart=True,
    ),
    Command("quit", "&Quit", "&File", "Ctrl+Q", "quit", "Close the window; runs go on", apart=True),
    Command(
        "finish_epoch",
        "&Finish This Epoch",
        "&Run",
        "",
        "finish",
        "End after this epoch and keep the model",
        needs_run=True,
    ),
    Command(
        "pause_run",
        "&Pause",
        "&Run",
        "Ctrl+Shift+P",
        "pause",
        "Save exactly and free the GPU",
        needs_run=True,
    ),
    Command(
        "stop_run", "&Stop", "&Run", "Ctrl+.", "stop", "Save exactly, keep the model and end", needs_run=True
    ),
    Command(
        "resume_run", "&Resume", "&Run", "Ctrl+R", "resume", "Go on from the last checkpoint", needs_run=True
    ),
    Command(
        "open_run_folder",
        "Open Run F&older",
        "&Run",
        "Ctrl+E",
        "folder",
        "Show the files of the run",
        apart=True,
        needs_run=True,
    ),
    Command(
        "open_report", "Open R&eport", "&Run", "", "report", "Show the report in the browser", needs_run=True
    ),
    Command(
        "clone_run",
        "&Clone with Changes…",
        "&Run",
        "Ctrl+Shift+C",
        "clone",
        "Open the training window with the settings of this run",
        apart=True,
        needs_run=True,
    ),
    Command(
        "reproduce_run",
        "Repro&duce…",
        "&Run",
        "",
        "reproduce",
        "Train exactly this run once more, and say what is different here",
        needs_run=True,
    ),
    Command(
        "compare_runs",
        "Co&mpare Chosen Runs",
        "&Run",
        "Ctrl+Shift+D",
        "compare",
        "Curves, settings and results of the runs that are chosen in the list, side by side",
    ),
    Command(
        "show_trash",
        "&Trash of the Runs…",
        "&Run",
        "",
        "trash",
        "Runs that were taken away, and the way back",
    ),
    Command(
        "show_queue",
        "Training &Queue",
        "&Run",
        "Ctrl+Shift+Q",
        "queue",
        "What waits for a device, in which order, and what runs",
        apart=True,
    ),
    Command(
        "train_model",
        "&Train Model…",
        "&Tools",
        "Ctrl+T",
        "train",
        "Choose settings and start training",
        "Train model",
    ),
    Command(
        "search_settings",
        "Search for &Good Settings…",
        "&Tools",
        "Ctrl+Shift+H",
        "search",
        "Find good settings by many trainings, each with other values",
    ),
    Command(
        "show_searches",
        "Sear&ches",
        "&Tools",
        "",
        "search",
        "All searches, running, ended or interrupted: open one, go on with it, or take it away",
    ),
    Command(
        "open_search_dialog",
        "Open Sea&rch Folder…",
        "&Tools",
        "",
        "folder",
        "Show a search from any folder",
    ),
    Command(
        "tune_settings",
        "Meas&ure and Tune…",
        "&Tools",
        "Ctrl+Shift+U",
        "tune",
        "Measure a good learning rate, the batch size, and what this machine computes fastest",
    ),
    Command(
        "evaluate_model",
        "&Evaluate…",
        "&Tools",
        "Ctrl+Shift+V",
        "evaluate",
        "Say how good a model is and where it fails",
        "Evaluate",
        apart=True,
    ),
    Command(
        "predict_images",
        "&Predict…",
        "&Tools",
        "Ctrl+Shift+M",
        "predict",
        "Run a model over new images and folders",
        "Predict",
    ),
    Command(
        "rank_images",
        "Label &Next…",
        "&Tools",
        "",
        "rank",
        "Say which of the new images are worth labelling first",
    ),
    Command(
        "pseudo_label_images",
        "Pseudo-La&bels…",
        "&Tools",
        "",
        "pseudo-label",
        "Make a data set of what a model is sure of, apart from human labels",
    ),
    Command(
        "export_model",
        "E&xport Model…",
        "&Tools",
        "",
        "export",
        "Write a model as ONNX or in another form, and compare it with the original",
    ),
    Command(
        "show_models",
        "Model &Library",
        "&Tools",
        "Ctrl+L",
        "library",
        "The models of all runs, what was done with them, and notes",
        "Models",
        apart=True,
    ),
    Command(
        "make_sample_data",
        "Make &Sample Data…",
        "&Tools",
        "",
        "sample",
        "Write a small data set of metal parts with defects, to try everything on",
        apart=True,
    ),
    Command(
        "theme_system",
        "As the &System",
        "&View",
        check="theme",
        submenu="&Theme",
        tip="Light or dark as the system says",
    ),
    Command("theme_light", "&Light", "&View", check="theme", submenu="&Theme", tip="Light colours"),
    Command("theme_dark", "&Dark", "&View", check="theme", submenu="&Theme", tip="Dark colours"),
    Command(
        "show_runs",
        "List of &Runs",
        "&View",
        "Ctrl+B",
        "panel",
        "Show or hide the list of runs",
        "Runs",
        check="toggle",
    ),
    Command("show_toolbar", "&Toolbar", "&View", "", "", "Show or hide the toolbar", check="toggle"),
    Command("zoom_in", "Zoom &In", "&View", "Ctrl++", "zoom-in", "Larger text", apart=True),
    Command("zoom_out", "Zoom &Out", "&View", "Ctrl+-", "zoom-out", "Smaller text"),
    Command("zoom_reset", "&Normal Size", "&View", "Ctrl+0", "", "Text as large as the system says"),
    Command("next_tab", "Ne&xt Tab", "&View", "Ctrl+Tab", "", "Go to the next tab", apart=True),
    Command(
        "focus_filter", "&Find a Run", "&View", "Ctrl+F", "filter", "Type a part of a run's name or state"
    ),
    Command("show_guide", "&Guide", "&Help", "F1", "help", "How to train a model, in short"),
    Command("show_shortcuts", "&Keyboard Shortcuts", "&Help", "", "", "All keys in one list"),
    Command("show_about", "&About Lathe", "&Help", "", "info", "Version and licence", apart=True),
)
