"""API keys: who may do what."""

import pytest

from app.api.errors import ApiError
from app.api.keys import ApiKeys, Scope

KEYS = ApiKeys(["pk_test_a", "sk_test_b", "pk_live_c"], "test")


@pytest.mark.parametrize(
    ("authorization", "x_api_key"),
    [("Bearer pk_test_a", None), ("bearer  sk_test_b ", None), (None, "pk_test_a")],
)
def test_known_key_may_send(authorization: str | None, x_api_key: str | None) -> None:
    KEYS.check(authorization, x_api_key, Scope.SEND)


def test_only_secret_keys_read() -> None:
    KEYS.check(None, "sk_test_b", Scope.READ)
    with pytest.raises(ApiError) as caught:
        KEYS.check(None, "pk_test_a", Scope.READ)
    assert (caught.value.status, caught.value.code) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("pk_test_x", 401, "UNAUTHORIZED"),
        ("", 401, "UNAUTHORIZED"),
        ("pk_test_a ü", 401, "UNAUTHORIZED"),
        ("pk_live_c", 403, "ENVIRONMENT_MISMATCH"),
        ("sk_live_unknown", 403, "ENVIRONMENT_MISMATCH"),
        ("xk_live_c", 401, "UNAUTHORIZED"),
    ],
)
def test_other_keys_are_refused(key: str, status: int, code: str) -> None:
    for authorization, x_api_key in ((f"Bearer {key}", None), (None, key)):
        with pytest.raises(ApiError) as caught:
            KEYS.check(authorization, x_api_key, Scope.SEND)
        assert (caught.value.status, caught.value.code) == (status, code)


def test_each_key_has_a_hash_of_its_own_and_is_not_kept() -> None:
    first = KEYS.check(None, "pk_test_a", Scope.SEND)
    assert first != KEYS.check(None, "sk_test_b", Scope.SEND)
    assert len(first) == 32
    assert "pk_test_a" not in repr(vars(KEYS))


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "status"),
    [
        ("Basic cGs6", "pk_test_a", None),
        ("", "pk_test_a", None),
        ("Bearer pk_test_a", "pk_test_x", None),
        ("Bearer pk_test_x", "pk_test_a", 401),
        ("Bearer", "pk_test_a", 401),
        ("Basic cGs6", "pk_test_x", 401),
        ("Basic cGs6", "", 401),
    ],
)
def test_bearer_goes_before_the_other_header_and_other_schemes_do_not_count(
    authorization: str, x_api_key: str, status: int | None
) -> None:
    if status is None:
        KEYS.check(authorization, x_api_key, Scope.SEND)
        return
    with pytest.raises(ApiError) as caught:
        KEYS.check(authorization, x_api_key, Scope.SEND)
    assert caught.value.status == status


@pytest.mark.parametrize("authorization", ["Basic cGs6", "Bearer", "Bearer ", "pk_test_a"])
def test_other_schemes_are_no_key(authorization: str) -> None:
    with pytest.raises(ApiError) as caught:
        KEYS.check(authorization, None, Scope.SEND)
    assert caught.value.status == 401
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer")
