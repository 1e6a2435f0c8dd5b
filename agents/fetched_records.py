"""How the records of folded topics come out of the Kafka client: as its C code decodes them."""

from collections.abc import Iterator
from typing import Any, ClassVar

from aiokafka.consumer import fetcher


class FetchedRecords(fetcher.PartitionRecords):  # type: ignore[misc] # it has no types
    """The records of one partition in an answer.

    aiokafka makes an object of eleven fields of every record, in Python, which costs more than
    decoding it. A fold needs offset, time, key, value and headers; the decoded record has these.
    """

    folded_topics: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def install(cls, folded_topics: frozenset[str]) -> None:
        """Let all consumers of this process use it: records of other topics stay what they were."""
        cls.folded_topics = folded_topics
        fetcher.PartitionRecords = cls

    def __iter__(self) -> Iterator[Any]:
        """Spares a call per record."""
        records: Iterator[Any] = self._records_iterator
        return records

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        if tp.topic in self.folded_topics:
            return record
        return super()._consumer_record(tp, record)
