"""Procedural textures of the demo set, in the layout of DTD (the Describable Textures Dataset)."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from synrender.images.png import encode_png

NUM_TEXTURES_PER_KIND = 6
SIZES = ((240, 320), (320, 240), (200, 300), (64, 64))  # (height, width), for one of each kind
USUAL_SIZE = (256, 256)
SEED = 7140
TABLE = 64  # random values per cell repeat after this many cells; a power of two
LUMA = np.array([0.299, 0.587, 0.114])

Size = tuple[int, int]
"""Height and width, px."""

Coordinates = tuple[np.ndarray, np.ndarray]
"""u and v of each pixel, (H, W) in periods."""

Texture = Callable[[np.random.Generator, int, int], np.ndarray]


def write_textures(dtd_dir: Path) -> None:
    """Write images/<kind>/<kind>_0001.png ... and labels/labels_joint_anno.txt."""
    lines = []
    for kind_number, kind in enumerate(KINDS):
        folder = dtd_dir / "images" / kind
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(NUM_TEXTURES_PER_KIND):
            name = f"{kind}_{number + 1:04d}.png"
            (folder / name).write_bytes(encode_png(make_texture(kind_number, number)))
            lines.append(f"{kind}/{name} {kind}\n")
    labels = dtd_dir / "labels" / "labels_joint_anno.txt"
    labels.parent.mkdir(parents=True, exist_ok=True)
    labels.write_bytes("".join(sorted(lines)).encode("ascii"))


def make_texture(kind_number: int, number: int) -> np.ndarray:
    """Texture `number` of a kind, both from 0 -> (H, W, 3) uint8 sRGB."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([SEED, kind_number, number])))
    is_usual = number != (kind_number + 2) % NUM_TEXTURES_PER_KIND
    height, width = USUAL_SIZE if is_usual else SIZES[kind_number % len(SIZES)]
    image = list(KINDS.values())[kind_number](rng, height, width)
    return (image * 255.0 + 0.5).astype(np.uint8)


# Shared tools: numbers and noise


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A uniform number in [low, high)."""
    return low + (high - low) * float(rng.random())


def period_of(rng: np.random.Generator, width: int, most: float, least: float = 12.0) -> float:
    """A random period in pixels: it fits into the width between least and most times."""
    return max(width / between(rng, least, most), 6.5)


def stretch_rows(grid: np.ndarray, length: int, period: float, phase: float) -> np.ndarray:
    """(M, N) -> (length, N): rows a period apart, smoothly interpolated."""
    position = np.arange(length) / period + phase
    index = position.astype(np.int64)
    part = position - index
    part = (part * part * (3.0 - 2.0 * part))[:, None]
    return grid[index] * (1.0 - part) + grid[index + 1] * part


def noise(
    rng: np.random.Generator, height: int, width: int, period: float, across: float | None = None
) -> np.ndarray:
    """Value noise (H, W) in -1..1; period in pixels, `across` is the period along x."""
    across = across or period
    grid = rng.random((int(height / period) + 3, int(width / across) + 3)) * 2.0 - 1.0
    wide = stretch_rows(grid.T, width, across, float(rng.random())).T
    return stretch_rows(np.ascontiguousarray(wide), height, period, float(rng.random()))


def fractal(
    rng: np.random.Generator, height: int, width: int, period: float, octaves: int = 4
) -> np.ndarray:
    """Sum of octaves of value noise (H, W), about -1..1."""
    total = np.zeros((height, width))
    for octave in range(octaves):
        total += noise(rng, height, width, max(period * 0.5**octave, 1.7)) * 0.5 ** (octave + 1)
    return total * 1.3


def plane(
    rng: np.random.Generator, size: Size, period: float, warp: float, tilt: float = 1.0
) -> Coordinates:
    """Rotated and warped coordinates u, v (H, W) in periods; tilt 1: by up to 90 degrees."""
    height, width = size
    y, x = np.arange(height)[:, None] + 0.0, np.arange(width)[None, :] + 0.0
    bend = warp * period
    x = x + bend * noise(rng, height, width, 5.0 * period)
    y = y + bend * noise(rng, height, width, 5.0 * period)
    angle = tilt * between(rng, -0.5, 0.5) * np.pi
    cos, sin = np.cos(angle) / period, np.sin(angle) / period
    return cos * x + sin * y + 9.0 * rng.random(), cos * y - sin * x + 9.0 * rng.random()


def rise(value: np.ndarray, width: float) -> np.ndarray:
    """A smooth step from 0 to 1 of this width, centerd where the value is 0."""
    part = np.clip(value / width + 0.5, 0.0, 1.0)
    return part * part * (3.0 - 2.0 * part)


def per_cell(rng: np.random.Generator, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """A uniform random number 0..1 for each cell, given by floored coordinates."""
    rows, columns = j.astype(np.int64) % TABLE, i.astype(np.int64) % TABLE
    return rng.random(TABLE * TABLE)[rows * TABLE + columns]


def cells(
    rng: np.random.Generator,
    coordinates: Coordinates,
    jitter: float,
    stagger: float = 0.0,
    row_height: float = 1.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Voronoi cells of a jittered grid: x, y from the nearest center, margin, traits (3, ...).

    margin: how much farther the second nearest center is. traits: random values 0..1 of the cell.
    """
    centers = 0.5 + jitter * (rng.random((2, TABLE * TABLE)) - 0.5)
    traits = rng.random((3, TABLE * TABLE))
    u, v = coordinates[0], coordinates[1] / row_height
    row = np.floor(v).astype(np.int64)
    best, second = np.full(u.shape, np.inf), np.full(u.shape, np.inf)
    x, y, cell = np.zeros(u.shape), np.zeros(u.shape), np.zeros(u.shape, np.int64)
    for j in (row - 1, row, row + 1):
        along = u - stagger * (j & 1)
        column = np.floor(along).astype(np.int64)
        for i in (column - 1, column, column + 1):
            key = (j & (TABLE - 1)) * TABLE + (i & (TABLE - 1))
            new_x, new_y = along - i - centers[0][key], (v - j - centers[1][key]) * row_height
            distance = new_x * new_x + new_y * new_y
            nearer = distance < best
            second = np.where(nearer, best, np.minimum(second, distance))
            for old, new in ((best, distance), (x, new_x), (y, new_y), (cell, key)):
                np.copyto(old, new, where=nearer)
    return x, y, np.sqrt(second) - np.sqrt(best), traits[:, cell]


def cloth(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Brightness of crossing threads (H, W, 1), about 1."""
    weft, warp = noise(rng, height, width, 1.7, 5.0), noise(rng, height, width, 5.0, 1.7)
    return (1.0 + 0.1 * (weft + warp))[..., None]


# Shared tools: color and light


def palette(rng: np.random.Generator, count: int) -> np.ndarray:
    """Colors (count, 3) from light to dark or back, with related hues and different lumas."""
    low = between(rng, 0.1, 0.45)
    luma = np.linspace(low, between(rng, low + 0.32, 0.93), count)
    if rng.random() < 0.5:
        luma = luma[::-1]
    is_warm, spread = rng.random() < 0.45, (0.02, 0.07, 0.2)[int(3 * rng.random())]
    base = between(rng, -0.04, 0.15) if is_warm else float(rng.random())
    opposite = 0.5 * (rng.random() < 0.35)
    saturation = (0.2, 0.5, 0.8)[int(3 * rng.random())]
    colors = []
    for number, target in enumerate(luma):
        hue = base + spread * between(rng, -1.0, 1.0) + opposite * (number % 2)
        colors.append(colored(hue, saturation * between(rng, 0.6, 1.1), float(target)))
    return np.array(colors)


def colored(hue: float, saturation: float, luma: float) -> np.ndarray:
    """Color (3,) of a hue (0 to 1) with this luma: the pure hue, mixed with black or white."""
    pure = np.array(colorsys.hsv_to_rgb(hue % 1.0, min(saturation, 1.0), 1.0))
    brightest = float(pure @ LUMA)
    if luma <= brightest:
        return pure * (luma / brightest)
    return pure + (1.0 - pure) * (luma - brightest) / (1.0 - brightest + 1e-6)


def mix(first: np.ndarray, second: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Colors (3,) or (H, W, 3), blended by part (H, W) in 0..1 -> (H, W, 3)."""
    return first + (second - first) * part[..., None]


def ramp(value: np.ndarray, stops: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """(H, W) -> (H, W, 3): interpolates linearly between the colors (N, 3) of the stops (N,)."""
    return np.stack([np.interp(value, stops, channel) for channel in colors.T], axis=-1)


def photograph(
    rng: np.random.Generator,
    color: np.ndarray,
    relief: np.ndarray | None = None,
    depth: float = 1.0,
    grain: float = 1.0,
) -> np.ndarray:
    """Add light, relief (H, W) in pixels, mottling and grain to colors (H, W, 3) -> 0..1."""
    height, width, _ = color.shape
    light = 1.0 + 0.14 * noise(rng, height, width, width / 1.7)
    light += 0.13 * fractal(rng, height, width, width / 9.0)
    if relief is not None:
        angle = between(rng, 0.0, 2.0 * np.pi)
        down, right = np.gradient(relief)
        slope = depth * (np.cos(angle) * right + np.sin(angle) * down)
        light += 0.5 * slope / np.sqrt(1.0 + slope * slope)
    speckle = 0.035 * noise(rng, height, width, 2.2) + 0.014 * rng.standard_normal((height, width))
    tint = np.stack([noise(rng, height, width, width / 6.0) for _ in range(3)], axis=-1)
    image = color * light[..., None] + 0.025 * tint + (grain * speckle)[..., None]
    return np.clip(image, 0.0, 1.0)


# The kinds of texture: each (rng, height, width) -> (H, W, 3) in 0..1


def banded(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Layers of uneven width and many colors, like agate or sandstone."""
    period = period_of(rng, width, 18.0)
    v = plane(rng, (height, width), period, 0.9)[1] + 0.12 * fractal(
        rng, height, width, 2.0 * period
    )
    edges = np.cumsum(0.25 + 0.9 * rng.random(160)) - 40.0
    stops = np.stack([edges[:-1] + 0.08, edges[1:] - 0.08], axis=1).ravel()
    chosen = (6 * rng.random(159)).astype(np.int64)
    color = ramp(v, stops, palette(rng, 6)[np.repeat(chosen, 2)])
    layers = np.interp(v, np.arange(600) * 0.13 - 30.0, rng.random(600))
    return photograph(rng, color * (0.84 + 0.32 * layers)[..., None], grain=1.2)


def bubbly(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Foam: rings with a highlight, in three sizes over one another."""
    period = 1.5 * period_of(rng, width, 16.0)
    colors = palette(rng, 3)
    shine = 0.75 + 0.25 * colors.max(axis=0)
    color = mix(colors[0], colors[1], rise(noise(rng, height, width, period), 2.0))
    for size in (0.5, 0.72, 1.0):
        u, v = plane(rng, (height, width), period * size, 0.1)
        x, y, _, traits = cells(rng, (u, v), 0.6)
        radius = 0.24 + 0.26 * traits[0]
        part = np.hypot(x, y) / radius
        soft = 2.0 / (period * size * 0.35)
        inside = rise(1.0 - part, soft) * (traits[1] < 0.8)
        body = mix(colors[1], colors[2], np.clip(part, 0.0, 1.0) ** 3)
        color = mix(color, body, 0.75 * inside)
        color = mix(color, 0.4 * colors[0], 0.7 * inside * rise(part - 0.92, 0.2))
        glint = np.hypot(x / radius + 0.35, y / radius + 0.4)
        color = mix(color, shine, 0.9 * inside * rise(0.26 - glint, 0.25))
    return photograph(rng, color)


def chequered(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Squares of two colors, either a board or a gingham cloth of three tones."""
    period = period_of(rng, width, 20.0)
    u, v = plane(rng, (height, width), period, 0.22, tilt=0.5)
    wave_u, wave_v = (np.clip(np.sin(np.pi * t) * period / 4.0, -1.0, 1.0) for t in (u, v))
    first, second = palette(rng, 2)
    shades = 0.85 + 0.3 * per_cell(rng, np.floor(u), np.floor(v))
    if rng.random() < 0.4:
        color = mix(first, second, 0.5 + 0.25 * (wave_u + wave_v))
        threads = 0.5 * np.sin(np.pi * width / 80.0 * (u + v)) * (wave_u * wave_v < 0.0)
        return photograph(rng, color * (1.0 + 0.3 * threads)[..., None])
    color = mix(first, second, 0.5 + 0.5 * wave_u * wave_v) * shades[..., None]
    return photograph(rng, color, 2.0 * np.abs(wave_u * wave_v))


def cracked(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Dry ground or old glaze: plates with dark jagged gaps and finer cracks in them."""
    period = 1.25 * period_of(rng, width, 17.0)
    u, v = plane(rng, (height, width), period, 0.4)
    u = u + 0.22 * fractal(rng, height, width, 0.7 * period, 3)
    v = v + 0.22 * fractal(rng, height, width, 0.7 * period, 3)
    _, _, margin, traits = cells(rng, (u, v), 0.95)
    _, _, fine, _ = cells(rng, (2.3 * u, 2.3 * v), 0.95)
    first, second = palette(rng, 2)
    if first @ LUMA < second @ LUMA:
        first, second = second, first
    color = mix(first, 0.6 * first + 0.4 * second, traits[0])
    gap = 0.12 + 0.07 * noise(rng, height, width, 3.0 * period)
    color = mix(color, second, 0.4 * (1.0 - rise(fine - 0.08, 0.12)))
    color = mix(color, 0.55 * second, 1.0 - rise(margin - gap, 0.12))
    relief = 3.0 * np.sqrt(np.clip(margin, 0.0, 0.5)) + 1.2 * fractal(rng, height, width, 9.0)
    return photograph(rng, color, relief, 0.9, grain=1.3)


def grid(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Straight lines both ways over glazed tiles, or a wire net over a dark ground."""
    period = period_of(rng, width, 18.0)
    u, v = plane(rng, (height, width), period, 0.12, tilt=0.35)
    thickness = between(rng, 0.09, 0.16)
    near = np.minimum(np.abs(u - np.rint(u)), np.abs(v - np.rint(v)))
    line = rise(thickness - near, 1.6 / period)
    ground, other, wire = palette(rng, 3)
    color = mix(ground, other, per_cell(rng, np.rint(u - 0.5), np.rint(v - 0.5)) ** 2)
    color = mix(color, wire, line)
    shadow = rise(0.2 - np.abs(near - thickness - 0.1), 0.3)
    color = color * (1.0 - 0.3 * shadow * (1.0 - line))[..., None]
    return photograph(rng, color, 2.5 * line * np.cos(2.0 * near / thickness))


def honeycombed(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Six-sided holes, darker on one side, with bright walls."""
    period = period_of(rng, width, 17.0)
    u, v = plane(rng, (height, width), period, 0.3)
    x, y, margin, traits = cells(rng, (u, v), 0.13, stagger=0.5, row_height=0.75**0.5)
    dark, middle, bright = sorted(palette(rng, 3), key=lambda color: float(color @ LUMA))
    angle = between(rng, 0.0, 2.0 * np.pi)
    side = 0.5 + 0.9 * (np.cos(angle) * x + np.sin(angle) * y)
    hole = mix(0.6 * dark, middle, np.clip(side * (0.5 + 0.7 * traits[0]), 0.0, 1.0))
    wall = rise(0.22 - margin, 0.22)
    return photograph(rng, mix(hole, bright, wall), 2.0 * wall)


def knitted(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Columns of v-shaped stitches, the color changing with the row and the stitch."""
    period = 1.15 * period_of(rng, width, 17.0)
    u, v = plane(rng, (height, width), period, 0.25, tilt=0.3)
    half = np.abs(u - np.floor(u) - 0.5)
    along = 1.4 * v + 1.3 * half
    stitch = along - np.floor(along)
    bump = np.sqrt(np.sin(np.pi * stitch) * np.clip(np.sin(2.0 * np.pi * half), 0.0, 1.0))
    colors = palette(rng, 3)
    ring = per_cell(rng, np.zeros_like(u), np.floor(along))
    patch = per_cell(rng, np.floor(u), np.floor(along))
    color = mix(colors[0], colors[1], (ring < 0.35) * 1.0)
    color = mix(color, colors[2], ((ring > 0.7) & (patch < 0.5)) * 1.0)
    strands = 0.08 * np.sin(2.0 * np.pi * (3.0 * stitch + 2.0 * half))
    color = color * (0.3 + 0.85 * bump + strands + 0.1 * patch)[..., None]
    return photograph(rng, color, 2.0 * bump, grain=1.5)


def marbled(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Clouds of color, folded by strong turbulence, with thin branching lines."""
    period = period_of(rng, width, 16.0)
    u, v = plane(rng, (height, width), period, 1.0)
    fold = fractal(rng, height, width, 3.5 * period, 5)
    swirl = np.sin(1.5 * u + 6.0 * fold + 2.0 * np.sin(0.9 * v + 5.0 * fold))
    color = ramp(swirl + 0.5 * fold, np.linspace(-1.2, 1.2, 4), palette(rng, 4))
    accent = palette(rng, 2)[1]
    for size in (3.0, 5.0):
        ridge = np.abs(fractal(rng, height, width, size * period, 5) + 0.2 * fold)
        color = mix(color, accent, 0.75 * (1.0 - rise(ridge - 0.02, 0.06)))
    return photograph(rng, color, grain=0.8)


def paisley(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Bent drops with rings in them, turned at random on a dotted cloth."""
    period = 2.0 * period_of(rng, width, 15.0)
    u, v = plane(rng, (height, width), period, 0.12)
    x, y, _, traits = cells(rng, (u, v), 0.12, stagger=0.5)
    angle = 0.7 * (traits[0] - 0.5) + np.pi * (traits[1] < 0.5)
    p, q = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    part = np.clip(0.5 + q / 0.98, 0.0, 1.0)
    inner = 0.98 * np.sqrt(part) * (1.0 - part) - np.abs(p - 0.9 * part**2 * (part - 0.35) + 0.05)
    ground, dots, outline, body, core = palette(rng, 5)[[0, 2, 4, 1, 3]]
    _, _, margin, _ = cells(rng, (3.2 * u, 3.2 * v), 0.3)
    color = mix(ground, dots, rise(margin - 0.62, 0.2))
    soft = 1.6 / period
    for level, paint in ((0.0, outline), (0.06, body), (0.14, outline), (0.19, core), (0.29, dots)):
        color = mix(color, paint, rise(inner - level, soft))
    return photograph(rng, color * cloth(rng, height, width))


def polka_dotted(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Even rows of round dots of one or three colors on cloth."""
    period = period_of(rng, width, 18.0)
    u, v = plane(rng, (height, width), period, 0.3)
    x, y, _, traits = cells(rng, (u, v), 0.08, stagger=0.5, row_height=between(rng, 0.8, 1.0))
    radius = between(rng, 0.24, 0.36) * (0.92 + 0.16 * traits[1])
    ground, *dots = palette(rng, 4)[[0, 3, 2, 1]]
    paint = np.array([dots[0], dots[0], dots[0]] if rng.random() < 0.5 else dots)
    dot = rise(radius - np.hypot(x, y), 2.0 / period)
    color = mix(ground * np.ones(3), paint[(3.0 * traits[0]).astype(np.int64)], dot)
    folds = 5.0 * fractal(rng, height, width, width / 5.0, 2)
    return photograph(rng, color * cloth(rng, height, width), folds + 0.6 * dot)


def scaly(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Rows of round scales, each row over the root of the next one."""
    period = 1.5 * period_of(rng, width, 17.0)
    u, v = plane(rng, (height, width), period, 0.3)
    row = np.floor(2.0 * v)
    column, x, y = np.zeros_like(u), np.zeros_like(u), np.zeros_like(u)
    for upper in (row + 1.0, row, row - 1.0):
        along = u - 0.5 * (upper % 2.0)
        near, down = np.rint(along), v - 0.5 * upper
        is_over = (np.hypot(along - near, down) < 0.63) | (upper > row)
        for old, new in ((column, near + 7.0 * upper), (x, along - near), (y, down)):
            np.copyto(old, new, where=is_over)
    part = np.hypot(x, y) / 0.63
    shades = per_cell(rng, column, np.rint(2.0 * (v - y)))
    colors = palette(rng, 3)
    color = mix(colors[0], colors[1], np.clip(1.6 * part - 0.7 + 0.5 * shades, 0.0, 1.0))
    color = mix(color, colors[2], 0.8 * rise(part - 0.92, 0.12))
    ribs = 0.07 * np.cos(16.0 * np.arctan2(x, y + 0.4))
    shadow = 1.0 - 0.45 * rise(0.45 - part, 0.5)
    light = shadow + ribs + 0.2 * shades
    return photograph(rng, color * light[..., None], 0.2 * period * part**2, 0.8)


def spiralled(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coils side by side, wound either way, on a ground of their own color."""
    turns = 2.4
    period = 2.0 * turns * 0.62 * period_of(rng, width, 18.0, 14.0)
    u, v = plane(rng, (height, width), period, 0.15)
    x, y, margin, traits = cells(rng, (u, v), 0.3, stagger=0.5)
    radius = np.hypot(x, y)
    way = np.where(traits[0] < 0.5, -1.0, 1.0)
    turn = way * np.arctan2(y, x) / (2.0 * np.pi) + traits[1] + 2.0 * turns * radius
    wave = np.cos(2.0 * np.pi * turn)
    ground, first, second, line = palette(rng, 4)
    coil = mix(first, second, traits[2])
    color = mix(0.7 * ground + 0.3 * coil, line * 0.6 + coil * 0.4, rise(wave - 0.1, 0.5))
    color = mix(0.7 * ground, color, rise(margin - 0.05, 0.06))
    return photograph(rng, color, 1.8 * wave * rise(margin - 0.05, 0.06), 0.8)


def sprinkled(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Short rods of many colors, strewn in two layers on icing."""
    period = 1.2 * period_of(rng, width, 15.0)
    ground = palette(rng, 2)[0]
    hues, saturation = rng.random(8), between(rng, 0.45, 0.95)
    rods = np.array([colored(h, saturation, between(rng, 0.25, 0.9)) for h in hues])
    color = np.ones((height, width, 3)) * ground
    relief = 2.0 * fractal(rng, height, width, 2.0 * period)
    for size in (0.8, 1.0):
        u, v = plane(rng, (height, width), period * size, 0.1)
        x, y, _, traits = cells(rng, (u, v), 0.45)
        angle = 2.0 * np.pi * traits[0]
        along = np.abs(np.cos(angle) * x + np.sin(angle) * y)
        away = np.hypot(np.maximum(along - 0.27, 0.0), np.cos(angle) * y - np.sin(angle) * x)
        rod = rise(0.13 - away, 2.0 / period)
        color = color * (1.0 - 0.35 * rise(0.2 - away, 0.2))[..., None]
        color = mix(color, rods[(8.0 * traits[1]).astype(np.int64)], rod)
        relief = relief + 0.16 * period * np.sqrt(np.clip(1.0 - (away / 0.15) ** 2, 0.0, 1.0))
    return photograph(rng, color, relief)


def veined(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Leaves: ribs with slanted side veins, and a net of fine ones between them."""
    period = period_of(rng, width, 18.0, 13.0)
    u, v = plane(rng, (height, width), period, 0.35)
    away = u / 5.5
    away = 5.5 * np.abs(away - np.rint(away))
    along = v + 0.75 * away - 0.06 * away**2 + 0.5 * np.floor(u / 5.5 + 0.5)
    side = np.abs(along - np.rint(along))
    _, _, margin, _ = cells(rng, (3.0 * u, 3.0 * v), 0.9)
    leaf, other, vein = palette(rng, 3)
    color = mix(leaf, other, np.clip(0.2 + 0.9 * side + 0.1 * away, 0.0, 1.0))
    color = mix(color, vein, 0.4 * rise(0.12 - margin, 0.2))
    lines = np.maximum(rise(0.17 - away, 0.2), 0.85 * rise(0.07 - side, 0.14))
    relief = 1.5 * np.sin(np.pi * side) + 1.5 * lines
    return photograph(rng, mix(color, vein, lines), relief, 1.2)


def woven(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Twill: strands that pass over two and under two others, each with fibers along it."""
    period = period_of(rng, width, 22.0, 14.0)
    u, v = plane(rng, (height, width), period, 0.25)
    i, j = np.floor(u), np.floor(v)
    is_over = (i + j) % 4.0 < 2.0
    across = np.where(is_over, u - i, v - j) - 0.5
    along = np.where(is_over, (v + i) % 4.0 - 1.0, (u + j) % 4.0 - 3.0)  # -1..1
    body = np.sqrt(np.clip(1.0 - (across / 0.46) ** 2, 0.0, 1.0)) * np.cos(1.25 * along)
    strand = np.where(is_over, per_cell(rng, i, 0.0 * j), per_cell(rng, 0.0 * i, j))
    first, second, third = palette(rng, 3)
    color = mix(np.where(is_over[..., None], first, third), second, 0.6 * strand)
    fibers = np.interp(7.0 * across + 40.0 * strand, np.arange(-9, 60), rng.random(69))
    color = color * (0.25 + 0.8 * body + 0.25 * fibers)[..., None]
    return photograph(rng, color, 0.16 * period * body)


def zigzagged(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Crisp chevrons of two to four colors, repeated in order."""
    period = period_of(rng, width, 22.0, 14.0)
    u, v = plane(rng, (height, width), period, 0.25)
    stretched = u / between(rng, 1.5, 2.6)
    v = v + between(rng, 1.0, 1.7) * 2.0 * np.abs(stretched - np.rint(stretched))
    count = 2 + int(3 * rng.random())
    colors = palette(rng, count)
    index = np.floor(v).astype(np.int64)
    before, after = colors[index % count], colors[(index + 1) % count]
    part = rise(v - index - 0.85, 2.0 / period)
    edge = np.abs(v - index - 0.85)
    color = mix(before, after, part) * cloth(rng, height, width)
    return photograph(rng, color, 2.0 * np.sqrt(np.minimum(edge, 0.3)), 0.8)


KINDS: dict[str, Texture] = {
    "banded": banded,
    "bubbly": bubbly,
    "chequered": chequered,
    "cracked": cracked,
    "grid": grid,
    "honeycombed": honeycombed,
    "knitted": knitted,
    "marbled": marbled,
    "paisley": paisley,
    "polka-dotted": polka_dotted,
    "scaly": scaly,
    "spiralled": spiralled,
    "sprinkled": sprinkled,
    "veined": veined,
    "woven": woven,
    "zigzagged": zigzagged,
}
