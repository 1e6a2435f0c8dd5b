"""Refusals."""

from models.verdicts import MISSING_FIELD, REASONS, TOO_OLD, Fault, Refusal


def test_first_fault_is_the_verdict() -> None:
    faults = (Fault(MISSING_FIELD, "event", "m"), Fault(TOO_OLD, "timestamp", "t"))
    assert Refusal(faults).reason == "missing_field"


def test_reasons_are_those_of_the_contract() -> None:
    assert set(REASONS) == {
        "missing_field",
        "invalid_type",
        "invalid_content_id",
        "unknown_content",
        "out_of_range",
        "too_old",
        "malformed",
        "too_large",
    }
