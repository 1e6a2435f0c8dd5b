from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.viewers.incidents import QUIET, Conditions, Effect, Incident, Rollout, Span
from app.viewers.population import draw_viewer

SPAN = Span(1_000, 11_000, rise_ms=2_000, fall_ms=4_000)
WORST = Conditions(
    stalls_per_second=0.4, stall_median_ms=2_450.0, startup_factor=5.0, start_failure_chance=0.2
)
ON_A = {"cdn": "cdn-a", "appVersion": "1"}


def dice() -> Random:
    return Random(1)  # noqa: S311 - a simulation, not a secret


def incident(*effects: Effect, rollouts: tuple[Rollout, ...] = ()) -> Incident:
    return Incident("trouble", "cdn", "cdn-a", 1_000, 11_000, effects, rollouts)


@pytest.mark.parametrize(
    ("at_ms", "strength"),
    [
        (999, 0.0),
        (1_000, 0.0),
        (2_000, 0.5),
        (3_000, 1.0),
        (7_000, 1.0),
        (9_000, 0.5),
        (10_999, 0.00025),
        (11_000, 0.0),
    ],
)
def test_span_rises_holds_and_falls(at_ms: int, strength: float) -> None:
    assert SPAN.strength(at_ms) == pytest.approx(strength)


def test_span_without_ramps_is_there_at_once() -> None:
    span = Span(1_000, 2_000)
    assert [span.strength(at) for at in (999, 1_000, 1_999, 2_000)] == [0.0, 1.0, 1.0, 0.0]


@given(st.integers(0, 20_000))
def test_strength_stays_between_0_and_1(at_ms: int) -> None:
    assert 0.0 <= SPAN.strength(at_ms) <= 1.0


def test_effect_mixes_quiet_and_worst_by_its_strength() -> None:
    effect = Effect("cdn", "cdn-a", SPAN, WORST)
    half = effect.conditions(ON_A, 2_000)
    assert half.startup_factor == pytest.approx(3.0)
    assert half.start_failure_chance == pytest.approx(0.1)
    assert half.stall_median_ms == pytest.approx((450 + 2_450) / 2)
    assert half.leave_chance == 0.0
    assert effect.conditions(ON_A, 5_000) == pytest.approx(WORST)


def test_effect_spares_other_values_and_other_times() -> None:
    effect = Effect("cdn", "cdn-a", SPAN, WORST)
    assert effect.conditions({"cdn": "cdn-b"}, 5_000) is QUIET
    assert effect.conditions({}, 5_000) is QUIET
    assert effect.conditions(ON_A, 11_000) is QUIET


def test_of_several_effects_the_worst_of_each_property_counts() -> None:
    slow = Effect("cdn", "cdn-a", Span(0, 9), QUIET._replace(startup_factor=5.0))
    broken = Effect("appVersion", "1", Span(0, 9), QUIET._replace(playback_failure_chance=0.3))
    both = incident(slow, broken)
    assert both.conditions(ON_A, 5) == QUIET._replace(
        startup_factor=5.0, playback_failure_chance=0.3
    )
    assert both.conditions({"cdn": "cdn-a"}, 5) == QUIET._replace(startup_factor=5.0)


def test_rollout_reaches_its_share_of_the_new_sessions() -> None:
    rollout = Rollout("9", 0.6, Span(0, 10_000, rise_ms=5_000))
    rng = dice()
    viewer = draw_viewer(rng, rng)

    def reached(at_ms: int) -> float:
        versions = [rollout.reach(viewer, rng, at_ms).app_version for _ in range(4_000)]
        return versions.count("9") / 4_000

    assert reached(2_500) == pytest.approx(0.3, abs=0.03)
    assert reached(7_000) == pytest.approx(0.6, abs=0.03)
    assert reached(10_000) == 0.0


def test_rollout_changes_only_the_version() -> None:
    rng = dice()
    viewer = draw_viewer(rng, rng)
    changed = incident(rollouts=(Rollout("9", 1.0, SPAN),)).reach(viewer, rng, 5_000)
    assert changed == replace(viewer, app_version="9")


def test_nothing_is_drawn_outside_a_rollout() -> None:
    rng = dice()
    viewer = draw_viewer(rng, rng)
    before = rng.getstate()
    assert incident(rollouts=(Rollout("9", 1.0, SPAN),)).reach(viewer, rng, 500) is viewer
    assert rng.getstate() == before


def test_incident_hits_its_slice_while_it_lasts() -> None:
    trouble = incident()
    assert trouble.hits("cdn-a", 1_000)
    assert not trouble.hits("cdn-a", 11_000)
    assert not trouble.hits("cdn-b", 5_000)
