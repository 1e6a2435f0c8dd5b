"""Which addresses can be listened on, and what is said of the others."""

import socket
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from app.ports import free_port_pair, ip_address_of, require_free
from app.settings import Address
from models.errors import OperatorError


def test_a_free_port_is_free_and_stays_so(free_port: Callable[[], int]) -> None:
    address = Address("127.0.0.1", free_port())
    require_free([("SETTING", address)])
    require_free([("SETTING", address)])


def test_a_taken_port_is_named_with_its_setting_and_another_to_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(OperatorError) as caught:
            require_free([("SETTING", Address("127.0.0.1", port))])
    assert f"port {port} (127.0.0.1:{port}) is taken" in str(caught.value)
    assert "SETTING=127.0.0.1:" in str(caught.value)


def test_an_address_of_another_machine_is_refused() -> None:
    # A documentation address (RFC 5737): no machine has it.
    with pytest.raises(OperatorError, match=r"cannot listen on 192\.0\.2\.1:8080.*set SETTING"):
        require_free([("SETTING", Address("192.0.2.1", 8080))])


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"cannot listen on host\.invalid:8080"):
        require_free([("SETTING", Address("host.invalid", 8080))])


def test_one_port_for_two_settings_is_refused(free_port: Callable[[], int]) -> None:
    address = Address("127.0.0.1", free_port())
    with pytest.raises(OperatorError, match="FIRST"):
        require_free([("FIRST", address), ("SECOND", address)])


def test_a_pair_of_free_ports_lies_side_by_side() -> None:
    port = free_port_pair()
    require_free([("A", Address("127.0.0.1", port)), ("B", Address("127.0.0.1", port + 1))])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])  # noqa: S104 - not bound
def test_ip_address_is_its_own(host: str) -> None:
    assert ip_address_of(Address(host, 8080)) == host


def test_ip_address_of_a_name() -> None:
    assert ip_address(ip_address_of(Address("localhost", 8080))).is_loopback
