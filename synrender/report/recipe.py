"""The command that renders a data set once more, with nothing but this program at hand."""

from __future__ import annotations

import shlex

from synrender.settings.groups import Settings, load_settings, settings_to_gin

BASES = ("render_single", "render_multi")
"""Files of `config/`; the one with fewer differences is taken."""


def find_command(name: str, settings: Settings) -> str:
    """A command for a shell, one setting a line.

    Args:
        name: of the new data set.
        settings: of the data set; what they have in common with a file of `config/` is left out.
    """
    changes = {base: _find_changes(settings, base) for base in BASES}
    base = min(BASES, key=lambda b: len(changes[b]))
    lines = [f"python render.py -d {shlex.quote(name)} -g {base}"]
    lines += [f"  -p {shlex.quote(changes[base][0])}"] if changes[base] else []
    lines += [f"     {shlex.quote(change)}" for change in changes[base][1:]]
    return " \\\n".join(lines)


def _find_changes(settings: Settings, base: str) -> list[str]:
    known = set(settings_to_gin(load_settings([base])).splitlines())
    return [line for line in settings_to_gin(settings).splitlines() if line not in known]
