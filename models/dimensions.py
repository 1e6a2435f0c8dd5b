"""The breakdown dimensions of the rolling metrics and the values of one event or view."""

from collections.abc import Sequence
from sys import intern
from typing import Final

from mypy_extensions import mypyc_attr

DIMENSIONS = (
    "rendition",
    "codec",
    "entryPoint",
    "platform",
    "country",
    "networkType",
    "cdn",
    "appVersion",
)
ALL: Final = "all"
UNKNOWN: Final = "unknown"
OTHER: Final = "other"
MAX_VALUE_CHARACTERS: Final = 64

_MAX_INTERNED: Final = 50_000


@mypyc_attr(acyclic=True)
class Slices:
    """One value per dimension of :data:`DIMENSIONS`, shared by everything that has the same.

    Compared and hashed by identity, which is what makes it cheap as a key on the hot path.
    """

    __slots__ = ("values",)

    def __init__(self, values: tuple[str, ...]) -> None:
        self.values = values


_OfView = tuple[str | None, str | None, str | None, tuple[str | None, ...]]
_Renamed = tuple[Slices, str | None, str | None, str | None]


class SliceTable:
    """Hands out one :class:`Slices` per combination of values."""

    __slots__ = ("_interned", "_of_views", "_renamed")

    def __init__(self) -> None:
        self._interned: dict[tuple[str | None, ...], Slices] = {}
        self._of_views: dict[_OfView, Slices] = {}
        self._renamed: dict[_Renamed, Slices] = {}

    def get(self, values: tuple[str | None, ...]) -> Slices:
        """The slices of ``values`` (in the order of :data:`DIMENSIONS`; None: not named)."""
        slices = self._interned.get(values)
        if slices is None:
            if len(self._interned) >= _MAX_INTERNED:
                # Forgetting is safe: a second object for the same values adds to the same slice.
                self._interned.clear()
            # There are many combinations of few texts: with one object for each text, comparing
            # finds all of them in the processor's cache.
            shared = tuple([None if value is None else intern(value) for value in values])
            slices = self._interned[shared] = Slices(normalise_values(shared))
        return slices

    def of(
        self,
        rendition: str | None,
        codec: str | None,
        entry_point: str | None,
        context: tuple[str | None, ...],
    ) -> Slices:
        """The slices of the values of a view, of which ``context`` has the others. Where that is
        an object that many views share, it is found by looking at that object alone."""
        key = (rendition, codec, entry_point, context)
        slices = self._of_views.get(key)
        if slices is None:
            if len(self._of_views) >= _MAX_INTERNED:
                self._of_views.clear()
            slices = self._of_views[key] = self.get((rendition, codec, entry_point, *context))
        return slices

    def renamed(
        self,
        before: Slices,
        rendition: str | None,
        codec: str | None,
        entry_point: str | None,
        context: tuple[str | None, ...],
    ) -> Slices:
        """What :meth:`of` answers for a view that had the slices ``before``, and has the context
        that it had then: in less time, since they stand for the values of that."""
        key = (before, rendition, codec, entry_point)
        slices = self._renamed.get(key)
        if slices is None:
            if len(self._renamed) >= _MAX_INTERNED:
                self._renamed.clear()
            slices = self._renamed[key] = self.of(rendition, codec, entry_point, context)
        return slices


def normalise_values(values: Sequence[str | None]) -> tuple[str, ...]:
    """Missing and empty values become ``unknown``; long ones are cut to the label bound."""
    return tuple(value[:MAX_VALUE_CHARACTERS] if value else UNKNOWN for value in values)
