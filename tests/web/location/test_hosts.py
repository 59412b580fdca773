import socket

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.web.location.hosts import Hosts, name_in, parse_allowed_host

ALLOWED = {
    "videos.example": "videos.example",
    "Videos.EXAMPLE.": "videos.example",
    " box ": "box",
    "my_box.lan": "my_box.lan",
    "machine.tailnet.ts.net": "machine.tailnet.ts.net",
    "bücher.example": "xn--bcher-kva.example",
    "192.168.1.7": "192.168.1.7",
    "FD00::7": "fd00::7",
    "[fd00:0::7]": "fd00::7",
    "localhost.": "localhost",
}
REFUSED = {
    "https://videos.example/": "videos.example",
    "videos.example:8443": "videos.example",
    "//videos.example/vifi": "videos.example",
    "https://videos.example:8443/vifi?q=x": "videos.example",
    "[fd00::7]:8765": "fd00::7",
    "box/vifi": "box",
}
SENSELESS = [
    "",
    ".",
    "*",
    "*.example",
    "https://*.example",
    "a b",
    "a..b",
    "-a.example",
    "1.2.3",
    "a" * 64,
]


@pytest.mark.parametrize(("text", "name"), ALLOWED.items())
def test_a_name_is_compared_in_one_form(text: str, name: str) -> None:
    assert parse_allowed_host(text) == name


@pytest.mark.parametrize(("text", "name"), REFUSED.items())
def test_an_address_in_place_of_a_name_is_refused_with_the_name_in_it(text: str, name: str) -> None:
    with pytest.raises(InvalidInput, match=f"write --allow-host {name}$"):
        parse_allowed_host(text)


@pytest.mark.parametrize("text", SENSELESS)
def test_what_names_no_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="one name in full"):
        parse_allowed_host(text)


def test_an_allowed_name_is_known_with_any_port_and_spelling_and_no_other_is() -> None:
    hosts = Hosts(allowed=frozenset({"videos.example", "192.168.1.7", "fd00::7"}))
    for host in (
        "videos.example",
        "VIDEOS.example:443",
        "videos.example.",
        "videos.example.:8443",
        "192.168.1.7:80",
    ):
        assert hosts.include(host)
    assert hosts.include("[fd00:0:0::7]:8765")
    assert hosts.include("127.0.0.1:8765")
    for host in (
        "evil.videos.example",
        "videos.example.evil",
        "videos.example..",
        "192.168.1.8",
        "fd00::7",
        "[fd00::8]",
    ):
        assert not hosts.include(host)
    for host in ("videos.example@evil", "evil/videos.example", "videos.example:80:80", "", "localhost."):
        assert not hosts.include(host)
    assert name_in("") is None


@pytest.mark.parametrize("own", ["box", "Box.lan", "Box.local"])
def test_the_machines_own_name_is_known_if_it_is_open_to_others(
    monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: own)
    for name in ("box", "BOX:8765", own, "box.local"):
        assert Hosts(exposed=True).include(name)
        assert not Hosts().include(name)
    assert not Hosts(exposed=True).include("box.example")
