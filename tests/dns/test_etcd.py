"""DNS records in a real etcd, read as by CoreDNS."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from bot.dns.etcd import EtcdRecords
from bot.doctor import dns as doctor
from bot.doctor.findings import DoctorOptions, State
from bot.settings.model import DnsSettings, PreviewSettings, Settings
from tests.doctor.nameserver import nameserver, patient
from tests.real.parts import EtcdProcess
from tests.real.ports import free_port

__all__ = ["patient"]

ZONE = "test.example.com"
EVERYTHING = {"key": b64encode(b"/skydns/").decode(), "range_end": b64encode(b"/skydns0").decode()}


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdProcess]:
    process = EtcdProcess(tmp_path_factory.mktemp("etcd"))
    yield process
    process.stop()


@pytest.fixture
async def names(etcd: EtcdProcess) -> AsyncIterator[EtcdRecords]:
    async with EtcdRecords(etcd.url, zone=f"{ZONE.upper()}.", address="10.0.0.5") as opened:
        yield opened
    asked(etcd, "kv/deleterange", EVERYTHING)


def asked(etcd: EtcdProcess, what: str, body: dict[str, str]) -> Any:
    return httpx.post(f"{etcd.url}/v3/{what}", json=body).raise_for_status().json()


def stored(etcd: EtcdProcess, name: str) -> dict[str, Any] | None:
    """Return the records that CoreDNS's etcd plugin would find for a name."""
    path = "/".join(("/skydns", *reversed(name.split("."))))
    body = {"key": b64encode(path.encode()).decode()}
    found = asked(etcd, "kv/range", body).get("kvs")
    return {**found[0], "value": json.loads(b64decode(found[0]["value"]))} if found else None


async def test_a_record_is_created_with_a_lease_and_removed(etcd: EtcdProcess, names: EtcdRecords) -> None:
    assert await names.publish(["pr-1-shop", "pr-2-shop"]) is None

    found = stored(etcd, f"pr-1-shop.{ZONE}")
    assert found is not None
    assert found["value"] == {"host": "10.0.0.5", "ttl": 30}
    lease = asked(etcd, "lease/timetolive", {"ID": found["lease"]})
    assert lease["grantedTTL"] == "3600"

    assert await names.withdraw(["pr-1-shop"]) is None
    assert stored(etcd, f"pr-1-shop.{ZONE}") is None
    assert stored(etcd, f"pr-2-shop.{ZONE}") is not None


async def test_creating_a_record_again_renews_it(etcd: EtcdProcess, names: EtcdRecords) -> None:
    await names.publish(["pr-1-shop"])
    first = stored(etcd, f"pr-1-shop.{ZONE}")
    await names.publish(["pr-1-shop"])
    second = stored(etcd, f"pr-1-shop.{ZONE}")

    assert first is not None
    assert second is not None
    assert first["lease"] != second["lease"]


async def test_many_records_use_several_transactions(
    etcd: EtcdProcess, names: EtcdRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = [f"pr-{number}-many" for number in range(250)]

    assert await names.publish(labels) is None
    assert stored(etcd, f"pr-249-many.{ZONE}") is not None
    assert await names.withdraw(labels) is None
    assert stored(etcd, f"pr-0-many.{ZONE}") is None


async def test_an_unavailable_etcd_is_reported() -> None:
    async with EtcdRecords(f"http://127.0.0.1:{free_port()}", zone=ZONE, address="10.0.0.5") as names:
        assert str(await names.publish(["pr-1-shop"])).startswith("etcd: ")
        assert str(await names.withdraw(["pr-1-shop"])).startswith("etcd: ")


@pytest.mark.parametrize("answer", ["<html>", "[]", "{}"])
async def test_another_service_than_etcd_is_reported(answer: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=answer))
    async with EtcdRecords("http://e", zone=ZONE, address="10.0.0.5", transport=transport) as names:
        assert str(await names.publish(["pr-1-shop"])).startswith("etcd: ")


@pytest.mark.usefixtures("patient")
async def test_doctor_creates_a_record_and_resolves_it(etcd: EtcdProcess) -> None:
    def from_etcd(name: str, kind: str) -> str:
        found = stored(etcd, name)
        return str(found["value"]["host"]) if found and kind == "A" else "NXDOMAIN"

    async with nameserver(from_etcd) as server:
        [found] = await doctor.check(options(etcd.url, server))
    async with nameserver(lambda _name, _kind: "NXDOMAIN") as server:
        [unserved] = await doctor.check(options(etcd.url, server))

    assert (found.state, found.found.en) == (State.FINE, f"*.{ZONE} resolves to 10.0.0.5")
    assert unserved.state is State.WRONG
    assert "was published in etcd" in unserved.found.en
    assert "kvs" not in asked(etcd, "kv/range", EVERYTHING)


async def test_doctor_reports_an_unavailable_etcd() -> None:
    [found] = await doctor.check(options(f"http://127.0.0.1:{free_port()}", "127.0.0.1:9"))

    assert found.state is State.WRONG
    assert found.found.en.startswith("DNS records cannot be published: etcd: ")


def options(etcd: str, server: str) -> DoctorOptions:
    names = DnsSettings(address="10.0.0.5", etcd=etcd, servers=(server,))
    return DoctorOptions(Settings(preview=PreviewSettings(domain=ZONE), dns=names))
