"""What ``make bench`` measures: one step after the other, each with a report and a table.

A new measurement joins by a function that returns :class:`bench.step.Findings`, and a line in
:data:`STEPS`.
"""

from dataclasses import asdict

import msgspec

from app.ports import free_port_pair
from bench.api_throughput import measure_api_levels
from bench.comparison import HEADERS, measure_comparison, rows
from bench.restart import measure_restart
from bench.scale_steps import SCALE_STEPS
from bench.step import Findings, Plan, Say, Step

RECOVERY_VIEWERS = (100_000, 300_000)


async def _peers(plan: Plan, say: Say) -> Findings:
    comparison = await measure_comparison(plan.seconds, plan.sustained_seconds, plan.seed, say)
    ratios = {name: round(comparison.ratio(name), 3) for name in comparison.peers}
    return Findings(msgspec.to_builtins(comparison) | {"ratios": ratios}, HEADERS, rows(comparison))


async def _api(plan: Plan, say: Say) -> Findings:
    levels = await measure_api_levels(free_port_pair(), plan.seconds)
    return Findings(
        {name: asdict(level) for name, level in levels.items()},
        ("load", "events/s", "CPU us per event", "share of a core", "p50 ms", "p99 ms"),
        [
            (
                name.replace("_", " "),
                f"{level.events_per_second:,.0f}",
                f"{level.cpu_us_per_event:.1f}",
                f"{level.core_share:.0%}",
                f"{level.p50_ms:.1f}",
                f"{level.p99_ms:.1f}",
            )
            for name, level in levels.items()
        ],
    )


async def _recovery(plan: Plan, say: Say) -> Findings:
    found = []
    for viewers in RECOVERY_VIEWERS:
        say(f"{viewers:,} open views")
        found.append(await measure_restart(viewers, free_port_pair()))
    return Findings(
        {f"views_{restart.viewers}": asdict(restart) for restart in found},
        ("open views", "checkpoints MiB", "ready after s", "events of state/s", "longest pause ms"),
        [
            (
                f"{restart.viewers:,}",
                f"{restart.stored_mib:,.0f}",
                f"{restart.ready_seconds:.1f}",
                f"{restart.restored_events_per_second:,.0f}",
                f"{restart.longest_pause_ms:.0f}",
            )
            for restart in found
        ],
    )


STEPS = (
    Step("peers", "The worker beside other programs", _peers),
    Step("api", "The events API, `acks=all`", _api),
    Step("recovery", "A worker killed and started again", _recovery),
    *SCALE_STEPS,
)
