"""The meaning of mask values: encoding, and proposing it without guessing silently."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from src.core.dataset.config import MaskConfig
from src.core.dataset.findings import DatasetError, Finding
from src.core.dataset.mask_detection import detect_meaning
from src.core.dataset.masks import IGNORE_INDEX, MaskMeaning, MaskValueError
from src.core.dataset.weights import class_weights, foreground_prior

RAW = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("foreground", ["bright", "dark"])
@pytest.mark.parametrize("ignore", [None, 0, 200, 255])
def test_binary_is_a_comparison_and_ignoring_wins(dtype: type, foreground: str, ignore: int | None) -> None:
    meaning = MaskMeaning("binary", threshold=127, foreground=foreground, ignore_value=ignore)  # type: ignore[arg-type]
    encoded = meaning.encode(RAW.astype(dtype))
    expected = (RAW > 127) if foreground == "bright" else (RAW <= 127)
    kept = np.ones_like(RAW, bool) if ignore is None else ignore != RAW
    assert encoded.dtype == np.uint8
    assert np.array_equal(encoded[kept], expected[kept]) and (encoded[~kept] == IGNORE_INDEX).all()
    assert (meaning.num_classes, meaning.out_channels) == (2, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_index_uses_the_table_and_names_what_is_outside(dtype: type) -> None:
    meaning = MaskMeaning("index", ("a", "b", "c"), (0, 38, 75), ignore_value=9)
    raw = np.array([[0, 38, 75, 9]], dtype)
    assert meaning.encode(raw).tolist() == [[0, 1, 2, IGNORE_INDEX]]
    with pytest.raises(MaskValueError, match=r"1 \(2 px\), 7 \(1 px\)") as caught:
        meaning.encode(np.array([[0, 1, 1, 7]], dtype))
    assert caught.value.values == {1: 2, 7: 1}
    assert pickle.loads(pickle.dumps(caught.value)).values == {1: 2, 7: 1}
    assert meaning.out_channels == meaning.num_classes == 3


def test_sixteen_bit_values_above_a_byte() -> None:
    meaning = MaskMeaning("index", ("a", "b"), (0, 40_000), ignore_value=65_535)
    assert meaning.encode(np.array([[40_000, 0, 65_535]], np.uint16)).tolist() == [[1, 0, 255]]


def test_counts_agree_with_encoding() -> None:
    meaning = MaskMeaning("index", ("a", "b", "c"), (0, 1, 2), ignore_value=255)
    raw = np.random.default_rng(0).choice([0, 1, 2, 255], (30, 30)).astype(np.uint8)
    values, counts = np.unique(raw, return_counts=True)
    pixels, outside = meaning.encode_counts(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    encoded = meaning.encode(raw)
    assert pixels.tolist() == [(encoded == c).sum() for c in range(3)] and not outside


@pytest.mark.parametrize(
    "meaning",
    [
        MaskMeaning("binary", ("background", "scratch"), (), 10, "dark", 7),
        MaskMeaning("index", ("a", "b"), (3, 9), ignore_value=255),
        MaskMeaning("index", ("a", "b", "c"), (0, 1, 2)),
    ],
)
def test_meaning_survives_config_and_dict(meaning: MaskMeaning) -> None:
    assert MaskMeaning.from_dict(meaning.to_dict()) == meaning
    back = MaskMeaning.from_config(meaning.to_config())
    assert (
        back.encode(RAW if meaning.kind == "binary" else np.array([[meaning.values[0]]], np.uint8)).dtype
        == np.uint8
    )
    if meaning.kind == "index":
        meaning = MaskMeaning("index", meaning.classes, meaning.values, ignore_value=meaning.ignore_value)
    assert back == meaning


@pytest.mark.parametrize(
    "config",
    [
        MaskConfig(),
        MaskConfig(meaning="index"),
        MaskConfig(meaning="index", classes=["a", "a"]),
        MaskConfig(meaning="index", classes=["a", "b"], values=[1, 1]),
        MaskConfig(meaning="index", classes=["a", "b"], values=[1, 2, 3]),
        MaskConfig(meaning="index", classes=["a"]),
        MaskConfig(meaning="index", classes=[str(i) for i in range(255)]),
        MaskConfig(meaning="binary", classes=["a", "b", "c"]),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(config: MaskConfig) -> None:
    with pytest.raises(DatasetError) as caught:
        MaskMeaning.from_config(config)
    assert all(f.severity == "error" and f.cure for f in caught.value.findings)


def smooth_edges() -> dict[int, int]:
    return {0: 90_000, 255: 8_000, **dict.fromkeys(range(1, 255), 10)}


@pytest.mark.parametrize(
    ("counts", "kind", "threshold", "classes", "ignore"),
    [
        ({0: 900, 1: 100}, "binary", 0, 2, None),
        ({0: 900, 255: 100}, "binary", 127, 2, None),
        ({0: 900, 128: 100}, "binary", 64, 2, None),
        ({0: 900, 65535: 100}, "binary", 32767, 2, None),
        (smooth_edges(), "binary", 127, 2, None),
        ({0: 900, 1: 90, 255: 10}, "binary", 0, 2, 255),
        ({0: 500, 1: 300, 2: 200}, "index", 127, 3, None),
        (dict.fromkeys(range(12), 100), "index", 127, 12, None),
        ({**dict.fromkeys(range(5), 100), 255: 50}, "index", 127, 5, 255),
    ],
)
def test_clear_sets_are_proposed_with_a_notice(
    counts: dict[int, int], kind: str, threshold: int, classes: int, ignore: int | None
) -> None:
    meaning, findings = detect_meaning(counts, masks=10)
    assert meaning is not None and meaning.kind == kind and meaning.num_classes == classes
    assert meaning.ignore_value == ignore
    if kind == "binary":
        assert meaning.threshold == threshold
    assert [f.severity for f in findings] == ["notice"] and "data.masks.meaning" in findings[0].cure
    assert str(ignore) in findings[0].cure or ignore is None


def test_smooth_edges_say_how_much_the_threshold_matters() -> None:
    _, findings = detect_meaning(smooth_edges())
    larger = (8_000 + 254 * 10) / (8_000 + 127 * 10) - 1
    assert f"{larger:.0%} larger" in findings[0].message


def test_lossy_masks_are_binary_not_classes() -> None:
    counts = {0: 9000, 1: 100, 2: 50, 3: 20, 253: 20, 254: 80, 255: 700}
    meaning, _ = detect_meaning(counts, lossy=True)
    assert meaning is not None and (meaning.kind, meaning.threshold) == ("binary", 127)
    assert detect_meaning({0: 900, 127: 50, 255: 50})[0] is None


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ({0: 1000}, "masks.all_empty"),
        ({255: 1000}, "masks.all_empty"),
        ({0: 200, 255: 800}, "masks.polarity"),
        ({0: 400, 1: 600}, "masks.polarity"),
        ({0: 900, 127: 50, 255: 50}, "masks.unclear"),
        ({1: 500, 2: 500}, "masks.unclear"),
        ({0: 500, 7: 300, 19: 200}, "masks.unclear"),
        (dict.fromkeys(range(200), 100), "masks.unclear"),
        ({}, "masks.empty"),
    ],
)
def test_unclear_sets_are_refused_with_lines_to_write(counts: dict[int, int], code: str) -> None:
    meaning, findings = detect_meaning(counts)
    assert meaning is None
    assert [(f.severity, f.code) for f in findings] == [("error", code)]
    if code in ("masks.polarity", "masks.unclear"):
        assert "data.masks.meaning:" in findings[0].cure


def test_declared_polarity_settles_the_doubt() -> None:
    meaning, findings = detect_meaning({0: 200, 255: 800}, MaskConfig(foreground="dark"))
    assert meaning is not None and meaning.foreground == "dark" and "foreground: dark" in findings[0].cure


def test_the_lines_of_a_refusal_work() -> None:
    meaning, _ = detect_meaning({0: 500, 7: 300, 19: 200}, MaskConfig(meaning="index", values=[0, 7, 19]))
    assert meaning is not None and meaning.values == (0, 7, 19) and meaning.num_classes == 3


def test_named_classes_and_ignore_value_are_respected() -> None:
    names = ["sky", "road", "car", "tree"]
    meaning, _ = detect_meaning({0: 500, 1: 300, 3: 100, 11: 9}, MaskConfig(classes=names, ignore_value=11))
    assert meaning is not None and meaning.classes == tuple(names) and meaning.ignore_value == 11
    refused, findings = detect_meaning({0: 5, 1: 5, 9: 5}, MaskConfig(meaning="index", classes=["a", "b"]))
    assert refused is None and findings[0].code == "masks.values" and "9" in findings[0].message


@pytest.mark.parametrize("method", ["inverse", "inverse_sqrt", "median_frequency", "effective"])
def test_class_weights(method: str) -> None:
    weights = class_weights([9000, 900, 0, 100], method)  # type: ignore[arg-type]
    assert weights[2] == 0 and weights[0] < weights[1] < weights[3]
    assert weights[[0, 1, 3]].mean() == pytest.approx(1)
    assert np.allclose(class_weights([50, 50], method), 1)  # type: ignore[arg-type]
    if method == "inverse":
        assert weights[3] / weights[0] == pytest.approx(90)
    if method == "inverse_sqrt":
        assert weights[3] / weights[0] == pytest.approx(90**0.5)


def test_bad_counts_are_refused() -> None:
    for bad in ([], [0, 0], [-1, 3], [[1, 2]]):
        with pytest.raises(ValueError):
            class_weights(bad)
    with pytest.raises(ValueError, match="inverse_sqrt"):
        class_weights([1, 2], "wrong")  # type: ignore[arg-type]
    assert foreground_prior([97, 3]).tolist() == pytest.approx([0.97, 0.03])
    assert foreground_prior([10, 0])[1] > 0 and foreground_prior([0, 0]).tolist() == [0.5, 0.5]


def test_findings_survive_json() -> None:
    finding = Finding("warning", "a.b", "Something.", "Do it.", ("x", "y"))
    assert Finding.from_dict(finding.to_dict()) == finding
    assert str(finding) == "warning: Something. Do it."
    error = pickle.loads(pickle.dumps(DatasetError(Finding("error", "a", "Wrong."))))
    assert error.findings[0].message == "Wrong." and "Wrong." in str(error)
