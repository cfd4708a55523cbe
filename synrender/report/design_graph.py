"""Drawings of designs: what follows from what in each split, and what is held out; SVG."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.design_info import DesignInfo
from synrender.dataset.design_words import join_and, name_levels, to_label
from synrender.report.mechanisms import MAX_SIDE, Mechanism

# Sizes in px of a page that shows a drawing in its own size.
WIDTH = 300
BOX, LAYER = 30, 96  # height of a box, and from one layer to the next
FONT, CHARACTER = 13, 7.4  # size of text, width of a character
CELL = 16  # side of a combination
MAX_WIDTH_PX = 7.0  # of an arrow of strength 1
LEAST = 0.005  # weaker arrows are dotted

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f27; --faint: #667085; --line: #c9cfda;
  --card: #ffffff; --train: #2f6fde; --test: #10936f; --set: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf0; --faint: #98a2b3; --line: #465064;
  --card: #1b2029; --train: #6ea1ff; --test: #45cfa3; --set: #ff8f85; } }
text { font-family: system-ui, sans-serif; }
"""
"""Colors of a drawing that is a file of its own; a page has its own ones."""


@dataclass(frozen=True)
class Panel:
    """One drawing."""

    title: str  # splits that it is of
    text: str  # the same in words
    height: float  # px; all are `WIDTH` wide
    parts: str  # elements of SVG

    @property
    def svg(self) -> str:
        """An ``<svg>`` element whose colors are those of the page."""
        size = f'viewBox="0 0 {WIDTH} {self.height:.0f}" font-size="{FONT}" fill="var(--ink)"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{self.parts}\n</svg>'


def draw_design(design: DesignInfo, mechanisms: Sequence[Mechanism]) -> tuple[Panel, ...]:
    """A graph for each split, of splits that are alike one; and the combinations held out."""
    panels: dict[tuple[str, float, str], list[str]] = {}
    for k, split in enumerate(SPLITS if mechanisms else ()):
        panels.setdefault(_draw_graph(design, mechanisms, k), []).append(split)
    found = [Panel(join_and(splits), *content) for content, splits in panels.items()]
    return (*found, *_draw_held_out(design))


def to_file(panels: Sequence[Panel]) -> str:
    """All panels side by side, with their titles, as a file of SVG."""
    head, height = 28, max(panel.height for panel in panels)
    size = f"{WIDTH * len(panels)} {height + head:.0f}"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}">']
    parts += [f"<style>{STYLE}</style>"]
    for k, panel in enumerate(panels):
        middle = (k + 0.5) * WIDTH
        parts.append(
            f'<text x="{middle}" y="18" text-anchor="middle" font-size="{FONT + 1}" '
            f'font-weight="600" fill="var(--ink)">{html.escape(panel.title)}</text>'
        )
        place = f'x="{k * WIDTH}" y="{head}" width="{WIDTH}" height="{panel.height:.0f}"'
        parts.append(panel.svg.replace("<svg ", f"<svg {place} ", 1))
    return "\n".join([*parts, "</svg>\n"])


# --- graphs ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Box:
    """A factor in a graph."""

    name: str
    x: float  # of its center, px
    layer: int
    note: str  # what an intervention does; "" if there is none

    @property
    def top(self) -> float:
        """Px from the top of the drawing."""
        return 2 + self.layer * LAYER


def _draw_graph(
    design: DesignInfo, mechanisms: Sequence[Mechanism], split: int
) -> tuple[str, float, str]:
    """Words, height and elements of the graph of one split."""
    boxes = _place_boxes(design, mechanisms, split)
    parts, texts = [], []
    for mechanism in mechanisms:
        child = boxes[mechanism.child]
        for parent in mechanism.parents:
            strength = mechanism.find_strength(parent, split)
            is_cut = bool(child.note)
            parts += _draw_arrow(boxes[parent], child, strength, is_cut)
            how = "cut off" if is_cut else f"strength {_show(strength)}"
            texts.append(f"{to_label(parent)} to {to_label(child.name)}, {how}")
    for box in boxes.values():
        parts += _draw_box(box)
        texts += [f"{to_label(box.name)} {box.note}"] if box.note else []
    height = 1 + max(box.top + BOX + (18 if box.note else 0) for box in boxes.values())
    return "; ".join(texts), height, "\n".join(parts)


def _place_boxes(
    design: DesignInfo, mechanisms: Sequence[Mechanism], split: int
) -> dict[str, _Box]:
    """Factors in layers: each is below all that it follows from."""
    depth = {name: 0 for m in mechanisms for name in (*m.parents, m.child)}
    for _ in mechanisms:  # a chain of causes is no longer than that
        for mechanism in mechanisms:
            depth[mechanism.child] = 1 + max(depth[name] for name in mechanism.parents)
    layers: dict[int, list[str]] = {}
    for name, layer in depth.items():
        layers.setdefault(layer, []).append(name)
    done = design.causal.do.get(SPLITS[split], {}) if design.causal else {}
    notes = {name: _tell_intervention(design, name, level) for name, level in done.items()}
    boxes = {}
    for layer, names in layers.items():
        for k, name in enumerate(names):
            x = WIDTH * (k + 1) / (len(names) + 1)
            boxes[name] = _Box(name, x, layer, notes.get(name, ""))
    return boxes


def _tell_intervention(design: DesignInfo, name: str, level: int) -> str:
    return "drawn evenly" if level < 0 else f"set to {name_levels(design.factors[name])[level]}"


def _draw_box(box: _Box) -> Iterator[str]:
    label = to_label(box.name)
    width = min(CHARACTER * len(label) + 24, WIDTH - 4)
    color, thick = ("var(--set)", 2.5) if box.note else ("var(--faint)", 1.2)
    yield (
        f'<rect x="{box.x - width / 2:.1f}" y="{box.top:.1f}" width="{width:.1f}" '
        f'height="{BOX}" rx="8" fill="var(--card)" stroke="{color}" stroke-width="{thick}"/>'
    )
    yield _text(box.x, box.top + 20, label, "middle")
    if box.note:
        yield _text(box.x, box.top + BOX + 15, box.note, "middle", "var(--set)")


def _draw_arrow(parent: _Box, child: _Box, strength: float, is_cut: bool) -> Iterator[str]:
    """An arrow as thick as it is strong, with its strength; dotted where nothing follows."""
    is_weak = is_cut or strength < LEAST
    color = "var(--faint)" if is_weak else "var(--train)"
    width = 1.5 if is_weak else 1.2 + (MAX_WIDTH_PX - 1.2) * strength
    x1, y1, x2, y2 = parent.x, parent.top + BOX, child.x, child.top
    is_long = child.layer - parent.layer > 1
    x2 += 20 if is_long else 0  # beside the arrows from above
    bend = WIDTH / 2 - 24 if is_long else 0  # around the boxes between
    middle_x, middle_y = (x1 + x2) / 2 + 0.75 * bend, (y1 + y2) / 2
    tip, side = y2 - 1, 5 + width / 2
    down = y2 - 9
    dashes = ' stroke-dasharray="2 5"' if is_weak else ""
    path = f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {middle_y:.1f} {x2 + bend:.1f} {middle_y:.1f} "
    yield (
        f'<path d="{path}{x2:.1f} {down:.1f}" fill="none" stroke="{color}" '
        f'stroke-width="{width:.1f}"{dashes}/>'
    )
    yield (
        f'<path d="M{x2:.1f} {tip:.1f}l{-side:.1f} {-9 - side / 2:.1f}h{2 * side:.1f}z" '
        f'fill="{color}"/>'
    )
    label = "cut" if is_cut else _show(strength)
    away, anchor = (8 + width / 2, "start") if is_long else (-8 - width / 2, "end")
    yield _text(middle_x + away, middle_y + 4, label, anchor, "var(--faint)")


def _show(strength: float) -> str:
    return f"{strength:.2f}".rstrip("0").rstrip(".")


def _text(x: float, y: float, text: str, anchor: str, fill: str = "var(--ink)") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{fill}">{html.escape(text)}</text>'


# --- combinations ---------------------------------------------------------------------------------


def _draw_held_out(design: DesignInfo) -> Iterator[Panel]:
    """Which combinations of two factors are for training, and which for the test."""
    names = tuple(design.held_out[0]) if design.held_out else ()
    sizes = [len(design.factors[name].levels) for name in names]
    if len(names) != 2 or max(sizes) > MAX_SIDE:
        return
    held_out = {(c[names[0]], c[names[1]]) for c in design.held_out}
    rows, columns = (list(name_levels(design.factors[name]).items()) for name in names)
    left = 12 + CHARACTER * max(len(name) for _, name in rows)
    step = min(CELL + 2, (WIDTH - left) / sizes[1])
    parts = []
    for y, (i, name) in enumerate(rows):
        top = 2 + y * (CELL + 2)
        parts.append(_text(left - 8, top + 12, name, "end"))
        for x, (j, column) in enumerate(columns):
            color = "var(--test)" if (i, j) in held_out else "var(--train)"
            opacity = 1 if (i, j) in held_out else 0.35
            parts.append(
                f'<rect x="{left + x * step:.1f}" y="{top}" width="{step - 2:.1f}" '
                f'height="{CELL}" rx="2" fill="{color}" fill-opacity="{opacity}">'
                f"<title>{html.escape(f'{name}, {column}')}</title></rect>"
            )
    bottom = 2 + len(rows) * (CELL + 2)
    parts.append(_text(left, bottom + 14, f"{to_label(names[1])} from left to right", "start"))
    keys = (("training and validation", "train", 0.35), ("test", "test", 1))
    for k, (text, color, opacity) in enumerate(keys):
        top = bottom + 26 + 20 * k
        place = f'x="{left:.1f}" y="{top}" width="12" height="12" rx="2"'
        parts.append(f'<rect {place} fill="var(--{color})" fill-opacity="{opacity}"/>')
        parts.append(_text(left + 18, top + 11, text, "start"))
    title = f"{to_label(names[0])} and {to_label(names[1])}"
    words = f"{len(held_out)} of {sizes[0] * sizes[1]} combinations are in the test alone"
    yield Panel(title, words, bottom + 72, "\n".join(parts))
