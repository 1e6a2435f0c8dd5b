"""The steps of ``make bench`` that say how a service grows: freshness, workers, memory, bytes."""

from dataclasses import asdict

import msgspec

from bench.aggregates import measure_contents, measure_windows
from bench.dedupe import measure_filling, measure_restore, rows_of_ids
from bench.flow import measure_flow, rows_of_flow
from bench.growth import CASES, measure_growth
from bench.latency import measure_latency
from bench.memory import measure_memory
from bench.scaling import measure_scaling
from bench.step import Findings, Plan, Say, Step

_GROWTH_EVENTS = 20_000
_GROWTH_ROUNDS = 8
_SCALING_EVENTS = 1_000_000
_SCALING_ROUNDS = 2
_VIEWS = 200_000
_CONTENTS = 200_000
_IDS = 20_000_000
_FLOW_EVENTS_PER_SECOND = 400
_FLOW_SECONDS = 1_200


async def _latency(plan: Plan, say: Say) -> Findings:
    latency = await measure_latency(plan.seconds, plan.seed, say)
    return Findings(
        msgspec.to_builtins(latency),
        ("share of the stack's capacity", "events/s", "probes", "p50 s", "p99 s"),
        [
            (
                f"{level.share:.0%}",
                f"{level.load.answered_events_per_second:,.0f}",
                f"{level.probes:,}",
                f"{level.p50_seconds:.2f}",
                f"{level.p99_seconds:.2f}",
            )
            for level in latency.levels
        ],
    )


async def _scaling(plan: Plan, say: Say) -> Findings:
    scaling = await measure_scaling(_SCALING_EVENTS, _SCALING_ROUNDS, plan.seed)
    times = {1: ("1", "1"), 2: (f"{scaling.by_wall_clock:.2f}", f"{scaling.by_cpu:.2f}")}
    headers = (
        *("workers", "events/s", "their CPU us per event", "the broker's"),
        *(f"times, of {scaling.limit_here:.2f} possible here", "times, by CPU time"),
    )
    return Findings(
        asdict(scaling),
        headers,
        [
            (
                f"{reached.workers}",
                f"{reached.events_per_second:,.0f}",
                f"{reached.worker_cpu_us:.1f}",
                f"{reached.broker_cpu_us:.1f}",
                *times[reached.workers],
            )
            for reached in (scaling.one, scaling.two)
        ],
    )


async def _growth(plan: Plan, say: Say) -> Findings:
    result: dict[str, object] = {}
    rows: list[tuple[str, str, str, str]] = []
    for name, case in CASES.items():
        say(case.label(name))
        grown = measure_growth(case, _GROWTH_EVENTS, _GROWTH_ROUNDS)
        result[name] = asdict(grown)
        small, large = f"{grown.small.take_in_us:.2f}", f"{grown.large.take_in_us:.2f}"
        rows.append((f"{case.label(name)}: an event", small, large, f"{grown.ratio:.2f}"))
    aggregates = measure_windows(_GROWTH_ROUNDS, _GROWTH_EVENTS // 40) | measure_contents(
        6 * _GROWTH_ROUNDS, 200
    )
    for name, seen in aggregates.items():
        result[name] = asdict(seen)
        small, large = f"{seen.small_us:,.0f}", f"{seen.large_us:,.0f}"
        rows.append((f"{name}: a second", small, large, f"{seen.ratio:.2f}"))
    return Findings(result, ("what grows", "CPU us, small", "large", "ratio"), rows)


async def _memory(plan: Plan, say: Say) -> Findings:
    memory = measure_memory(_VIEWS, _CONTENTS)
    rows = (
        ("open view, with its viewer and two ids", memory.per_view),
        ("content that gained something since the last publication", memory.per_content),
        ("value of a dimension in a pane of a partition", memory.per_slice),
    )
    return Findings(
        asdict(memory), ("one", "bytes"), [(name, f"{size:,.0f}") for name, size in rows]
    )


async def _dedupe(plan: Plan, say: Say) -> Findings:
    say(f"{_IDS:,} event ids over 24 hours")
    filled = measure_filling(_IDS, 1)
    say(f"{_IDS // 2:,} restored")
    restored = measure_restore(_IDS // 2, 1)
    return Findings(
        asdict(filled) | asdict(restored),
        (f"{_IDS:,} event ids", "measured"),
        rows_of_ids(filled, restored),
    )


async def _flow(plan: Plan, say: Say) -> Findings:
    flow = measure_flow(_FLOW_EVENTS_PER_SECOND, _FLOW_SECONDS, plan.seed)
    return Findings(asdict(flow), ("what", "measured"), rows_of_flow(flow))


SCALE_STEPS = (
    Step("latency", "From the API's receipt to `/metrics`", _latency),
    Step("scaling", "A second worker", _scaling),
    Step("growth", "What an event costs as things grow", _growth),
    Step("memory", "Memory of a worker", _memory),
    Step("dedupe", "Event ids that a worker remembers", _dedupe),
    Step("flow", "What an event leads to", _flow),
)
