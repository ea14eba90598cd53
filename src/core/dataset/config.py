"""Options that say where images and masks are, what mask values mean, and how they are split and fed."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from src.core.config.conditions import unless, when
from src.core.config.fields import Section, option, section

Flips = Literal["both", "horizontal", "none"]

#: The options of a split do nothing where somebody else made it.
_LATHE_SPLITS = (
    unless("split_dir", because="the split files decide", optional=True),
    unless("split_column", because="the split column of the table decides", optional=True),
)


class MaskConfig(Section):
    """The declared meaning of mask values."""

    meaning: Literal["detect", "binary", "index"] = option(
        "detect", "Mask values", "Binary: one object class against background. Index: the value is the class number. "
        "Detect proposes one from the files, says which, and refuses when it is not clear.",
        choice_labels={"detect": "Detect and tell", "binary": "Binary", "index": "Class index"},
    )  # fmt: skip
    threshold: int = option(
        127, "Threshold", "Values above it are the object (below or equal where the object is dark).",
        ge=0, le=65534, applies=[when("meaning", "binary")],
    )  # fmt: skip
    foreground: Literal["bright", "dark"] = option(
        "bright", "Object is", "Polarity: whether high or low values mark the object.",
        applies=[when("meaning", "binary")],
    )  # fmt: skip
    classes: list[str] = option(
        list, "Classes", "Names of the classes; the position in the list is the class number. Binary: background and object.",
    )  # fmt: skip
    values: list[int] = option(
        list, "Values", "The mask value of each class, in the order of the names; empty means 0, 1, 2, ...",
        advanced=True, applies=[when("meaning", "index")],
    )  # fmt: skip
    ignore_value: int | None = option(
        None, "Ignore value", "Pixels of this value are left out of loss and metrics.", ge=0, le=65535,
    )  # fmt: skip


class SplitConfig(Section):
    """How samples are divided when no split files are given."""

    group_by: Literal["none", "folder", "pattern", "column", "duplicates"] = option(
        "none", "Keep together", "What is physically one thing, so that it never stands on both sides of the split.",
        choice_labels={"none": "Nothing: each image is its own", "folder": "Images of one folder",
                       "pattern": "A part of the file name", "column": "A column of the table",
                       "duplicates": "Images that look alike"},
    )  # fmt: skip
    group_pattern: str = option(
        "", "Pattern", "Regular expression on the file's relative path; its first bracket is the group, as in (part\\d+)_.",
        applies=[when("group_by", "pattern")],
    )  # fmt: skip
    group_column: str = option(
        "", "Group column", "Column of the table that names the group.", applies=[when("group_by", "column")]
    )
    join: Literal["none", "copies", "near"] = option(
        "copies", "Join groups by", "Groups that hold copies of one file, or also near duplicates, become one. Near duplicates "
        "are a guess, so they are only reported unless asked for here.", advanced=True, applies=_LATHE_SPLITS,
        choice_labels={"none": "Nothing", "copies": "Exact copies", "near": "Copies and near duplicates"},
    )  # fmt: skip
    stratify_column: str = option(
        "", "Stratify by column", "Column whose values are spread evenly over the parts; empty: the classes in the masks.",
        advanced=True, applies=[when("table", optional=True)],
    )  # fmt: skip
    val_fraction: float = option(
        0.2, "Validation share", "Share of the samples kept for validation.", gt=0, lt=1,
        applies=[*_LATHE_SPLITS, unless("folds", because="each fold validates once")],
    )  # fmt: skip
    test_fraction: float = option(
        0.0, "Test share", "Share of the samples that training never sees; the same for all folds.", ge=0, lt=1,
        applies=_LATHE_SPLITS,
    )  # fmt: skip
    folds: int = option(
        0, "Folds", "Cross-validation: so many parts, each of which validates once; 0 splits once, by the shares.",
        ge=0, le=100, advanced=True, applies=_LATHE_SPLITS,
    )  # fmt: skip
    fold: int = option(
        1, "Fold", "The fold that validates, from 1.", ge=1, le=100, advanced=True,
        applies=[when("folds", because="there are no folds")],
    )  # fmt: skip
    seed: int = option(
        0, "Split seed", "Another seed gives another split.", ge=0, advanced=True, applies=_LATHE_SPLITS
    )


class AugmentationConfig(Section):
    """Random changes of training images; strengths are the largest change, drawn anew for each image."""

    probability: float = option(
        0.5, "Probability", "Chance of each change for each image; 0 turns all off.", ge=0, le=1
    )
    flips: Flips = option(
        "both", "Flips", "Mirror images; only left-right where up and down are different things, as in a street.",
        choice_labels={"both": "Left-right and up-down", "horizontal": "Left-right only", "none": "None"},
    )  # fmt: skip
    quarter_turns: bool = option(
        False,
        "Quarter turns",
        "Turn by 90, 180 or 270 degrees; only where the direction of the texture means nothing.",
    )
    shift: float = option(0.05, "Shift", "Of the image's width and height.", ge=0, le=0.5, advanced=True)
    scale: float = option(0.1, "Scale", "Relative change of size.", ge=0, le=0.9, advanced=True)
    rotate: float = option(10.0, "Rotate", "Largest angle.", unit="°", ge=0, le=180, advanced=True)
    brightness: float = option(0.2, "Brightness", "Of the full range.", ge=0, le=1, advanced=True)
    contrast: float = option(0.2, "Contrast", "Relative.", ge=0, le=1, advanced=True)
    hue: float = option(
        5.0, "Hue", "On OpenCV's circle of 180; nothing on grey images.", ge=0, le=90, advanced=True,
        applies=[unless("channels", 1, because="the images are grey")],
    )  # fmt: skip
    saturation: float = option(
        15.0, "Saturation", "Of 255; nothing on grey images.", ge=0, le=255, advanced=True,
        applies=[unless("channels", 1, because="the images are grey")],
    )  # fmt: skip
    value: float = option(0.0, "Value", "Of 255.", ge=0, le=255, advanced=True)
    noise: float = option(
        0.0, "Noise", "Largest standard deviation of Gaussian noise, of 255.", ge=0, le=128, advanced=True
    )
    blur: int = option(0, "Blur", "Largest Gaussian kernel.", unit="px", ge=0, le=31, advanced=True)


class CopyPasteConfig(Section):
    """Objects of other training images pasted into training images."""

    probability: float = option(
        0.0, "Copy-paste", "Chance for each training image that objects of another one are pasted into it, those of rare classes "
        "more often; 0 turns it off.", ge=0, le=1, advanced=True,
    )  # fmt: skip
    objects: int = option(
        3,
        "Pasted objects",
        "Most objects that are pasted into an image.",
        unit="objects",
        ge=1,
        le=100,
        advanced=True,
    )
    scale: float = option(
        0.25,
        "Change of their size",
        "Largest relative change of a pasted object's size.",
        ge=0,
        le=0.9,
        advanced=True,
    )
    soft_edge: float = option(
        0.0, "Soft edge", "Width over which the rim of a pasted object blends into the image; 0 cuts hard.", unit="px", ge=0,
        le=32, advanced=True,
    )  # fmt: skip


class ImageDataConfig(Section):
    """Images and masks: from folders, from split files, or from a table."""

    images_dir: str = option(
        "", "Images", "Folder of the images; sub-folders are read too. With a table: where its paths are looked for too.",
        path="folder", group="Source",
    )  # fmt: skip
    masks_dir: str = option(
        "", "Masks", "Folder of the masks: same name as the image, any usual suffix. May be the folder of the images.",
        path="folder", group="Source",
    )  # fmt: skip
    split_dir: str = option(
        "", "Split files", "Folder with train.txt, val.txt and perhaps test.txt; empty: Lathe splits.", path="folder",
        group="Source", applies=[unless("table", because="the table decides")],
    )  # fmt: skip
    table: str = option(
        "", "Table", "CSV file with a row an image, instead of folders; paths are relative to it.", path="file",
        group="Source",
    )  # fmt: skip
    image_column: str = option(
        "image", "Image column", "Column of the image's path.", advanced=True, group="Source",
        applies=[when("table", because="there is no table")],
    )  # fmt: skip
    mask_column: str = option(
        "mask", "Mask column", "Column of the mask's path.", advanced=True, group="Source",
        applies=[when("table", because="there is no table")],
    )  # fmt: skip
    split_column: str = option(
        "",
        "Split column",
        "Column that says train, val or test; empty: Lathe splits.",
        advanced=True,
        group="Source",
        applies=[when("table", because="there is no table")],
    )
    unlabelled: Literal["exclude", "empty"] = option(
        "exclude", "Images without mask", "Leave them out, or take them as images without any object.",
        group="Source", advanced=True, choice_labels={"exclude": "Leave out", "empty": "Nothing on them"},
    )  # fmt: skip
    exclude: str = option(
        "", "Left out", "Text file with the samples to leave out, an id (relative path of the image) a line; empty: none.",
        path="file", group="Source", advanced=True,
    )  # fmt: skip
    masks: MaskConfig = section(MaskConfig, "Meaning of the masks")
    split: SplitConfig = section(SplitConfig, "Split")
    channels: Literal[1, 3] = option(
        3, "Channels", "Colour (3) or grey (1); images are converted.", group="Size", choice_labels={"1": "Grey", "3": "Colour"},
        advanced=True,
    )  # fmt: skip
    image_size: int = option(
        256, "Image size", "Side of the square that the model sees.", unit="px", ge=32, le=4096, group="Size"
    )
    resize: Literal["stretch", "letterbox", "crop"] = option(
        "letterbox", "Fit", "Letterbox keeps the shape and pads; stretch does not; crop cuts random windows at full resolution.",
        group="Size", choice_labels={"stretch": "Stretch", "letterbox": "Keep shape, pad", "crop": "Cut windows"},
    )  # fmt: skip
    normalise: Literal["auto", "pretrained", "image"] = option(
        "auto", "Normalise by", "Each image by its own mean and deviation, or all by the numbers of the pretrained weights; "
        "auto takes the latter only where there are such weights.", advanced=True, group="Size",
        choice_labels={"auto": "Automatic", "pretrained": "Pretrained weights", "image": "Each image"},
    )  # fmt: skip
    augmentation: AugmentationConfig = section(
        AugmentationConfig, "Augmentation", [unless("augmentation.probability", 0, because="no change is ever made")]
    )  # fmt: skip
    copy_paste: CopyPasteConfig = section(
        CopyPasteConfig, "Copy-paste", [unless("copy_paste.probability", 0, because="nothing is pasted")]
    )
    balance: float = option(
        0.0, "Show objects more often", "Least share of each epoch's images that hold an object: images with one are drawn "
        "more often until it is reached; 0 leaves the data as they are.",
        ge=0, le=1, group="Feeding", advanced=True,
    )  # fmt: skip
    class_balance: float = option(
        0.0, "Show rare classes more often", "Share of each epoch that goes to the classes in equal parts, by images that "
        "hold them; the rest is drawn from all. Background is no class here.",
        ge=0, le=1, group="Feeding", advanced=True,
    )  # fmt: skip
    crop_focus: float = option(
        0.33, "Windows on objects", "Share of the training windows that are cut about an object, rare classes more often; "
        "the rest comes from anywhere.", ge=0, le=1, group="Feeding", advanced=True, applies=[when("resize", "crop")],
    )  # fmt: skip
    workers: int = option(
        -1, "Loader workers", "Threads or processes that read images; -1 chooses, 0 reads in the training thread.", ge=-1,
        le=128, group="Feeding", advanced=True,
    )  # fmt: skip
    worker_kind: Literal["auto", "thread", "process"] = option(
        "auto", "Workers are", "Threads start at once; processes scale to many cores. Auto decides by the machine.",
        group="Feeding", advanced=True, applies=[unless("workers", 0, because="there are no workers")],
    )  # fmt: skip
    cache: Literal["off", "auto", "on"] = option(
        "auto", "Cache", "Keeps the decoded images in the workspace, so that later epochs and runs need not decode them. Auto "
        "does so from 3 epochs on, where they fit into the limit and into half of the memory; on caches what fits.",
        group="Feeding", advanced=True, choice_labels={"off": "Off", "auto": "Where it pays", "on": "On"},
    )  # fmt: skip
    cache_limit_gb: float = option(
        50.0, "Cache limit", "All caches of the workspace together; the one used longest ago makes room. Some of the disk stays "
        "free in any case.", unit="GB", gt=0, le=100_000, group="Feeding", advanced=True,
        applies=[unless("cache", "off", because="there is no cache")],
    )  # fmt: skip

    @field_validator("cache", mode="before")
    @classmethod
    def _words_of_yaml(cls, value: object) -> object:
        """YAML reads the plain words on and off as true and false."""
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value

    max_unreadable: float = option(
        0.05, "Unreadable share", "The run goes on without damaged files up to this share of them.", ge=0, le=1,
        group="Feeding", advanced=True,
    )  # fmt: skip
