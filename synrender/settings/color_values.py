"""Ways to give a color: three numbers, a color temperature, or a hue. All become scene-linear RGB.

``(1, 0.8, 0.5)``: red, green and blue. ``('kelvin', 2700)``: that of a black body.
``('hue', 0.6, 1, 0.8)``: hue, saturation and value, each 0 to 1.
"""

from __future__ import annotations

import colorsys

Rgb = tuple[float, float, float]

MIN_KELVIN, MAX_KELVIN = 1667.0, 25000.0
"""Where the formula of `kelvin_to_rgb` holds."""

RULE = (
    "must be red, green and blue from 0 to 1, such as (1, 0.8, 0.5), ('kelvin', 2700) with a "
    f"temperature from {MIN_KELVIN:g} to {MAX_KELVIN:g}, or ('hue', 0.6, 1, 0.8) with hue, "
    "saturation and value from 0 to 1"
)


def find_color(value: object) -> Rgb:
    """Scene-linear RGB, 0 to 1, of a color that a user gave; see the module.

    Raises:
        ValueError: it is no color; the message is the rule.
    """
    if not isinstance(value, (tuple, list)) or not value:
        raise ValueError(RULE)
    way, numbers = (value[0], value[1:]) if isinstance(value[0], str) else ("rgb", value)
    if any(isinstance(n, bool) or not isinstance(n, (int, float)) for n in numbers):
        raise ValueError(RULE)
    match way, *numbers:
        case "kelvin", kelvin if MIN_KELVIN <= kelvin <= MAX_KELVIN:
            return kelvin_to_rgb(kelvin)
        case "hue", *hsv if len(hsv) == 3 and all(0 <= v <= 1 for v in hsv):
            return hue_to_rgb(*hsv)
        case "rgb", red, green, blue if all(0 <= v <= 1 for v in numbers):
            return float(red), float(green), float(blue)
    raise ValueError(RULE)


def hue_to_rgb(hue: float, saturation: float, value: float) -> Rgb:
    """RGB, 0 to 1, of hue, saturation and value, each 0 to 1; taken as scene-linear.

    The hexcone model of A. R. Smith, "Color gamut transform pairs" (SIGGRAPH 1978), as in Python's
    `colorsys`. Hue 0 and 1 are red.
    """
    return colorsys.hsv_to_rgb(hue, saturation, value)


def kelvin_to_rgb(kelvin: float) -> Rgb:
    """Scene-linear RGB of a black body of `MIN_KELVIN` to `MAX_KELVIN`, its largest number 1.

    Chromaticity from the cubic splines of B. Kang et al., "Design of advanced color temperature
    control system for HDTV applications" (J. Korean Physical Society 41, 2002); to RGB with the
    matrix of IEC 61966-2-1. Blue is 0 below about 1900 K, where it is out of gamut.
    """
    t = 1000 / kelvin
    if kelvin <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    # Chromaticity to XYZ with Y = 1.
    x, z = x / y, (1 - x - y) / y
    red = 3.2406 * x - 1.5372 - 0.4986 * z
    green = -0.9689 * x + 1.8758 + 0.0415 * z
    blue = max(0.0, 0.0557 * x - 0.2040 + 1.0570 * z)
    largest = max(red, green, blue)
    return red / largest, green / largest, blue / largest
