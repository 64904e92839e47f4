"""Real queries to a server with a correct zone or with each kind of error."""

import re
from collections.abc import Mapping

import pytest

from bot.doctor import dns, lookup
from bot.doctor.findings import DoctorOptions, Finding, State
from bot.model.text import Language
from bot.settings.model import DnsSettings, PreviewSettings, Settings
from tests.doctor.nameserver import Answer, nameserver, patient

__all__ = ["patient"]
pytestmark = pytest.mark.usefixtures("patient")

DOMAIN = "test.example.com"
ADDRESS = "10.0.0.5"


def by_type(answers: Mapping[str, str | None]) -> Answer:
    return lambda _name, kind: answers.get(kind, "")


async def findings(answer: Answer, address: str = "") -> list[Finding]:
    async with nameserver(answer) as server:
        settings = Settings(
            preview=PreviewSettings(domain=DOMAIN), dns=DnsSettings(address=address, servers=(server,))
        )
        return list(await dns.check(DoctorOptions(settings)))


async def test_a_wildcard_zone_passes_and_is_queried_for_random_names() -> None:
    queries: list[tuple[str, str]] = []

    def answer(name: str, kind: str) -> str:
        queries.append((name, kind))
        return ADDRESS if kind == "A" else ""

    [found] = await findings(answer)

    assert (found.state, found.found.en) == (State.FINE, "*.test.example.com resolves to 10.0.0.5")
    label = rf"chatops-doctor-[0-9a-f]{{8}}\.{re.escape(DOMAIN)}"
    assert {kind for name, kind in queries if re.fullmatch(label, name)} == {"A", "AAAA"}
    assert {kind for name, kind in queries if re.fullmatch(rf"api\.{label}", name)} == {"A"}


@pytest.mark.parametrize(
    ("answer", "expected", "advice"),
    [
        ("NXDOMAIN", "the wildcard record is missing", "Add an A record for *.test.example.com"),
        ("", "returns no address for it", "Add an A record for the wildcard *.test.example.com"),
        ("SERVFAIL", "SERVFAIL", "check the forwarding"),
        ("REFUSED", "REFUSED", "does not resolve test.example.com"),
        (None, "no answer from", "port 53"),
    ],
)
async def test_each_failure_has_its_own_finding(
    answer: str | None, expected: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if answer is None:
        monkeypatch.setattr(lookup, "SECONDS", 0.2)

    [found] = await findings(by_type({"A": answer, "AAAA": answer}))

    assert found.state is State.WRONG
    assert expected in found.found.en
    assert found.advice is not None
    assert advice in found.advice.en
    assert found.advice.say(Language.ZH) != found.advice.en


async def test_the_port_of_a_server_is_used() -> None:
    async with nameserver(by_type({"A": "NXDOMAIN"})) as server:
        settings = Settings(preview=PreviewSettings(domain=DOMAIN), dns=DnsSettings(servers=(server,)))
        [found] = await dns.check(DoctorOptions(settings))

    assert found.found.en.startswith(f"{server} reports that chatops-doctor-")


async def test_a_zone_without_a_second_level_or_aaaa_is_noted() -> None:
    def answer(name: str, kind: str) -> str:
        if name.startswith("api."):
            return "NXDOMAIN"
        return ADDRESS if kind == "A" else "SERVFAIL"

    fine, six, two = await findings(answer)

    assert fine.state is State.FINE
    assert (six.state, two.state) == (State.NOTE, State.NOTE)
    assert "AAAA" in six.found.en
    assert "two levels" in two.found.en


async def test_a_zone_with_only_ipv6_passes() -> None:
    [found] = await findings(by_type({"AAAA": "2001:db8::5"}))

    assert (found.state, found.found.en) == (State.FINE, "*.test.example.com resolves to 2001:db8::5")


async def test_an_unexpected_address_is_wrong() -> None:
    answer = by_type({"A": ADDRESS})

    assert (await findings(answer, ADDRESS))[0].state is State.FINE
    found = (await findings(answer, "10.0.0.6"))[0]
    assert found.state is State.WRONG
    assert "resolves to 10.0.0.5, not to [dns] address 10.0.0.6" in found.found.en


@pytest.mark.parametrize("domain", ["localhost", "preview.localhost", "Preview.LOCALHOST."])
async def test_a_local_name_is_not_queried(domain: str) -> None:
    [found] = await dns.check(DoctorOptions(Settings(preview=PreviewSettings(domain=domain))))

    assert found.state is State.NOTE


@pytest.mark.parametrize(
    ("given", "address", "port"),
    [
        ("10.0.0.2", "10.0.0.2", 53),
        ("10.0.0.2:5353", "10.0.0.2", 5353),
        ("::1", "::1", 53),
        ("[::1]:5353", "::1", 5353),
        ("[::1]", "::1", 53),
    ],
)
def test_servers_may_include_a_port(given: str, address: str, port: int) -> None:
    found = lookup._server(given)

    assert (found.address, found.port) == (address, port)
