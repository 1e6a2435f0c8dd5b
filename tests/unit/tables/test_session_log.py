"""The log of viewers restores to the viewers that there are, whatever was cut, lost or moved."""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.checkpoints import Totals
from tables import session_log
from tables.session_log import SegmentCut
from tests.support.core import MINUTE_MS, T0, Core, FakeRecord, at_ms, event, play, progress
from tests.support.facts import NOT_SAVED, facts
from tests.support.sessions import random_session

VIEWERS = 4
LIMIT = 5


@pytest.fixture(scope="module", autouse=True)
def small_limits() -> Iterator[None]:
    """Limits that a small load reaches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_log, "MAX_SEGMENTS", 5)
        patch.setattr(session_log, "_SPARE_VIEWERS", 4)
        yield


class Store:
    """The segments that a checkpoint consists of."""

    def __init__(self, core: Core) -> None:
        self.state = core.states[0]
        self.log = self.state.views.log
        self.segments: dict[int, bytes] = {}
        self.begin()

    def begin(self) -> None:
        """Begin a cut of what there is now."""
        state = self.state
        self._upto = state.upto
        self._panes = state.panes.cut()
        self._totals = Totals(
            clock_ms=state.clock_ms, swept_ms=state.swept_ms, opened=state.views.opened
        )
        self.log.begin(state.clock_ms)

    def cut(self) -> SegmentCut:
        """A cut while nothing else happens."""
        self.begin()
        while not self.log.write(1):
            pass
        return self.log.end()

    def confirm(self, cut: SegmentCut) -> None:
        """A cut is durable."""
        if cut.payload is not None:
            self.segments[cut.number] = cut.payload
        for number in cut.dropped:
            del self.segments[number]
        self.log.confirm()

    def save(self) -> SegmentCut:
        """A checkpoint that succeeds."""
        cut = self.cut()
        self.confirm(cut)
        return cut

    def restored_with(self, cut: SegmentCut) -> Core:
        """A core that was restored from a cut that is durable, and not known to be."""
        before = dict(self.segments)
        if cut.payload is not None:
            self.segments[cut.number] = cut.payload
        for number in cut.dropped:
            del self.segments[number]
        core = self.restored()
        self.segments = before
        return core

    def restored(self) -> Core:
        """A core that has read the segments and the panes, as of the last cut."""
        core = small_core()
        state = core.states[0]
        for number, payload in sorted(self.segments.items()):
            state.views.log.load(number, payload)
        for start_ms, payload in self._panes:
            state.panes.load(start_ms, payload)
        state.restore(self._upto, self._totals)
        return core


def small_core() -> Core:
    """One that forgets within minutes, and whose limits a few viewers reach."""
    return Core(
        kept_ms=2 * MINUTE_MS, timeout_ms=MINUTE_MS, views_per_viewer=LIMIT, open_views=LIMIT
    )


def viewers(core: Core) -> dict[str, str]:
    """What is known of each viewer, in the order in which it is kept."""
    sessions = core.states[0].views._sessions  # noqa: SLF001
    return {
        viewer: repr([(k, v) for k, v in facts(session, NOT_SAVED).items()])
        for viewer, session in sorted(sessions.items())
    }


def records(rng: random.Random) -> list[FakeRecord]:
    """Some viewers over some minutes, now and then late, and silence that ends everything."""
    late_share = rng.choice([0.0, 0.02, 0.3])
    arrivals: list[tuple[int, bytes]] = []
    for viewer in range(VIEWERS):
        from_ms = rng.randint(0, 3) * MINUTE_MS
        for fields in random_session(rng):
            own = fields | {"eventId": f"{viewer}-{fields['eventId']}", "deviceId": f"d{viewer}"}
            own["sessionId"] = f"s{viewer}"
            if not viewer:
                # Who is watching is told by the device alone.
                del own["sessionId"]
            if rng.random() < 0.1:
                own = {k: v for k, v in own.items() if k != "data"} | {"event": "app.opened"}
            delay_ms = rng.randint(0, 60_000) if rng.random() < late_share else 0
            arrivals.append((at_ms(fields) + from_ms + delay_ms, json.dumps(own).encode()))
    arrivals.sort()
    made = [FakeRecord(n, server_ms, value) for n, (server_ms, value) in enumerate(arrivals)]
    for half_minute in range(1, 10):
        server_ms = arrivals[-1][0] + half_minute * MINUTE_MS // 2
        made.append(FakeRecord(len(made), server_ms, None, headers=(("pv-tick", b""),)))
    return made


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1 << 32))
def test_every_checkpoint_restores_to_the_viewers_that_there_were(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    core = small_core()
    store = Store(core)
    rest = iter(records(rng))

    def go_on() -> bool:
        some = list(islice(rest, rng.randint(1, 12)))
        if some:
            core.apply(some)
        return bool(some)

    while go_on():
        if rng.random() < 0.2:
            store.cut()  # It fails: nobody confirms it.
        if rng.random() < 0.2:
            store.begin()  # It is given up half-way.
            store.log.write(rng.randint(0, VIEWERS))
            go_on()
        if rng.random() < 0.7:
            store.begin()
            known = viewers(core)
            while not store.log.write(rng.randint(0, 2)):
                go_on()
            cut = store.log.end()
            restored = store.restored_with(cut)
            if rng.random() < 0.3:
                go_on()
            store.confirm(cut)
            assert viewers(restored) == known
    assert viewers(core) == {}


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_restored_log_goes_on_as_the_one_that_wrote_it(rng: random.Random) -> None:
    core = small_core()
    store = Store(core)
    all_records = records(rng)
    first, second, third = sorted(rng.choices(range(1, len(all_records)), k=3))
    for part in (all_records[:first], all_records[first:second]):
        apply_all([core], part)
        store.save()
    read = store.restored()
    again = Store(read)
    again.segments = dict(store.segments)
    apply_all([core, read], all_records[second:third])
    for one in (store, again, store, again):
        one.save()
    assert viewers(read) == viewers(core)
    assert viewers(again.restored()) == viewers(store.restored()) == viewers(core)


def apply_all(cores: Iterable[Core], records: Sequence[FakeRecord]) -> None:
    """Let each take in the same."""
    for core in cores:
        core.states[0].apply(records)


def test_of_a_viewer_who_was_written_only_what_changed_is_written_again() -> None:
    core = Core()
    store = Store(core)
    core.send(*(play(2 * n, f"clip-{n}") for n in range(20)))
    first = store.save()
    core.send(progress(41, 3.0, "clip-19"))
    second = store.save()
    assert first.payload is not None
    assert second.payload is not None
    assert len(second.payload) < len(first.payload) / 10
    assert viewers(store.restored()) == viewers(core)


def test_nothing_is_written_where_nothing_changed() -> None:
    core = small_core()
    store = Store(core)
    core.send(play(1))
    assert store.save().payload is not None
    assert store.save().payload is None


def test_a_cut_that_failed_is_written_whole_by_the_next_one() -> None:
    core = small_core()
    store = Store(core)
    core.send(play(1))
    store.save()
    core.send(progress(3, 2.0))
    store.cut()
    core.send(progress(5, 4.0))
    store.save()
    assert viewers(store.restored()) == viewers(core)


def test_the_log_stays_short_and_idle_viewers_stay_in_it() -> None:
    core = small_core()
    store = Store(core)
    core.send(play(0, session="idle"))
    store.save()
    for n in range(1, 60):
        core.send(progress(n, float(n), session="busy"))
        store.save()
        assert len(store.segments) <= session_log.MAX_SEGMENTS
    assert viewers(store.restored()) == viewers(core)
    assert viewers(core).keys() == {"idle", "busy"}
    assert core.states[0].clock_ms > T0


def test_viewers_who_are_always_active_are_written_whole_in_turns() -> None:
    core = Core()
    store = Store(core)
    whole, lengths = [], []
    for second in range(60):
        core.send(*(progress(second, float(second), session=f"s{n}") for n in range(100)))
        cut = store.cut()
        whole.append(len(store.log._whole))  # noqa: SLF001
        store.confirm(cut)
        lengths.append(len(store.segments))
    assert whole[0] == 100
    assert max(whole[1:]) == 100 // session_log.STALE_RATIO
    assert max(lengths) <= session_log.MAX_SEGMENTS + session_log.STALE_RATIO
    assert viewers(store.restored()) == viewers(core)


def test_custom_events_of_nobody_we_know_leave_nothing_behind() -> None:
    core = small_core()
    for number in range(50):
        core.send(event("app.opened", number, session=None, top={"deviceId": "d"}))
    assert core.states[0].views.viewers == 0
    assert Store(core).cut().payload is None
    core.send(event("app.opened", 60, session="s"))
    assert core.states[0].views.viewers == 1
