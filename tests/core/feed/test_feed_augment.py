"""The augmentation pipeline: alignment of image and mask, ranges, padding, determinism."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from src.core.dataset.config import AugmentationConfig
from src.core.feed import colour, geometry
from src.core.feed.augment import NEUTRAL_RGB, Augmentation
from src.core.feed.geometry import Affine, View

FITS = ("stretch", "letterbox", "crop")
ONLY_GEOMETRY = {"brightness": 0, "contrast": 0, "hue": 0, "saturation": 0, "value": 0, "noise": 0, "blur": 0}


def blob(height: int, width: int, cells: int = 5, seed: int = 0) -> np.ndarray:
    """A large random shape of class 1."""
    field = np.random.default_rng(seed).standard_normal((cells, cells)).astype(np.float32)
    return (cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC) > 0).astype(np.uint8)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
@pytest.mark.parametrize("source", [(61, 97), (200, 131), (64, 64), (40, 30), (643, 515)])
def test_image_and_mask_stay_aligned(fit: str, size: tuple[int, int], source: tuple[int, int]) -> None:
    height, width = source
    mask = np.zeros(source, np.uint8)  # an ellipse and a bar: without symmetry, without thin parts
    cv2.ellipse(mask, (width // 3, height // 2), (width // 5, height // 3), 20, 0, 360, 1, -1)
    mask[height // 8 : height // 3, width // 2 : width - width // 8] = 1
    image = np.dstack([mask * 255] * 3)
    change = Augmentation(size, fit=fit, probability=0.6, seed=3, **ONLY_GEOMETRY)
    for _ in range(12):
        out = change(image=image, mask=mask)
        assert out["image"].shape == (*size, 3) and out["mask"].shape == size
        counted = out["mask"] != 255
        assert counted.any()
        wrong = (out["image"][..., 0] > 127) != (out["mask"] == 1)
        # the half-way value of an interpolated edge may fall on either side, a displacement may not
        edge = (
            cv2.morphologyEx(np.where(counted, out["mask"], 0), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
            > 0
        )
        assert not (wrong & counted & ~edge).any()
        assert (wrong & counted).sum() <= 0.5 * max(edge.sum(), 1)


def test_shrinking_does_not_displace_the_image() -> None:
    """The centre of mass is that of the source: to 1/20 pixel, in the mask to half a pixel of the source."""
    for side in (97, 128, 200, 300, 511):
        mask = np.zeros((side, side), np.uint8)
        cv2.circle(mask, (int(side * 0.4), int(side * 0.6)), side // 4, 1, -1)
        for view in (View(), View(affine=Affine(scale=1.0001))):
            image, out = geometry.render(mask * 255, mask, (64, 64), "stretch", view, (0,), 255)
            assert out is not None
            true, ours, masks = (
                np.average(np.indices(a.shape).reshape(2, -1) + 0.5, axis=1, weights=a.ravel())
                / a.shape[0]
                * 64
                for a in (mask, image, out)
            )
            assert np.abs(ours - true).max() < 0.05, (side, view)
            assert np.abs(masks - true).max() <= 0.5 * 64 / side + 0.05, (side, view)


def test_turns_and_flips_are_exact() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for turns in range(4):
        out, _ = geometry.render(image, None, (32, 32), "stretch", View(turns, True, False), (0,), 255)
        assert np.array_equal(out, np.rot90(image, turns)[:, ::-1])


@pytest.mark.parametrize("turns", range(4))
def test_the_matrix_says_the_same_as_the_exact_path(turns: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 40), dtype=np.uint8)
    exact, _ = geometry.render(image, None, (40, 40), "stretch", View(turns, False, True), (0,), 255)
    warped, _ = geometry.render(
        image, None, (40, 40), "stretch", View(turns, False, True, Affine()), (0,), 255
    )
    assert np.abs(exact.astype(int) - warped).max() <= 1


def test_affine_directions() -> None:
    image = np.zeros((101, 101), np.uint8)
    image[48:53, 68:73] = 255  # 20 pixels right of the centre

    def centre(change: Affine) -> tuple[float, float]:
        out, _ = geometry.render(image, None, (101, 101), "stretch", View(affine=change), (0,), 255)
        rows, columns = np.nonzero(out > 127)
        return float(rows.mean()), float(columns.mean())

    assert centre(Affine(angle=90)) == pytest.approx((30, 50), abs=0.6)  # counter-clockwise: to the top
    assert centre(Affine(scale=1.5)) == pytest.approx((50, 80), abs=0.6)
    assert centre(Affine(shift_x=-0.2, shift_y=0.1)) == pytest.approx((60.1, 49.8), abs=0.6)


def test_shrinking_averages() -> None:
    """A fine chequered pattern becomes grey; sampling every tenth pixel would give black or white."""
    pattern = (np.indices((640, 640)).sum(0) % 2 * 255).astype(np.uint8)
    for view in (View(), View(affine=Affine(angle=10))):
        out, _ = geometry.render(pattern, None, (64, 64), "stretch", view, (0,), 255)
        assert out.min() > 100 and out.max() < 155


def test_letterbox_pads_with_grey_and_ignores() -> None:
    image, mask = np.full((50, 100, 3), 255, np.uint8), np.ones((50, 100), np.uint8)
    image[0, 0] = (255, 0, 0)
    out = Augmentation.only_fit(64, "letterbox")(image=image, mask=mask)
    assert (
        (out["mask"][:16] == 255).all()
        and (out["mask"][48:] == 255).all()
        and (out["mask"][16:48] == 1).all()
    )
    assert (out["image"][:16] == np.array(NEUTRAL_RGB, np.uint8)).all()


def test_rotation_without_bars_reflects_and_ignores_nothing() -> None:
    change = Augmentation(64, fit="letterbox", probability=1, seed=1)
    out = change(image=np.full((64, 64, 3), 200, np.uint8), mask=blob(64, 64))
    assert set(np.unique(out["mask"])) == {0, 1}


def test_crop_windows_come_from_everywhere_and_at_full_resolution() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120), dtype=np.uint8)
    change = Augmentation(32, fit="crop", probability=0, seed=0)
    seen = set()
    for _ in range(200):
        out = change(image=image)["image"]
        top, left = next(
            (y, x) for y in range(59) for x in range(89) if np.array_equal(image[y : y + 32, x : x + 32], out)
        )
        seen.add((top // 20, left // 30))
    assert seen == {(y, x) for y in range(3) for x in range(3)}


def test_crop_pads_small_images() -> None:
    out = Augmentation.only_fit(64, "crop")(
        image=np.full((40, 100, 3), 9, np.uint8), mask=np.zeros((40, 100), np.uint8)
    )
    assert (out["mask"] == 255).sum() == 24 * 64 and (out["mask"][12:52] == 0).all()


@pytest.mark.parametrize(
    ("source", "size"), [((100, 130), (32, 48)), ((32, 48), (32, 48)), ((20, 200), (32, 48))]
)
def test_tiles_show_each_pixel_once(source: tuple[int, int], size: tuple[int, int]) -> None:
    seen = np.zeros(source, int)
    for window in geometry.tiles(source, size):
        rows, columns = geometry.overlap(window, source, size)
        seen[window[0] + rows : window[0] + size[0], window[1] + columns : window[1] + size[1]] += 1
    assert (seen == 1).all()


def test_each_operation_has_the_overall_probability() -> None:
    image = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
    off = {"flips": False, "quarter_turns": False, "shift": 0, "scale": 0, "rotate": 0, **ONLY_GEOMETRY}
    for name, value in {"brightness": 0.2, "hue": 10, "noise": 4.5, "blur": 3, "rotate": 45}.items():
        change = Augmentation(64, fit="stretch", probability=0.3, seed=5, **{**off, name: value})
        changed = sum(not np.array_equal(change(image=image)["image"], image) for _ in range(300))
        assert 60 <= changed <= 120, name
    still = Augmentation(64, fit="stretch", probability=0, seed=5)
    assert np.array_equal(still(image=image)["image"], image)


def test_strengths_are_those_of_albumentations() -> None:
    """Brightness and contrast as ``image * (1 + c) + 255 * b``; HSV shifts as its HueSaturationValue."""
    ramp = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    expected = np.clip(np.rint(ramp * 1.2 - 0.1 * 255), 0, 255)
    assert np.abs(colour.tone(ramp, -0.1, 0.2).astype(int) - expected).max() <= 1
    image = cv2.resize(np.random.default_rng(2).integers(0, 256, (9, 9, 3), dtype=np.uint8), (64, 64))
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV).astype(int)
    hsv = np.dstack(
        [(hsv[..., 0] + 10) % 180, np.clip(hsv[..., 1] - 15, 0, 255), np.clip(hsv[..., 2] + 20, 0, 255)]
    )
    theirs = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
    ours = colour.hue_saturation_value(image, 10, -15, 20)
    assert (
        np.abs(ours.astype(int) - theirs).mean() < 2
        and np.percentile(np.abs(ours.astype(int) - theirs), 99) <= 8
    )


def test_noise_is_gaussian_with_the_asked_deviation() -> None:
    image = np.full((256, 256, 3), 128, np.uint8)
    for sigma in (2.0, 4.5, 12.0):
        noise = colour.gaussian_noise(image, sigma, 0.37, negate=False).astype(float) - 128
        assert noise.std() == pytest.approx(math.hypot(sigma, 12**-0.5), rel=0.02)
        assert abs(noise.mean()) < 0.05 and abs((noise / noise.std()) ** 4).mean() == pytest.approx(
            3, abs=0.15
        )
    other = colour.gaussian_noise(image, 4.5, 0.9, negate=True).astype(float) - 128
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.02
    large = colour.gaussian_noise(np.full((1200, 1200, 3), 128, np.uint8), 4.5, 0.5, negate=False)
    assert large.std() == pytest.approx(4.5, rel=0.03)


def test_grey_photographs_stay_grey() -> None:
    plane = np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8)
    change = Augmentation(64, fit="letterbox", probability=1, seed=0)
    out = change(image=np.dstack([plane] * 3))["image"]
    assert (
        out.shape == (64, 64, 3) and (out[..., 0] == out[..., 1]).all() and (out[..., 1] == out[..., 2]).all()
    )
    alone = change(image=plane[..., None], rng=np.random.default_rng(7))["image"]
    triple = change(image=np.dstack([plane] * 3), rng=np.random.default_rng(7))["image"]
    assert np.array_equal(alone[..., 0], triple[..., 0])


def test_options_of_one_operation_do_not_change_the_others() -> None:
    image, mask = np.dstack([blob(64, 64) * 200] * 3), blob(64, 64)
    image[..., 1] //= 2
    masks = [
        Augmentation(64, **options)(image=image, mask=mask, rng=np.random.default_rng(11))["mask"]
        for options in ({}, {"noise": 0}, {"hue": 0, "blur": 0})
    ]
    assert np.array_equal(masks[0], masks[1]) and np.array_equal(masks[0], masks[2])


def test_same_seed_same_bytes_and_config() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    config = AugmentationConfig(probability=0.7, rotate=10)
    one, two = (Augmentation.from_config(config, 64, "letterbox", seed=4) for _ in range(2))
    assert one.options == config
    for _ in range(5):
        assert np.array_equal(one(image=image)["image"], two(image=image)["image"])


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int32, np.int64, np.uint16, np.float32])
def test_masks_keep_their_type(kind: type) -> None:
    mask = blob(50, 60).astype(kind)
    out = Augmentation(32, fit="stretch", probability=1)(image=np.zeros((50, 60, 3), np.uint8), mask=mask)[
        "mask"
    ]
    assert out.dtype == kind and set(np.unique(out)) <= {0, 1}


def test_refusals_are_sentences() -> None:
    change = Augmentation(32)
    with pytest.raises(ValueError, match="uint8 images"):
        change(image=np.zeros((5, 5, 3), np.float32))
    with pytest.raises(ValueError, match="differ in size: 50×40 and 50×41"):
        change(image=np.zeros((40, 50, 3), np.uint8), mask=np.zeros((41, 50), np.uint8))
    with pytest.raises(ValueError, match="no fit called 'squash'"):
        Augmentation(32, fit="squash")
    with pytest.raises(ValueError, match="image size"):
        Augmentation((32, 0))
    with pytest.raises(ValueError, match="probability"):
        Augmentation(32, probability=1.5)


@pytest.mark.parametrize("source", [(90, 120), (40, 200), (33, 32), (20, 500)])
@pytest.mark.parametrize("size", [(32, 32), (24, 48)])
def test_the_part_that_a_crop_needs_gives_what_the_whole_gives(
    source: tuple[int, int], size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (*source, 3), dtype=np.uint8)
    mask = rng.integers(0, 3, source, dtype=np.uint8)
    change = Augmentation(size, fit="crop", probability=0.7, scale=0.5)
    for seed in range(60):
        drawn = change.draw(source, np.random.default_rng(seed))
        region = change.region(drawn)
        assert region is not None
        top, left, height, width = region
        assert min(top, left) >= 0 and top + height <= source[0] and left + width <= source[1]
        rows, columns = slice(top, top + height), slice(left, left + width)
        part = change.apply(drawn, image[rows, columns], mask[rows, columns], region)
        whole = change.apply(drawn, image, mask)
        assert (part["mask"] != whole["mask"]).mean() < 0.003, seed
        # a pixel coordinate of a few hundred has fewer bits left for its fraction than one of a few
        apart = np.abs(part["image"].astype(int) - whole["image"])
        assert apart.max() <= 4 and (apart > 0).mean() < 0.01, seed


def test_a_crop_shows_the_pixel_that_it_is_to_show() -> None:
    mask = np.zeros((300, 400), np.uint8)
    change = Augmentation(64, fit="crop", probability=0.5, seed=2)
    for row, column in [(150, 10), (20, 380), (140, 200), (270, 100)]:
        mask[:] = 0
        mask[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3] = 1
        seen, spots = 0, set()
        for seed in range(40):
            drawn = change.draw((300, 400), np.random.default_rng(seed), focus=(row, column))
            out = change.apply(drawn, np.zeros((300, 400, 3), np.uint8), mask)["mask"]
            seen += bool((out == 1).any())
            spots.add(drawn.window)
        assert seen >= 38 and len(spots) > 30, (row, column, seen)


def test_a_grey_picture_is_changed_alike_with_one_channel_or_three() -> None:
    plane = blob(90, 120) * 200
    for fit in FITS:
        change = Augmentation(48, fit=fit, probability=0.8)  # type: ignore[arg-type]
        for seed in range(10):
            one = change(image=plane[..., None], rng=np.random.default_rng(seed))["image"]
            three = change(image=np.dstack([plane] * 3), rng=np.random.default_rng(seed))["image"]
            assert np.array_equal(np.dstack([one] * 3), three)
