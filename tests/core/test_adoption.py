"""The record of an environment that a lost store has forgotten, from what its runner says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core import naming
from bot.core.reconciling import adoption
from bot.core.reconciling.adoption import NOTICE
from bot.model.environment import Endpoint, Environment, EnvironmentKey, EnvironmentState, PublicService
from bot.model.forge import RepoPath
from bot.model.holder import Holder
from bot.model.inventory import Item, ItemKind
from bot.model.pipeline import RunnerName

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MADE, LIFETIME = NOW - timedelta(hours=5), timedelta(days=3)
KEY = EnvironmentKey(RepoPath("team", "shop"), 12, "preview")
PLAIN, QUALIFIED = naming.host_label(KEY), naming.host_label(KEY, qualified=True)
ENDPOINT = Endpoint("10.231.0.14", 8080)
LOST = "lost4567"
NETWORK = Item(
    ItemKind.NETWORK,
    "1",
    "net",
    KEY.repo,
    KEY.number,
    KEY.name,
    57,
    MADE,
    expires=NOW + timedelta(days=2),
    store=LOST,
    sha="a" * 40,
    host=PLAIN,
)
APP = replace(
    NETWORK, kind=ItemKind.CONTAINER, id="2", made_at=MADE + timedelta(seconds=3), expires=None, host=""
)


def adopted(*items: Item, suspendable: bool = False) -> Environment:
    runner = RunnerName.DOCKER
    return adoption.environment(items, ENDPOINT, runner, NOW, LIFETIME, suspendable=suspendable)


def test_the_record_has_what_the_labels_say_and_no_run() -> None:
    assert adopted(NETWORK, APP) == Environment(
        key=KEY,
        host=PLAIN,
        sha="a" * 40,
        state=EnvironmentState.READY,
        run=0,
        deployed_at=MADE,
        expires_at=NOW + timedelta(days=2),
        endpoint=ENDPOINT,
        runner=RunnerName.DOCKER,
        adopted=Holder(57, 0, LOST),
    )


def test_the_public_services_of_the_newest_deployment_stay_public() -> None:
    api, web = PublicService("api", 9000), PublicService("web", 80, "/web")
    newer = replace(NETWORK, run=58, made_at=NOW, public=(api,))
    assert adopted(replace(NETWORK, public=(api, web)), APP).public == (api, web)
    assert adopted(replace(NETWORK, public=(web,)), APP, newer).public == (api,)


def test_an_environment_that_can_sleep_is_woken() -> None:
    found = adopted(NETWORK, suspendable=True)
    assert (found.state, found.suspendable_by) == (EnvironmentState.WAKING, RunnerName.DOCKER)


@pytest.mark.parametrize(
    "host", ["", "pr-13-shop", "pr-12-shop.evil", "www", PLAIN.upper(), f"{QUALIFIED}x", "pr-12-shop-staging"]
)
def test_a_forged_host_label_gives_no_address_of_another_preview(host: str) -> None:
    assert adoption.hosts(KEY, [replace(NETWORK, host=host)]) == (PLAIN, QUALIFIED)
    assert adopted(replace(NETWORK, host=host)).host == PLAIN


def test_a_preview_keeps_its_qualified_address() -> None:
    assert adoption.hosts(KEY, [APP, replace(NETWORK, host=QUALIFIED)]) == (QUALIFIED, PLAIN)
    assert adopted(replace(NETWORK, host=QUALIFIED)).host == QUALIFIED


def test_what_has_not_taken_over_yet_is_not_what_is_adopted() -> None:
    newer = replace(APP, id="next", run=APP.run + 1, sha="b" * 40, made_at=NOW, starting=True)

    found = adopted(APP, newer)

    assert (found.sha, found.adopted) == (APP.sha, APP.holder)
    assert adopted(newer).sha == newer.sha


def test_an_adopted_environment_lives_long_enough_to_be_extended() -> None:
    for expires in (NOW - timedelta(days=9), NOW, NOW + NOTICE):
        assert adopted(replace(NETWORK, expires=expires)).expires_at == NOW + NOTICE
    assert adopted(replace(NETWORK, made_at=None, expires=None)).expires_at == NOW + NOTICE


def test_what_does_not_say_when_it_expires_lives_as_long_as_is_usual() -> None:
    assert adopted(APP).expires_at == APP.made_at + LIFETIME if APP.made_at else None
    assert adoption.expiry([APP, NETWORK], LIFETIME) == NETWORK.expires
    assert adoption.expiry([replace(APP, made_at=None)], LIFETIME) is None
    assert adoption.expiry([], LIFETIME) is None


def test_what_cannot_be_adopted_is_removed_once_it_has_expired() -> None:
    assert NETWORK.expires is not None
    assert adoption.overdue([NETWORK, APP], LIFETIME, NETWORK.expires)
    assert not adoption.overdue([NETWORK, APP], LIFETIME, NETWORK.expires - timedelta(seconds=1))
    assert not adoption.overdue([replace(APP, made_at=None)], LIFETIME, NOW + timedelta(days=900))


def test_the_latest_deployment_counts() -> None:
    older = replace(NETWORK, run=56, sha="b" * 40, made_at=MADE - timedelta(hours=1), host=QUALIFIED)
    found = adopted(APP, older)
    assert (found.sha, found.adopted) == ("a" * 40, Holder(57, 0, LOST))
    assert adopted(replace(APP, sha="")).sha == ""
    other_store = replace(NETWORK, run=99, store="x", made_at=MADE - timedelta(hours=1))
    assert adopted(APP, other_store).adopted == Holder(57, 0, LOST)
    assert adopted(replace(APP, made_at=None), replace(APP, made_at=None, run=58)).deployed_at == NOW
