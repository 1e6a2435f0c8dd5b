from typing import Any

PlainField = tuple[bytes, str, float, float, tuple[str, ...], bool]
"""Name, sort, least and most of a number or a text's characters, choices, whether it is needed."""
PlainKind = tuple[bytes, int, tuple[int, ...], type, tuple[PlainField, ...]]
"""Tag, number, the needed fields of the envelope, the type of the data and its fields."""

class PlainReader:
    """Reads plain events of the forms that it is made with.

    Raises:
        ValueError: there are too many fields, or none for the data.
    """

    def __init__(
        self, envelope: tuple[PlainField, ...], kinds: tuple[PlainKind, ...], /
    ) -> None: ...
    def read(self, raw: bytes, /) -> tuple[Any, ...] | None:
        """The values of an event's envelope, its data and its kind; None: it is not plain."""
