"""Who may come in: by an API key, or from the machine itself where nobody else can get here."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope as ConnectionScope

from app.api.errors import RATE_LIMITED, ApiError
from app.api.keys import ApiKeys, Scope
from app.api.rate_limit import RateLimit
from app.settings import Address

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_OWN_SITE = ("same-origin", "none")


class Admission:
    """Lets requests pass or refuses them, and counts those with a key.

    Args:
        address: where the API listens.
    """

    def __init__(self, keys: ApiKeys, limit: RateLimit, address: Address) -> None:
        self._keys = keys
        self._limit = limit
        self._is_local = is_loopback(address.host)

    def admit(self, request: Request, scope: Scope) -> None:
        """Let a request with a key for ``scope`` pass.

        Raises:
            ApiError: 401 or 403 for its key, or 429.
        """
        headers = request.headers
        self.admit_key(request.scope, headers.get("authorization"), headers.get("x-api-key"), scope)

    def admit_key(
        self,
        connection: ConnectionScope,
        authorization: str | None,
        x_api_key: str | None,
        scope: Scope,
    ) -> None:
        """Let a request with these two headers pass; its ``connection`` tells what is left.

        Raises:
            ApiError: 401 or 403 for its key, or 429.
        """
        allowance = self._limit.count(self._keys.check(authorization, x_api_key, scope))
        connection["playvitals.allowance"] = allowance
        if allowance.exceeded:
            raise ApiError(
                429,
                RATE_LIMITED,
                f"over {allowance.limit} requests a minute with this key",
                headers={"Retry-After": str(allowance.reset_seconds)},
            )

    def admit_reader(self, request: Request) -> None:
        """Let a request with a secret key pass, or one without any from this machine.

        Raises:
            ApiError: 401 or 403 for its key, or 429.
        """
        headers = request.headers
        has_key = "authorization" in headers or "x-api-key" in headers
        if has_key or not (self._is_local and is_from_here(headers)):
            self.admit(request, Scope.READ)


def is_from_here(headers: Headers) -> bool:
    """Whether a request to a loopback address was meant for it.

    A name that someone else made resolve to this machine is no loopback name, another site's page
    tells where it comes from, and what a proxy passed on comes from anywhere.
    """
    host = headers.get("host", "")
    return (
        is_loopback(_host_name(host))
        and headers.get("origin", f"http://{host}") == f"http://{host}"
        and headers.get("sec-fetch-site", "none") in _OWN_SITE
        and not any(name in headers for name in _FORWARDED)
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is that of the machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _host_name(host: str) -> str:
    """The name or address in a ``Host`` header; empty where it has none that can be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
