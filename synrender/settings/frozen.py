"""Values of a configuration that cannot change and can be hashed."""

from __future__ import annotations

from typing import Any, NoReturn


class FrozenDict(dict):
    """A dictionary that cannot be changed, so that settings stay values."""

    def __hash__(self) -> int:
        """Of equal dictionaries equal, whatever their order."""
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple:
        """Pickles by way of a plain dictionary."""
        return FrozenDict, (dict(self),)

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("this dictionary cannot be changed")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse


def freeze(value: Any) -> Any:
    """Numbers, text, lists and dictionaries as values that cannot be changed.

    Raises:
        ValueError: something else is among them.
    """
    if isinstance(value, dict):
        return FrozenDict({_check_key(k): freeze(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(v) for v in value)
    if isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"must hold numbers and text, not {type(value).__name__}")


def _check_key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError(f"has the key {key!r}, which must be text")
    return key
