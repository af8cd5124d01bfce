"""Whom messages may be sent to."""

from ipaddress import ip_address

import pytest

from app.adapters.webhook_guard import Guard, Target
from app.errors import InvalidRequest

PUBLIC = "93.184.215.14"


def guard(*hosts, addresses=(PUBLIC,), private=False):
    return Guard(hosts, private=private, resolver=lambda *_: list(addresses))


def refused(guard, url):
    with pytest.raises(InvalidRequest) as caught:
        guard.check(url)
    assert [fault.place for fault in caught.value.faults] == ["body.webhook.url"]
    return str(caught.value)


def test_an_allowed_host_is_reached_at_the_address_that_was_checked():
    target = guard("hooks.example.org").target("https://Hooks.example.org./a/b?c=d#e")
    assert (target.authority, target.path) == ("hooks.example.org", "/a/b?c=d")
    assert [target.url_of(each) for each in target.addresses] == [f"https://{PUBLIC}/a/b?c=d"]


def test_nobody_may_be_told_unless_an_operator_says_so():
    message = refused(guard(), "https://example.org/hook")
    assert "SOUNDKIN_WEBHOOK_HOSTS (now: none)" in message


@pytest.mark.parametrize("host", ["a.example.org", "a.b.example.org", "A.EXAMPLE.ORG"])
def test_a_star_stands_for_every_name_below(host):
    guard("*.Example.org").check(f"https://{host}/")


@pytest.mark.parametrize(
    "host", ["example.org", "badexample.org", "a.example.org.evil.com", "evil.com", ".example.org", "example.com"]
)
def test_a_star_stands_for_no_other_name(host):
    assert "may not be sent" in refused(guard("*.example.org", "b.example.com"), f"https://{host}/")


@pytest.mark.parametrize("host", ["a..example.org", f"{'a' * 64}.example.org", "a\ud800.example.org"])
def test_what_cannot_be_the_name_of_a_host_is_refused(host):
    """Of the system, which looks it up, it would be an error of its own kind."""
    assert "no name of a host" in refused(Guard(["*.example.org"]), f"https://{host}/")


def test_a_name_beyond_ascii_is_looked_up_and_sent_as_machines_write_it():
    asked = []
    there = Guard(["*.example.org"], resolver=lambda host, _: asked.append(host) or [PUBLIC])
    assert there.target("https://Bücher.example.org/").authority == "xn--bcher-kva.example.org"
    assert asked == ["xn--bcher-kva.example.org"]


def test_another_port_than_the_usual_one_is_allowed_by_name():
    assert "'example.org:8443'" in refused(guard("example.org"), "https://example.org:8443/")
    guard("example.org:8443").check("https://example.org:8443/")
    guard("example.org").check("https://example.org:443/")
    assert "may not be sent" in refused(guard("example.org:8443"), "https://example.org/")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://example.org/", "not like https"),
        ("//example.org/", "not like https"),
        ("https:///path", "not like https"),
        ("https://user@example.org/", "user name or password"),
        ("https://user:pass@example.org/", "user name or password"),
        ("https://example.org:99999/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("http://example.org/", "take https"),
        ("https://example.org@evil.com/", "user name or password"),
        ("https://evil.com/#@example.org", "may not be sent"),
        ("https://evil.com\\@example.org/", "user name or password"),
    ],
)
def test_addresses_that_are_none_or_hide_something_are_refused(url, says):
    assert says in refused(guard("example.org"), url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.215.14",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "64:ff9b::7f00:1",
    ],
)
def test_addresses_that_are_not_of_the_public_internet_are_refused(address):
    for addresses in ([address], [PUBLIC, address]):
        message = refused(guard("example.org", addresses=addresses), "https://example.org/")
        assert str(ip_address(address.partition("%")[0])) in message
        assert "SOUNDKIN_WEBHOOK_PRIVATE" in message


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_allowed(address):
    guard("example.org", addresses=[address]).check("https://example.org/")


def test_an_operator_can_allow_the_own_network_and_plain_http():
    private = guard("hooks.lan", "[::1]:8080", addresses=["192.168.1.5"], private=True)
    assert private.target("http://hooks.lan/x").url_of(private.target("http://hooks.lan/x").addresses[0]) == (
        "http://192.168.1.5/x"
    )
    here = guard("[::1]:8080", addresses=["::1"], private=True).target("http://[::1]:8080/")
    assert (here.authority, here.url_of(here.addresses[0])) == ("[::1]:8080", "http://[::1]:8080/")
    for never in ("0.0.0.0", "ff02::1"):
        assert never in refused(guard("hooks.lan", addresses=[never], private=True), "https://hooks.lan/")


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.1"])
def test_other_spellings_of_this_machine_are_refused_even_if_they_are_listed(host):
    assert "127.0.0.1" in refused(Guard([host]), f"https://{host}/")


def test_a_name_that_cannot_be_looked_up_now_is_not_refused_for_ever():
    def away(host, port):
        raise OSError("no such name")

    there = Guard(["example.org"], resolver=away)
    there.check("https://example.org/")
    with pytest.raises(OSError, match="no such name"):
        there.target("https://example.org/")
    with pytest.raises(OSError, match="no address"):
        guard("example.org", addresses=[]).target("https://example.org/")


def test_a_target_names_its_port_unless_it_is_the_usual_one():
    assert Target("http", "a.org", 443, "/", []).authority == "a.org:443"
    assert Target("https", "a.org", 443, "/", []).authority == "a.org"
