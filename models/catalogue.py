"""The contents that events may be about, where somebody keeps a catalogue of them."""

REMOVAL_GRACE_MS = 60_000
"""So long after its removal events still count for a content: by then every reader has the news,
also one that has to find its broker again."""


class Catalogue:
    """The ids of the contents that exist, and when others were removed.

    An event is judged at its server time, and a removal holds from a minute later on. So an event
    that came in before it, or that overtook the news of it, stays good however often it is read. A
    content that is added counts for earlier events as well, so reading again may accept what was
    refused, and never refuses what was accepted.

    Args:
        limit: of ids that exist; as many removed ones are remembered, the latest.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: set[str] = set()
        self._removed: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def is_over_limit(self) -> bool:
        """Whether more exist than may be kept."""
        return len(self._ids) > self._limit

    def put(self, content_id: str) -> None:
        """The content exists."""
        self._ids.add(content_id)
        self._removed.pop(content_id, None)

    def remove(self, content_id: str, at_ms: int) -> None:
        """The content was removed at server time ``at_ms``."""
        self._ids.discard(content_id)
        self._removed.pop(content_id, None)
        self._removed[content_id] = at_ms + REMOVAL_GRACE_MS
        if len(self._removed) > self._limit:
            del self._removed[next(iter(self._removed))]

    def knows(self, content_id: str, at_ms: int) -> bool:
        """Whether an event of server time ``at_ms`` may be about the content."""
        return content_id in self._ids or self._removed.get(content_id, -1) > at_ms
