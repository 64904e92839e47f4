"""Services that visitors reach besides the deployed one: their hosts, paths, addresses and variables."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import naming
from bot.core.environments import public
from bot.model.addresses import Addresses
from bot.model.environment import Endpoint, Environment, PublicService
from bot.model.pipeline import ServiceConfig
from tests.fakes.snapshots import environment

API, DOCS, ADMIN = (
    PublicService("api", 9000),
    PublicService("docs", 80, "/docs"),
    PublicService("x", 1, "/docs/a"),
)
HOST = "pr-12-shop-preview"
AT = {name: Endpoint("10.0.0.1", port) for name, port in (("api", 9000), ("docs", 80), ("x", 1))}
ENDPOINT = Endpoint("10.0.0.9", 8080, AT)
DEPLOYED = replace(environment(), public=(API, DOCS, ADMIN), endpoint=ENDPOINT)

labels = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
paths = st.from_regex(r"(?:/[A-Za-z0-9._~-]{1,60}){1,10}", fullmatch=True)
services = st.builds(PublicService, labels, st.integers(1, 65_535), st.one_of(st.just(""), paths))


def test_only_public_services_with_a_port_are_declared() -> None:
    given_ = {
        "web": ServiceConfig("a", port=80, public="/web"),
        "api": ServiceConfig("b", port=9000, public=True),
        "db": ServiceConfig("c", port=5432),
        "off": ServiceConfig("d", port=1, public=False),
        "portless": ServiceConfig("e", public=True),
    }
    assert public.declared(given_) == (API, PublicService("web", 80, "/web"))


def test_a_service_has_a_host_of_its_own_or_a_path_of_the_environments() -> None:
    assert public.host("pr-12-shop.test.example.com", API) == "api--pr-12-shop.test.example.com"
    assert public.host("pr-12-shop.test.example.com", DOCS) == "pr-12-shop.test.example.com"
    assert public.labels(DEPLOYED) == {HOST, f"api--{HOST}"}


@pytest.mark.parametrize(
    ("label", "path", "found"),
    [
        (HOST, "/", ENDPOINT),
        (HOST, "", ENDPOINT),
        (HOST, "/docs", AT["docs"]),
        (HOST, "/docs/", AT["docs"]),
        (HOST, "/docs/b", AT["docs"]),
        (HOST, "/docs/a/b", AT["x"]),
        (HOST, "/docs/ab", AT["docs"]),
        (HOST, "/docsx", ENDPOINT),
        (HOST, "/Docs", ENDPOINT),
        (HOST, "/api", ENDPOINT),
        (f"api--{HOST}", "/", AT["api"]),
        (f"api--{HOST}", "/docs", AT["api"]),
        (f"docs--{HOST}", "/docs", None),
        (f"db--{HOST}", "/", None),
    ],
)
def test_the_longest_path_decides_where_a_request_goes(label: str, path: str, found: Endpoint | None) -> None:
    assert public.reached(DEPLOYED, label, path) == found


@pytest.mark.parametrize(
    "known", [replace(DEPLOYED, endpoint=None), replace(DEPLOYED, endpoint=Endpoint("10.0.0.9", 8080))]
)
def test_a_service_whose_address_is_unknown_is_not_reached(known: Environment) -> None:
    assert public.reached(known, f"api--{HOST}", "/") is None
    assert public.reached(known, HOST, "/") == known.endpoint


def test_variables_name_the_urls() -> None:
    addresses = Addresses("", "test.example.com", "https", 443)
    urls = public.urls(addresses, "pr-12-shop", (replace(API, name="my-api"), DOCS))
    assert public.variables("https://pr-12-shop.test.example.com/", urls) == {
        "PUBLIC_URL": "https://pr-12-shop.test.example.com/",
        "PUBLIC_URL_MY_API": "https://my-api--pr-12-shop.test.example.com/",
        "PUBLIC_URL_DOCS": "https://pr-12-shop.test.example.com/docs",
    }


@given(st.lists(services, max_size=8).map(tuple))
def test_what_is_written_into_a_label_is_read_again(written: tuple[PublicService, ...]) -> None:
    assert public.read(public.written(written)) == written


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert all(isinstance(one, PublicService) for one in public.read(text))


@given(labels, labels, st.text("abcdefghij-1", min_size=1, max_size=55))
def test_labels_of_services_fit_and_belong_to_one_environment(one: str, other: str, tail: str) -> None:
    host = f"pr-1-{tail}"[:55].replace("--", "-").replace("--", "-").rstrip("-")
    first, second = naming.service_label(host, one), naming.service_label(host, other)
    assert len(first) <= 63
    assert first[2:4] != "--"
    assert naming.environment_label(first) == host
    assert (first == second) is (one == other)


@pytest.mark.parametrize(
    ("host", "service", "label"),
    [
        ("pr-12-shop", "api", "api--pr-12-shop"),
        ("pr-12-shop", "a--b", "a--b--pr-12-shop"),
        ("pr-12-shop", "xn", "xn-ce4827--pr-12-shop"),
        ("pr-12-shop", "xn--foo", "xn-74de31--pr-12-shop"),
        ("pr-12-shop", "ui", "ui-d3ef7d--pr-12-shop"),
        ("p" * 55, "service", f"9df6b0--{'p' * 55}"),
        ("p" * 53, "services", "services--" + "p" * 53),
        ("p" * 53, "a-service", f"a-ecdba5--{'p' * 53}"),
        ("p" * 54, "a-service", f"ecdba5--{'p' * 54}"),
    ],
)
def test_long_and_reserved_names_are_hashed(host: str, service: str, label: str) -> None:
    found = naming.service_label(host, service)
    assert found == label
    assert naming.environment_label(found) == host
