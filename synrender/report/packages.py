"""The packages that only reports need."""

from __future__ import annotations

from synrender.errors import UserError


def require_packages() -> None:
    """Raises UserError when one is not installed."""
    try:
        import jinja2  # noqa: F401
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"a report needs {error.name}, which is missing: pip install 'jinja2>=3.1,<4' "
            "'matplotlib>=3.10,<4' (make setup does it)"
        ) from None
