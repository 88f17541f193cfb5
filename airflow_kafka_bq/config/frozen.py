"""A mapping that stays as it was validated."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class FrozenMapping(dict[Key, Value]):
    """A dict that refuses every change, so that a frozen setting cannot be changed through its mapping.

    Still a dict: it can be compared with one, written as JSON and recognised by ``isinstance``.
    Hashable when its values are.
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        message = "settings are frozen"
        raise TypeError(message)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]  # dict says None
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        # The default for a dict sets the items one by one, which is refused here.
        return (type(self), (dict(self),))
