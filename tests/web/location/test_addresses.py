import ipaddress
import socket

import pytest

from vifi_cli.web.location.addresses import addresses_of, network_hosts
from vifi_cli.web.server import listen


def test_an_address_has_the_port_and_the_path_of_the_page() -> None:
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        assert addresses_of(listening) == [f"http://127.0.0.1:{port}/"]
        assert addresses_of(listening, "/vifi") == [f"http://127.0.0.1:{port}/vifi/"]


def test_ipv6_stands_in_brackets() -> None:
    with listen("::1", 0) as listening:
        assert addresses_of(listening) == [f"http://[::1]:{listening.getsockname()[1]}/"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_on_all_addresses_is_reached_at_each_of_them(host: str) -> None:
    with listen(host, 0) as listening:
        port = listening.getsockname()[1]
        expected = [f"http://{each}:{port}/" for each in (*network_hosts(), "127.0.0.1")]
        assert addresses_of(listening) == expected
        for each in (*network_hosts(), "127.0.0.1"):
            socket.create_connection((each, port), timeout=60).close()


def test_network_addresses_are_those_of_other_machines() -> None:
    for host in network_hosts():
        address = ipaddress.ip_address(host)
        assert not address.is_loopback
        assert not address.is_unspecified
