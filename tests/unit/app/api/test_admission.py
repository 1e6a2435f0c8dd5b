"""Who gets the live figures without a key: only requests from and for the machine itself."""

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request

from app.api.admission import Admission, is_from_here, is_loopback
from app.api.errors import ApiError
from app.api.keys import ApiKeys
from app.api.rate_limit import RateLimit
from app.settings import Address


def refusal(address: str, headers: dict[str, str], limit: int = 100) -> tuple[int, str] | None:
    """Status and code with which a reader is refused; None: it may come in."""
    keys = ApiKeys(("pk_test_demo", "sk_test_demo"), "test")
    admission = Admission(keys, RateLimit(limit), Address(address, 8080))
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    try:
        admission.admit_reader(Request({"type": "http", "headers": raw}))
    except ApiError as error:
        return error.status, error.code
    return None


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8080"),
        *("127.9.9.9", "[::1]", "[::1]:8080"),
    ],
)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_no_key_where_the_request_names_it(address: str, host: str) -> None:
    assert refusal(address, {"Host": host}) is None


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.example"),
        *("", "192.168.1.2:8080", "[::2]:8080", "[", "localhost@evil.example"),
    ],
)
def test_name_that_someone_made_lead_here_is_refused(host: str) -> None:
    assert refusal("127.0.0.1", {"Host": host}) == (401, "UNAUTHORIZED")


def test_request_without_a_host_is_refused() -> None:
    assert refusal("127.0.0.1", {}) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.2", "api.example"])  # noqa: S104 - compared, not bound
def test_address_that_others_reach_needs_a_key(address: str) -> None:
    assert refusal(address, {"Host": "localhost:8080"}) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "203.0.113.9"},
        {"Via": "1.1 proxy"},
    ],
    ids=str,
)
def test_another_site_and_a_proxy_are_refused(header: dict[str, str]) -> None:
    assert refusal("127.0.0.1", {"Host": "localhost:8080", **header}) == (401, "UNAUTHORIZED")


def test_the_page_itself_may_read() -> None:
    own = {"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"}
    assert is_from_here(Headers({"host": "localhost:8080", **own}))


def test_key_is_checked_wherever_it_comes_from() -> None:
    local = {"Host": "localhost"}
    secret = {"Authorization": "Bearer sk_test_demo"}
    assert refusal("127.0.0.1", {**local, **secret}) is None
    assert refusal("0.0.0.0", {"Host": "api.example", **secret}) is None  # noqa: S104 - not bound
    assert refusal("127.0.0.1", {**local, "X-API-Key": "sk_test_wrong"}) == (401, "UNAUTHORIZED")
    assert refusal("127.0.0.1", {**local, "X-API-Key": "pk_test_demo"}) == (403, "FORBIDDEN")
    assert refusal("127.0.0.1", {**local, "X-API-Key": "sk_live_x"}) == (
        403,
        "ENVIRONMENT_MISMATCH",
    )
    assert refusal("127.0.0.1", {**local, **secret}, limit=0) == (429, "RATE_LIMITED")


def test_loopback_is_the_machine_itself_and_nothing_that_looks_like_it() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost")] == [True] * 3
    assert [is_loopback(host) for host in ("", "128.0.0.1", "localhost2", "::")] == [False] * 4
