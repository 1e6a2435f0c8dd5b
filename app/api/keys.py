"""API keys: who may do what. Only their hashes are kept."""

import hmac
from collections.abc import Iterable
from enum import Enum
from hashlib import sha256

from app.api.errors import ENVIRONMENT_MISMATCH, FORBIDDEN, UNAUTHORIZED, ApiError

_ENVIRONMENTS = ("live", "test")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="playvitals"'}


class Scope(Enum):
    """What a key may do: publishable keys send, secret keys send and read."""

    SEND = "send"
    READ = "read"


class ApiKeys:
    """The keys of a deployment, which serves one environment."""

    def __init__(self, keys: Iterable[str], environment: str) -> None:
        self._environment = environment
        self._hashes = [(_digest(key), key.startswith("sk_")) for key in keys]

    def check(self, authorization: str | None, x_api_key: str | None, scope: Scope) -> bytes:
        """Let a request with these two headers pass, or refuse it; the hash of its key.

        Raises:
            ApiError: 401 without a valid key; 403 for a key of the other environment, or one that
                may not do this.
        """
        key = _key_of(authorization, x_api_key)
        kind, _, rest = key.partition("_")
        environment = rest.partition("_")[0]
        if (
            kind in ("pk", "sk")
            and environment in _ENVIRONMENTS
            and environment != self._environment
        ):
            raise ApiError(
                403,
                ENVIRONMENT_MISMATCH,
                f"this is a {environment} key; the deployment takes {self._environment} keys",
            )
        digest = _digest(key)
        # Every hash is compared, so the time taken tells nothing about which one is close.
        found = [secret for known, secret in self._hashes if hmac.compare_digest(known, digest)]
        if not found:
            raise ApiError(401, UNAUTHORIZED, "the API key is not known", headers=_CHALLENGE)
        if scope is Scope.READ and not found[0]:
            raise ApiError(
                403, FORBIDDEN, "a publishable key (pk_…) may only send events; use a secret key"
            )
        return digest


def _key_of(authorization: str | None, x_api_key: str | None) -> str:
    """The key; other schemes of ``Authorization`` are for whoever stands before the API."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        found = key.strip()
    else:
        found = (x_api_key or "").strip()
    if found:
        return found
    raise ApiError(
        401,
        UNAUTHORIZED,
        "an API key is required: send Authorization: Bearer pk_… or X-API-Key: pk_…",
        headers=_CHALLENGE,
    )


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
