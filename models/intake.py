"""From the events of a request to the records of the raw topic."""

from collections.abc import Sequence

from models.catalogue import Catalogue
from models.explanation import MAX_EVENT_BYTES, too_large
from models.validation import read_event
from models.verdicts import Refusal
from models.wire import stored_form


def take_in(
    events: Sequence[bytes],
    now_ms: int,
    sent_at: str | None = None,
    catalogue: Catalogue | None = None,
) -> tuple[list[tuple[bytes, bytes]], list[str], list[tuple[int, Refusal]]]:
    """Key and value of each valid event, their ids, and the refusals of the others by index.

    Args:
        events: the JSON texts.
        now_ms: server time, milliseconds since 1970.
        sent_at: the client's clock from the batch envelope.
        catalogue: the contents that events may be about; None: any.
    """
    keyed: list[tuple[bytes, bytes]] = []
    event_ids: list[str] = []
    refusals: list[tuple[int, Refusal]] = []
    for index, raw in enumerate(events):
        checked = read_event(raw, now_ms, sent_at, catalogue)
        if isinstance(checked, Refusal):
            refusals.append((index, checked))
            continue
        value, event_id = stored_form(raw, checked, now_ms, sent_at)
        if len(value) > MAX_EVENT_BYTES:
            # The worker would refuse what was answered with `received`.
            refusals.append((index, too_large(len(value))))
            continue
        keyed.append((checked.key().encode(), value))
        event_ids.append(event_id)
    return keyed, event_ids, refusals
