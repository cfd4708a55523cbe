from __future__ import annotations

import io

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.images.image_files import PNG_SIGNATURE
from synrender.images.label_codes import (
    CODES,
    FLOW_ZERO,
    find_flow_step,
    numbers_to_png,
    png_to_numbers,
)
from synrender.images.png import check_whole, decode_png, encode_png

SIDE_PX = 40
RNG = np.random.default_rng(0)


def there_and_back(field: str, values: np.ndarray, side_px: int = SIDE_PX) -> np.ndarray:
    code = CODES[field]
    numbers = code.encode(values, side_px)
    assert numbers.dtype == code.dtype
    stored = png_to_numbers(numbers_to_png(numbers), code, numbers.shape)
    np.testing.assert_array_equal(stored, numbers)
    decoded = code.decode(stored, side_px)
    assert decoded.dtype == values.dtype
    assert decoded.shape == values.shape
    return decoded


def random(channels: int) -> np.ndarray:
    return RNG.uniform(0, 1, (SIDE_PX, SIDE_PX, channels)).astype(np.float32)


def test_normals_keep_their_direction_to_a_few_thousandths_of_a_degree() -> None:
    normals = random(3) * 2 - 1
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    normals[0, 0], normals[0, 1], normals[0, 2] = 0, (0, 0, -1), (1, 0, 0)
    found = there_and_back("normal", normals)
    np.testing.assert_array_equal(found[0, :3], normals[0, :3])
    error = np.degrees(np.linalg.norm(np.cross(found, normals), axis=2))
    assert error.max() < 0.002
    assert np.abs(found - normals).max() <= 0.51 / 32767


@pytest.mark.parametrize("field", ["albedo", "object_coordinates"])
def test_shares_keep_half_a_step(field: str) -> None:
    values = random(3)
    values[0, 0], values[0, 1] = 0, 1
    found = there_and_back(field, values)
    np.testing.assert_array_equal(found[0, :2], values[0, :2])
    assert np.abs(found - values).max() < 0.51 / 65535


def test_what_is_not_black_stays_so() -> None:
    albedo = np.array([[(0, 1e-9, 1e-7), (1, 0.5, 2)]], np.float32)
    found = there_and_back("albedo", albedo)
    np.testing.assert_array_equal(found > 0, albedo > 0)
    assert np.abs(found - np.minimum(albedo, 1)).max() <= 1 / 65535


def test_shading_keeps_its_size_to_a_two_thousandth() -> None:
    values = 10 ** (random(3) * 6 - 3)
    values[0, 0], values[0, 1] = 0, 1e9
    found = there_and_back("shading", values)
    assert (found[0, 0] == 0).all()
    assert (found[0, 1] == 65504).all()
    assert np.abs(found[1:] / values[1:] - 1).max() < 1 / 2048


@pytest.mark.parametrize("side_px", [16, 100, 128, 1024, 2048])
def test_flow_keeps_half_a_step_which_is_below_a_tenth_of_a_pixel(side_px: int) -> None:
    flow = (random(2) * 4 - 2) * side_px * 0.99
    flow[0, 0], flow[0, 1], flow[0, 2], flow[0, 3] = 0, np.nan, (2, np.nan), (1e6, 0)
    found = there_and_back("flow", flow, side_px)
    assert (found[0, 0] == 0).all()
    assert np.isnan(found[0, 1:4]).all()
    step = find_flow_step(side_px)
    assert step / 2 < 0.1
    assert np.abs(found - flow)[1:].max() <= step / 2
    assert CODES["flow"].encode(np.zeros((1, 1, 2), np.float32), side_px).max() == FLOW_ZERO


@pytest.mark.parametrize("shape", [(SIDE_PX, SIDE_PX), (3, SIDE_PX, SIDE_PX)])
def test_masks_lose_nothing(shape: tuple[int, ...]) -> None:
    masks = RNG.random(shape) < 0.5
    field = "amodal" if len(shape) == 3 else "occlusion"
    np.testing.assert_array_equal(there_and_back(field, masks), masks)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_other_programs_read_our_pngs(dtype: type, shape: tuple[int, ...]) -> None:
    image = RNG.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    png = encode_png(image)
    np.testing.assert_array_equal(decode_png(png, shape, dtype), image)
    is_cut = dtype == np.uint16 and len(shape) == 3  # Pillow drops the lower bits
    np.testing.assert_array_equal(iio.imread(io.BytesIO(png)), image >> 8 if is_cut else image)


def test_a_damaged_png_is_an_error() -> None:
    shape = (SIDE_PX, SIDE_PX, 3)
    png = numbers_to_png(CODES["normal"].encode(random(3), SIDE_PX))
    with pytest.raises(ValueError, match="no PNG of 40 x 40 px, gray of 8 bits"):
        png_to_numbers(png, CODES["occlusion"], shape[:2])
    with pytest.raises(ValueError, match="no PNG of 40 x 41 px"):
        png_to_numbers(png, CODES["normal"], (SIDE_PX + 1, SIDE_PX, 3))
    with pytest.raises(ValueError):  # noqa: PT011
        png_to_numbers(png[:100], CODES["normal"], shape)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_no_flipped_bit_of_a_header_reaches_the_decoder(
    dtype: type, shape: tuple[int, ...], capfd: pytest.CaptureFixture
) -> None:
    """It panics, which no `except Exception` sees, and prints that; or takes gigabytes."""
    png = encode_png(np.zeros(shape, dtype))
    for bit in range(8 * len(PNG_SIGNATURE), 8 * 33):  # with the checksum
        damaged = bytearray(png)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError) as error:  # noqa: PT011
            decode_png(bytes(damaged), shape, dtype)
        assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_a_whole_png_has_the_size_that_it_should_have_and_no_damage() -> None:
    png = encode_png(np.zeros((5, 7, 3), np.uint8))
    assert check_whole(png, (5, 7, 3), np.uint8) == png
    for damaged, shape in ((png, (7, 5, 3)), (png[:-1], (5, 7, 3)), (png[:-20], (5, 7, 3))):
        with pytest.raises(ValueError, match=r"no PNG of|truncated"):
            check_whole(damaged, shape, np.uint8)
