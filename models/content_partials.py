"""What a partition tells of contents: the messages of the ``contents`` topic."""

import msgspec

from models.content_figures import ContentFigures


class MinuteGains(msgspec.Struct, gc=False, array_like=True):
    """What contents gained in the minute of event time that begins at ``start_ms``."""

    start_ms: int
    contents: dict[str, ContentFigures]


class ContentPartial(msgspec.Struct, gc=False, array_like=True, tag="c1"):
    """One publication of the ``contents`` topic: what was gained since the one before.

    ``offset`` is that of the raw record before which it was cut. Cuts follow the records alone,
    so a partition that is read again cuts the same, and a reader that has taken in an offset of
    a partition passes over what does not go beyond it. ``clock_ms`` is the server time.
    """

    partition: int
    offset: int
    clock_ms: int
    minutes: list[MinuteGains]


encode_content_partial = msgspec.msgpack.Encoder().encode
decode_content_partial = msgspec.msgpack.Decoder(ContentPartial).decode
encode_gains = msgspec.msgpack.Encoder().encode
decode_gains = msgspec.msgpack.Decoder(list[MinuteGains]).decode
