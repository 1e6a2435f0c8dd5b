"""API keys: who may do what. Only their hashes are kept."""

from collections.abc import Iterable
from enum import Enum
from hashlib import sha256
from hmac import compare_digest

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
        self._hashes = [
            (_digest(key), key.startswith("sk_"), not self._is_foreign(key)) for key in keys
        ]

    def check(self, authorization: str | None, x_api_key: str | None, scope: Scope) -> bytes:
        """Let a request with these two headers pass, or refuse it; the hash of its key.

        Raises:
            ApiError: 401 without a valid key; 403 for a key of the other environment, or one that
                may not do this.
        """
        key = _key_of(authorization, x_api_key)
        digest = _digest(key)
        is_known = is_secret = False
        # Every hash is compared, so the time taken tells nothing about which one is close.
        for known, secret, own in self._hashes:
            if compare_digest(known, digest) and own:
                is_known, is_secret = True, secret
        if not is_known:
            raise self._refusal(key)
        if scope is Scope.READ and not is_secret:
            raise ApiError(
                403, FORBIDDEN, "a publishable key (pk_…) may only send events; use a secret key"
            )
        return digest

    def _refusal(self, key: str) -> ApiError:
        """Why a key is not taken."""
        if self._is_foreign(key):
            return ApiError(
                403,
                ENVIRONMENT_MISMATCH,
                f"this is a {key.split('_')[1]} key; the deployment takes {self._environment} keys",
            )
        return ApiError(401, UNAUTHORIZED, "the API key is not known", headers=_CHALLENGE)

    def _is_foreign(self, key: str) -> bool:
        """Whether a key says itself that it is of another environment."""
        kind, _, rest = key.partition("_")
        environment = rest.partition("_")[0]
        return (
            kind in ("pk", "sk")
            and environment in _ENVIRONMENTS
            and environment != self._environment
        )


def _key_of(authorization: str | None, x_api_key: str | None) -> str:
    """The key; other schemes of ``Authorization`` are for whoever stands before the API."""
    scheme, _, key = (authorization or "").partition(" ")
    found = (key if scheme.lower() == "bearer" else x_api_key or "").strip()
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
