"""The worker as a member of its consumer group: which partitions it has, and how far they go."""

from collections.abc import Callable, Mapping
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP

from agents.folding import FoldingApp
from agents.restoring import RawBounds
from app.log_reader import LogReader
from app.settings import Settings
from models.errors import PlayvitalsError


class GroupMember:
    """What the parts of a worker need of Faust's consumer, and of the logs beside it.

    Args:
        app: the Faust app, which is wired with parts that know this member.
    """

    def __init__(
        self, settings: Settings, app: Callable[[], FoldingApp], reader: LogReader
    ) -> None:
        self._settings = settings
        self._app = app
        self._reader = reader

    @property
    def _consumer(self) -> Any:
        # Faust types its consumer by a protocol that leaves out what is needed here.
        return self._app().consumer

    def generation(self) -> int:
        """The generation of the group in which the partitions are owned."""
        return self._app().consumer_generation_id

    def is_assigned(self) -> bool:
        """Whether partitions are assigned, and not about to be."""
        return bool(self._consumer.flow_active)

    def check(self) -> None:
        """See that this worker still takes part.

        Raises:
            PlayvitalsError: it does not, or one of Faust's services ended, without which it would
                only look alive.
        """
        app = self._app()
        if app.crashed:
            raise PlayvitalsError(f"Faust crashed: {app.crash_reason!r}")
        try:
            self._consumer.check()
        except KafkaError as error:
            raise PlayvitalsError(
                f"the consumer group refused this worker: {error!r}; see whether the brokers allow "
                "PLAYVITALS_SESSION_TIMEOUT_SECONDS (group.min.session.timeout.ms) and the group"
            ) from error

    def stop_consuming(self) -> None:
        """Hand nothing out any more."""
        self._consumer.stop_flow()

    async def open(self, partition: int) -> None:
        """Begin to consume a raw partition that is restored."""
        await self._consumer.open(self._raw(partition))

    async def commit(self, offsets: Mapping[int, int], generation: int) -> None:
        """Commit the next offsets of raw partitions, as a member of a generation.

        Raises:
            KafkaError: that is over, or the brokers refused for another reason.
        """
        positions = {self._raw(partition): at for partition, at in offsets.items()}
        await self._consumer.commit_positions(positions, generation)

    async def committed(self, partition: int) -> int | None:
        """The next offset that the group has committed for a raw partition."""
        offset: int | None = await self._consumer.committed_position(self._raw(partition))
        return offset

    async def state_records(self, partition: int) -> dict[bytes, bytes]:
        """What the ``state`` topic holds of a partition."""
        return await self._reader.state_records(partition)

    async def raw_bounds(self, partition: int) -> RawBounds:
        """What a raw partition holds."""
        return await self._reader.raw_bounds(partition)

    def lag_of(self, partition: int, next_offset: int) -> int | None:
        """Records of a raw partition from an offset on; None until a fetch told."""
        end = self.end_of("events.raw", partition)
        return None if end is None else max(0, end - next_offset)

    def end_of(self, name: str, partition: int) -> int | None:
        """The high watermark of the last fetch from a topic; None until there was one."""
        tp = TP(self._settings.topic(name), partition)
        if tp not in self._consumer.assignment():
            return None
        end: int | None = self._consumer.highwater(tp)
        return end

    def _raw(self, partition: int) -> TP:
        return TP(self._settings.topic("events.raw"), partition)
