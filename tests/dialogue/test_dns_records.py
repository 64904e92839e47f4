"""DNS records of previews in etcd follow their environments."""

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from bot.engine.reconciling.dns_records import RENEWAL, DnsReconciler
from tests.dialogue.offline import OfflineTester

LABEL = "pr-1-shop"


@dataclass
class FakeRecords:
    """Fake DNS records; while `trouble` is set, every call raises it."""

    labels: set[str] = field(default_factory=set)
    published: list[set[str]] = field(default_factory=list)
    trouble: str | None = None

    async def publish(self, labels: Collection[str]) -> str | None:
        if self.trouble is None:
            self.published.append(set(labels))
            self.labels |= set(labels)
        return self.trouble

    async def withdraw(self, labels: Collection[str]) -> str | None:
        if self.trouble is None:
            self.labels -= set(labels)
        return self.trouble


async def test_a_record_is_created_and_removed_with_its_environment(tester: OfflineTester) -> None:
    records = FakeRecords()
    reconciler = DnsReconciler(tester.bot.store.pulls, records)
    await reconciler.reconcile()
    assert records.labels == set()

    await tester.opened()
    await reconciler.reconcile()
    await reconciler.reconcile()
    assert (records.labels, records.published) == ({LABEL}, [{LABEL}])

    await tester.merge()
    await tester.read()
    await reconciler.reconcile()
    assert records.labels == set()


async def test_records_are_renewed_before_they_expire(tester: OfflineTester) -> None:
    records = FakeRecords()
    reconciler = DnsReconciler(tester.bot.store.pulls, records)
    await tester.opened()
    for _ in range(RENEWAL + 1):
        await reconciler.reconcile()

    assert records.published == [{LABEL}, {LABEL}]


async def test_a_failure_is_retried_and_logged_once(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    records = FakeRecords(trouble="etcd: gone")
    reconciler = DnsReconciler(tester.bot.store.pulls, records)
    await tester.opened()
    await reconciler.reconcile()
    await reconciler.reconcile()
    assert caplog.text.count("DNS records cannot be published, previews may not resolve: etcd: gone") == 1
    records.trouble = None
    await reconciler.reconcile()
    assert records.labels == {LABEL}

    records.trouble = "etcd: gone"
    await tester.merge()
    await tester.read()
    await reconciler.reconcile()
    assert records.labels == {LABEL}
    records.trouble = None
    await reconciler.reconcile()
    assert records.labels == set()


async def test_a_running_bot_reconciles_records_by_itself(tester: OfflineTester) -> None:
    assert "dns records" not in {task.name for task in tester.bot.reconciling.tasks}
    records = tester.world.dns = FakeRecords()
    await tester.restart()
    await tester.opened()
    [task] = [one for one in tester.bot.reconciling.tasks if one.name == "dns records"]
    await task.do()
    assert records.labels == {LABEL}


PUBLIC = """\
version: 1
services:
  api: {image: "api:1", port: 9000, public: true}
  docs: {image: "docs:1", port: 80, public: /docs}
  db: {image: "postgres:16", port: 5432}
"""


async def test_hosts_of_public_services_have_records_before_they_answer(tester: OfflineTester) -> None:
    records = FakeRecords()
    reconciler = DnsReconciler(tester.bot.store.pulls, records)
    await tester.configure(PUBLIC)
    held = tester.world.script.hold("deploy")
    await tester.open()
    await held.reached()
    await reconciler.reconcile()
    assert records.labels == {LABEL, f"api--{LABEL}"}
    held.open()
    await tester.read()
    await tester.merge()
    await tester.read()
    await reconciler.reconcile()
    assert records.labels == set()
