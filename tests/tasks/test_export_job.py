"""The export of a segmentation model, through its runtime: files, comparison, refusal, script, card."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import types
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml

from src.core.config.job import ComputeConfig
from src.core.dataset.description import DatasetDescription
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.engine.checkpoint import encode_state
from src.core.feed.normalise import normaliser_from_facts
from src.core.inference.predictor import Predictor
from src.core.inference.sinks import ArraySink
from src.core.inference.sources import FileSource
from src.core.job import Job, JobCancelledError, JobError
from src.core.run import CommandInbox, EventWriter, RunFolder
from src.core.run.model_source import find_model
from src.models.segmentation_models import build_model
from src.tasks.segmentation.jobs import export_config, export_script
from src.tasks.segmentation.jobs.export import run
from src.tasks.segmentation.jobs.export_config import ExportConfig, availability, check
from src.tasks.segmentation.jobs.export_graph import Original
from src.tasks.segmentation.jobs.export_papers import class_table
from src.tasks.segmentation.jobs.inference_config import InferenceConfig
from src.tasks.segmentation.loaded import load_model

CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
IMAGE = {"by": "image", "floor": 4.0}
CONSTANTS = {"by": "constants", "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3], "range": 255.0}


def write_model(path: Path, **facts: Any) -> Path:
    """A small network with random weights, as a checkpoint of Lathe."""
    torch.manual_seed(3)
    classes = facts.pop("classes", ["background", "scratch", "pit"])
    binary = len(classes) == 2
    meaning = (
        MaskMeaning("binary", tuple(classes))
        if binary
        else MaskMeaning("index", tuple(classes), tuple(range(len(classes))))
    )
    channels, known_normalise = facts.get("in_channels", 3), facts.get("normalise", IMAGE)
    model = build_model("pspnet", "resnet18", None, channels, meaning.out_channels)
    with torch.no_grad():  # statistics as after a training, and borders between classes to get wrong
        model.train()
        for _ in range(5):
            model(torch.randn(4, channels, 64, 64))
        model.eval()
        rows = torch.from_numpy(picture(64, 64).transpose(2, 0, 1)[None, :channels].copy())
        logits = model(normaliser_from_facts(known_normalise).to_float(rows))
        model.segmentation_head[0].weight.mul_(10)
        model.segmentation_head[0].bias.copy_(
            -10 * (logits.mean((0, 2, 3)) - model.segmentation_head[0].bias)
        )
    known = {
        "task": "segmentation", "architecture": "pspnet", "encoder": "resnet18", "in_channels": channels,
        "out_channels": meaning.out_channels, "classes": classes, "masks": meaning.to_dict(), "image_size": 64,
        "resize": "letterbox", "normalise": IMAGE, "intensity_range": None, **facts,
    }  # fmt: skip
    path.write_bytes(
        encode_state({"model": model.state_dict()}, {"facts": known, "epoch": 4, "value": 0.8125})
    )
    return path


def picture(height: int, width: int, seed: int = 0, grey: bool = False) -> np.ndarray:
    """Coloured blocks under noise."""
    rng = np.random.default_rng(seed)
    blocks = cv2.resize(
        rng.integers(0, 256, (5, 6, 3)).astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    found = np.clip(blocks + rng.normal(0, 8, blocks.shape), 0, 255).astype(np.uint8)
    return np.repeat(found[..., :1], 3, axis=2) if grey else found


def write_run(folder: Path, **facts: Any) -> RunFolder:
    """A run with six images of its own, as a training leaves it."""
    images, masks = folder.parent / "Bleche β" / "images", folder.parent / "Bleche β" / "masks"
    folder.mkdir(parents=True)
    for place in (images, masks):
        place.mkdir(parents=True, exist_ok=True)
    samples = []
    for number in range(6):
        name = f"teil {number}.png"
        raw = picture(70 + number, 90, number)
        (images / name).write_bytes(cv2.imencode(".png", raw)[1].tobytes())
        mask = (raw[..., 0] > 128).astype(np.uint8) + (raw[..., 1] > 128)
        (masks / name).write_bytes(cv2.imencode(".png", mask)[1].tobytes())
        samples.append(
            Sample(name, str(images / name), str(masks / name), name, width=90, height=70 + number)
        )
    model = write_model(folder / "model.safetensors", **facts)
    meaning = load_model(find_model(str(model)), "cpu", "fp32").meaning
    data = DatasetDescription(
        samples={"train": samples[:3], "val": samples[3:], "test": []},
        meaning=meaning,
        root=str(images.parent),
    )
    data.save(folder / "dataset")
    (folder / "events.jsonl").touch()
    text = {
        "task": "segmentation",
        "model": {"encoder_weights": "imagenet"},
        "monitoring": {"best_metric": "iou"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(text), "utf-8")
    return RunFolder(folder)


def export(folder: Path, model: Path | str, **options: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Do the job; its result and its events."""
    folder.mkdir(parents=True, exist_ok=True)
    place = RunFolder(folder)
    with contextlib.closing(EventWriter(place.events)) as writer:
        config = ExportConfig(model=str(model), **{"latency_runs": 2, "cpu_threads": 1, **options})
        result = run(Job(config, place, writer, CommandInbox(place)))
    return result, [json.loads(line) for line in place.events.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def onnx_export(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunFolder, dict[str, Any]]]:
    """A run, and its export as ONNX with the usual options."""
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    own = write_run(tmp_path_factory.mktemp("export") / "runs" / "lauf ü")
    result, _ = export(own.path / "export" / "erster", own.path)
    yield own, result


def test_an_export_says_the_same_and_comes_with_its_papers(
    onnx_export: tuple[RunFolder, dict[str, Any]],
) -> None:
    own, result = onnx_export
    folder = Path(result["folder"])
    names = {p.name for p in folder.iterdir()} - {"events.jsonl"}
    assert names == {"model.onnx", "parity.json", "classes.json", "MODEL_CARD.md", "use_model.py"}
    parity = json.loads((folder / "parity.json").read_text("utf-8"))
    assert (
        parity["agrees"] and parity["largest_difference"] < 1e-4 and parity["pixels_with_another_class"] == 0
    )
    assert parity["images"] == 3 and parity["pixels"] == 3 * 64 * 64 and not parity["generated_images"]
    assert (
        parity["iou"]["original"] == pytest.approx(parity["iou"]["export"])
        and 0 < parity["iou"]["export"] < 1
    )
    assert [(s["height"], s["width"]) for s in parity["other_sizes"]] == [
        (51, 91),
        (129, 35),
        (17, 20),
        (1, 1),
    ]
    assert parity["latency"]["original"]["runs"] == 2 and parity["latency"]["export"]["median_ms"] > 0
    metadata = parity["runtime"]
    assert metadata["runtime"] == "onnxruntime" and metadata["inputs"][0][2] == [
        "batch",
        3,
        "height",
        "width",
    ]
    card = (folder / "MODEL_CARD.md").read_text("utf-8")
    for words in (
        "0 background, 1 scratch, 2 pit",
        "6 images",
        "iou 0.8125",
        "ImageNet",
        "RGB",
        "fit into 64×64",
    ):
        assert words in card
    assert str(own.path.parent) not in card, "no path of the machine"
    assert any("64×64" not in s and "pixels" in s for s in result["said"])


def test_the_file_itself_says_what_it_takes_and_gives(onnx_export: tuple[RunFolder, dict[str, Any]]) -> None:
    onnx = pytest.importorskip("onnx")
    found = {p.key: p.value for p in onnx.load(onnx_export[1]["model"]).metadata_props}
    assert [c["name"] for c in json.loads(found["lathe.classes"])] == ["background", "scratch", "pit"]
    assert json.loads(found["lathe.normalisation"]) == {"where": "inside", **IMAGE}
    taken = json.loads(found["lathe.input"])
    assert (taken["colour_order"], taken["dynamic_size"], taken["trained_size"], taken["fit"]) == (
        "RGB",
        True,
        64,
        "letterbox",
    )
    assert found["lathe.version"] and found["lathe.colour_order"] == "RGB"


def test_a_second_export_leaves_the_first_alone(onnx_export: tuple[RunFolder, dict[str, Any]]) -> None:
    own, first = onnx_export
    before = {p.name: p.read_bytes() for p in Path(first["folder"]).iterdir() if p.suffix != ".jsonl"}
    second, _ = export(Path(first["folder"]), own.path, format="torch_export", check_images=2)
    assert Path(second["folder"]) == Path(first["folder"]) / "2" and Path(second["model"]).name == "model.pt2"
    assert before == {p.name: p.read_bytes() for p in Path(first["folder"]).iterdir() if p.name in before}
    assert second["parity"]["agrees"] and len(second["parity"]["other_sizes"]) == 4


def test_8_bits_are_measured(onnx_export: tuple[RunFolder, dict[str, Any]], tmp_path: Path) -> None:
    own, first = onnx_export
    result, _ = export(
        tmp_path / "int8", own.path, precision="int8", tolerance=25, calibration_images=3, dynamic_size=False
    )
    parity = result["parity"]
    assert parity["calibrated_on"] == "training images" and parity["bytes"] < 0.4 * first["parity"]["bytes"]
    assert parity["largest_difference"] > 1e-3, "numbers of 8 bits cannot be exact"
    assert json.loads((tmp_path / "int8" / "classes.json").read_text())["input"]["height"] == 64
    with pytest.raises(JobError, match=r"refused \(model\.onnx\.refused\)") as refused:
        export(
            tmp_path / "strict",
            own.path,
            precision="int8",
            tolerance=1e-6,
            calibration_images=1,
            dynamic_size=False,
        )
    assert "have another class" in str(refused.value) and "Calibrate on more images" in refused.value.cure
    left = {p.name for p in (tmp_path / "strict").iterdir()}
    assert left == {"events.jsonl", "model.onnx.refused", "parity.json", "classes.json"}
    assert json.loads((tmp_path / "strict" / "parity.json").read_text())["agrees"] is False


def test_a_model_whose_data_are_gone_is_compared_on_generated_images(tmp_path: Path) -> None:
    model = write_model(
        tmp_path / "alone.safetensors", classes=["ground", "crack"], in_channels=1, normalise=CONSTANTS
    )
    result, events = export(
        tmp_path / "out", model, format="torch_export", precision="fp16", height=48, width=80
    )
    assert result["parity"]["generated_images"] and result["parity"]["iou"] is None
    assert "generated images" in next(e["message"] for e in events if e["type"] == "warning")
    assert "no run of Lathe" in (tmp_path / "out" / "MODEL_CARD.md").read_text("utf-8")
    table = json.loads((tmp_path / "out" / "classes.json").read_text("utf-8"))
    assert len(table["normalisation"]["mean"]) == 1 and table["normalisation"]["mean"][0] == pytest.approx(
        0.4
    )


def test_torchscript_that_cannot_take_any_size_gets_a_fixed_one(tmp_path: Path) -> None:
    model = write_model(tmp_path / "alone.safetensors")
    result, events = export(
        tmp_path / "out", model, format="torchscript", output="classes", normalisation="beside"
    )
    notes = {e["code"]: e["message"] for e in events if e["type"] == "warning"}
    assert "deprecated" in notes["export.deprecated"]
    assert result["parity"]["largest_difference"] is None and result["parity"]["agrees"]
    if not result["parity"]["export"]["dynamic_size"]:
        assert "64×64 pixels" in notes["export.fixed_size"]


def test_an_export_that_disagrees_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_model(tmp_path / "alone.safetensors")
    true = Original.probabilities
    monkeypatch.setattr(Original, "probabilities", lambda self, image: np.roll(true(self, image), 1, axis=1))
    with pytest.raises(JobError, match="disagrees with the original") as refused:
        export(tmp_path / "out", model, format="torch_export", dynamic_size=False)
    assert "A probability differs by" in str(refused.value)
    assert (
        not (tmp_path / "out" / "use_model.py").exists()
        and (tmp_path / "out" / "model.pt2.refused").is_file()
    )


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    model = write_model(tmp_path / "alone.safetensors")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "parity.json").touch()
    (tmp_path / "out" / "2").touch()  # a file where the next folder would be made
    with pytest.raises(JobError, match="cannot be made") as refused:
        export(tmp_path / "out", model, format="torch_export")
    assert "Choose another folder" in refused.value.cure


def test_cancelling_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_model(tmp_path / "alone.safetensors")

    def stop(self: Job, done: int, total: int, what: str) -> None:
        if what.startswith("Comparing"):
            raise JobCancelledError

    monkeypatch.setattr(Job, "progress", stop)
    with pytest.raises(JobCancelledError):
        export(tmp_path / "out", model, format="torch_export", dynamic_size=False)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["events.jsonl"]


# -- configuration ---


def test_what_is_missing_is_said_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(availability()) == set(export_config.FORMATS)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnxscript" else object())
    found = availability()
    assert found["torch_export"] == found["torchscript"] == ""
    assert (
        found["onnx"].startswith("onnxscript is not installed")
        and "pip install -r requirements-export.txt" in found["onnx"]
    )
    fault = check(ExportConfig())[0]
    assert fault.severity == "error" and "onnxscript" in fault.message and "pip install" in fault.cure


def test_8_bits_exist_as_onnx_only() -> None:
    assert [f.code for f in check(ExportConfig(format="torch_export", precision="int8"))] == ["export.int8"]
    assert [f.severity for f in check(ExportConfig(format="torchscript"))] == ["warning"]


# -- the script ---


def predicted(model: Path, image: Path) -> np.ndarray:
    """The mask that Lathe itself gives, as it writes it."""
    loaded = load_model(find_model(str(model)), "cpu", "fp32")
    predictor = Predictor(
        loaded,
        InferenceConfig(geometry="resize" if loaded.fit != "crop" else "tiles", overlap=0),
        ComputeConfig(),
    )
    ((_, found),) = predictor.stream(
        [FileSource(str(image), loaded.channels, loaded.intensity_range)], lambda _s, size: ArraySink(size)
    )
    assert isinstance(found, np.ndarray), found
    return (found[0] > 0.5).astype(np.uint8) * 255 if len(found) == 1 else found.argmax(0).astype(np.uint8)


class _Session:
    """onnxruntime as far as the script knows it, answered by the original."""

    table: dict[str, Any]
    original: Original

    def __init__(self, path: str, providers: list[str]) -> None:
        assert Path(path).name == "model.onnx"

    def run(self, names: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        x, kind = feed["image"], self.table["output"]["kind"]
        assert str(x.dtype) == self.table["input"]["type"] and x.flags["C_CONTIGUOUS"]
        if x.dtype == np.uint8:
            x = self.original.normalised(x).numpy()
        with torch.inference_mode():
            logits = self.original.loaded.model(torch.from_numpy(x))
        probabilities = (logits.sigmoid() if self.original.binary else logits.softmax(1)).numpy()
        return [
            {"logits": logits.numpy(), "probabilities": probabilities}.get(
                kind, self.original.classes(probabilities)
            )
        ]


@pytest.mark.parametrize(
    ("fit", "classes"),
    [("stretch", ["ground", "crack"]), ("letterbox", ["a", "b", "c"]), ("crop", ["ground", "crack"])],
)
def test_the_script_gives_the_masks_of_lathe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fit: str, classes: list[str]
) -> None:
    """With every way to normalise and every output, on sizes that are reduced evenly, unevenly, enlarged and kept."""
    sizes = [(64, 64)] if fit == "crop" else [(128, 192), (150, 131), (64, 64), (40, 300), (20, 31)]
    images = []
    for number, size in enumerate(sizes):
        images.append(tmp_path / f"bild ü {number}.png")
        images[-1].write_bytes(
            cv2.imencode(".png", picture(*size, seed=number, grey=number == 1))[1].tobytes()
        )
    for number, (channels, normalise) in enumerate([(3, IMAGE), (3, CONSTANTS), (1, CONSTANTS)]):
        model = write_model(
            tmp_path / f"{number}.safetensors",
            classes=classes,
            resize=fit,
            in_channels=channels,
            normalise=normalise,
        )
        source = find_model(str(model))
        loaded = load_model(source, "cpu", "fp32")
        wanted = [predicted(model, image) for image in images]
        for normalisation, output in [
            ("inside", "probabilities"),
            ("beside", "logits"),
            ("inside", "classes"),
        ]:
            config = ExportConfig(normalisation=normalisation, output=output)
            table = class_table(
                source, loaded, config, (64, 64), fit != "crop" or output != "logits", "model.onnx"
            )
            script = export_script.use_script(table)
            session = type("Session", (_Session,), {"table": table, "original": Original(loaded, 0.5)})
            monkeypatch.setitem(sys.modules, "onnxruntime", types.SimpleNamespace(InferenceSession=session))
            for image, expected in zip(images, wanted, strict=True):
                monkeypatch.setattr(sys, "argv", ["use_model.py", str(image), str(tmp_path / "mask.png")])
                exec(compile(script, "use_model.py", "exec"), {"__file__": str(tmp_path / "use_model.py")})
                mask = cv2.imdecode(np.fromfile(tmp_path / "mask.png", np.uint8), cv2.IMREAD_UNCHANGED)
                differing = float((mask != expected).mean())
                # classes are brought back to the image's size by the nearest pixel, probabilities between pixels
                assert mask.shape == expected.shape and differing <= (
                    0.12 if output == "classes" else 2e-4
                ), (image.name, output)


def test_the_script_has_at_most_thirty_lines(tmp_path: Path) -> None:
    lengths = []
    for fit in ("stretch", "letterbox", "crop"):
        for normalise in (IMAGE, CONSTANTS):
            model = write_model(
                tmp_path / "m.safetensors", resize=fit, normalise=normalise, intensity_range=[100, 4000]
            )
            source = find_model(str(model))
            loaded = load_model(source, "cpu", "fp32")
            for format in export_config.FORMATS:
                for dynamic in (True, False):
                    config = ExportConfig(
                        format=format, normalisation="beside", output="logits", dynamic_size=dynamic
                    )
                    script = export_script.use_script(
                        class_table(source, loaded, config, (64, 64), dynamic, "model.onnx")
                    )
                    compile(script, "use_model.py", "exec")
                    assert "lathe" not in script.split('"""')[2].lower()
                    lengths.append(len(script.splitlines()))
    assert max(lengths) <= export_script.MOST_LINES


def test_the_script_needs_neither_torch_nor_lathe(
    onnx_export: tuple[RunFolder, dict[str, Any]], tmp_path: Path
) -> None:
    """In an environment made for it, with three packages from the index and nothing else."""
    own, result = onnx_export
    venv.create(tmp_path / "fresh", with_pip=False)
    python = tmp_path / "fresh" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    words = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "-q",
        "--only-binary",
        ":all:",
        "-c",
        str(CONSTRAINTS),
    ]
    try:
        done = subprocess.run([*words, "onnxruntime", "numpy", "opencv-python-headless", "pillow"],
                              capture_output=True, text=True, timeout=100, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("the package index did not answer in time")
    if done.returncode:
        pytest.skip(f"the packages cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    foreign = subprocess.run(
        [python, "-c", "import torch"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert "No module named 'torch'" in foreign.stderr
    for number in range(3, 6):
        image = own.path.parent.parent / "runs" / "Bleche β" / "images" / f"teil {number}.png"
        script = Path(result["folder"]) / "use_model.py"
        mask = tmp_path / f"mask {number}.png"
        subprocess.run([python, script, image, mask], cwd=tmp_path, check=True)
        found = cv2.imdecode(np.fromfile(mask, np.uint8), cv2.IMREAD_UNCHANGED)
        expected = predicted(own.path / "model.safetensors", image)
        assert found.shape == expected.shape and len(np.unique(expected)) > 1
        assert int((found != expected).sum()) <= 1, (
            "the same masks, but for a pixel exactly between two classes"
        )
