"""The messages of the panes topic, there and back."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.figures import SUMS, Figures
from models.partials import PanePartial, Partial, decode_partial, encode_partial
from tests.unit.models.test_figures import figures

_panes = st.builds(
    PanePartial,
    st.integers(0, 10**14),
    st.dictionaries(st.text(max_size=64), figures, max_size=3),
)
partials = st.builds(
    Partial,
    st.integers(0, 10_000),
    st.integers(-1, 2**62),
    st.integers(-1, 10**14),
    st.sampled_from(["all", "rendition"]),
    st.lists(_panes, max_size=3),
)


@given(partials)
def test_partial_comes_back_as_it_was(partial: Partial) -> None:
    assert decode_partial(encode_partial(partial)) == partial


def test_same_partial_is_the_same_bytes() -> None:
    def partial() -> Partial:
        values = {"720p": Figures([0] * SUMS, {-1: 2, 300: 1})}
        return Partial(3, 17, 1_700_000_000_000, "rendition", [PanePartial(10_000, values)])

    assert encode_partial(partial()) == encode_partial(partial())


@pytest.mark.parametrize("message", [b"", b"\xc0", msgspec.msgpack.encode(["p0", 1, 2, 3, "all"])])
def test_message_of_another_kind_is_refused(message: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_partial(message)
