"""Whether the addresses of the settings can be listened on, asked before anything starts."""

import errno
import socket
from collections.abc import Iterable
from typing import Any

from app.settings import Address
from models.errors import OperatorError


def require_free(addresses: Iterable[tuple[str, Address]]) -> None:
    """Check that each address can be listened on; the first of a pair is its setting's name.

    Raises:
        OperatorError: one cannot; the message names the port and the setting to change.
    """
    taken: dict[Address, str] = {}
    for setting, address in addresses:
        if address in taken:
            raise OperatorError(
                f"{setting} and {taken[address]} are both {address}; give each its own port"
            )
        taken[address] = setting
        _require_free(setting, address)


def ip_address_of(address: Address) -> str:
    """The IP address of an address's host, for servers that know no names.

    Raises:
        OSError: the name has none.
    """
    return str(_resolve(address)[4][0])


def _resolve(address: Address) -> tuple[int, int, int, str, tuple[Any, ...]]:
    return socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]


def _require_free(setting: str, address: Address) -> None:
    change = f"set {setting} to another address"
    try:
        family, kind, protocol, _, target = _resolve(address)
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
            # On some systems only listening meets another listener.
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OperatorError(
                f"port {address.port} ({address}) is taken by another program; "
                f"stop that program or {change}, for example "
                f"{setting}={Address(address.host, _next_port(address.port))}"
            ) from None
        reason = error.strerror or str(error)
        raise OperatorError(f"cannot listen on {address}: {reason}; {change}") from None


def _next_port(port: int) -> int:
    return port + 1 if port < 65535 else port - 1


def free_port_pair() -> int:
    """A port of loopback that is free together with the one after it, for a moment at least.

    Raises:
        OperatorError: no such pair was found.
    """
    for _ in range(50):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise OperatorError("found no two free ports side by side on 127.0.0.1; try again")
