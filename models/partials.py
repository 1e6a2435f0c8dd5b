"""What a partition tells the merger: the messages of the ``panes`` topic."""

import msgspec

from models.figures import Figures


class PanePartial(msgspec.Struct, gc=False, array_like=True):
    """The changed values of one dimension in one pane of one partition.

    The figures are cumulative: they replace what the same partition said of them before.
    """

    start_ms: int
    values: dict[str, Figures]


class Partial(msgspec.Struct, gc=False, array_like=True, tag="p1"):
    """One publication: what changed in one dimension of one partition up to an offset.

    ``upto`` is the raw offset and ``clock_ms`` the server time that the partition had reached.
    """

    partition: int
    upto: int
    clock_ms: int
    dimension: str
    panes: list[PanePartial]


encode_partial = msgspec.msgpack.Encoder().encode
decode_partial = msgspec.msgpack.Decoder(Partial).decode
