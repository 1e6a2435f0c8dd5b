"""Whether the process of a container answers: ``python -m app.probe [URL]``.

The image has no curl. Without a URL it asks both addresses of the settings, since one image runs
the API as well as the worker, and one that answers is enough.
"""

import sys
from collections.abc import Sequence
from http.client import HTTPException
from urllib.request import urlopen

from app.settings import Settings, load_settings

TIMEOUT_SECONDS = 3.0
"""How long one address may take to answer."""


def is_healthy(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> bool:
    """Whether ``url`` answers with a success. An unreachable server is an answer too: no."""
    try:
        with urlopen(url, timeout=timeout_seconds):  # noqa: S310 - the operator's own URL
            return True
    except (OSError, HTTPException):
        # An error status is an HTTPError, which is an OSError.
        return False


def default_urls(settings: Settings) -> list[str]:
    """The liveness of the API and of the worker, where the settings have them listen."""
    addresses = (settings.api_address, settings.metrics_address)
    return [f"{address.url}/healthz" for address in addresses]


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 where any of the URLs answers, otherwise 1.

    Raises:
        SettingsError: no URL is given and an environment variable has an unusable value.
    """
    urls = list(arguments) or default_urls(load_settings())
    if any(is_healthy(url) for url in urls):
        return 0
    print(f"no answer from {' or '.join(urls)}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
