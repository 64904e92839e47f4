"""Helm's arguments and files for pulling a chart."""

import base64
import json
import stat
from pathlib import Path

import pytest

from bot.runners.kubernetes.chart_pull import ChartRegistry, pull_arguments, pull_options

PLAIN = ChartRegistry("harbor.test:5000", plain=True, username="robot$bot", password="hush")
UNVERIFIED = ChartRegistry("harbor.test:5000", verify=False)
DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("oci://harbor.test:5000/charts/shop", ["--plain-http", "--", "oci://harbor.test:5000/charts/shop"]),
        (
            "oci://harbor.test:5000/charts/shop:1.2.0+a",
            ["--version=1.2.0+a", "--plain-http", "--", "oci://harbor.test:5000/charts/shop"],
        ),
        (f"oci://elsewhere.test/shop@{DIGEST}", ["--", f"oci://elsewhere.test/shop@{DIGEST}"]),
        (
            "oci://harbor.test:5000.evil.test/shop:1",
            ["--version=1", "--", "oci://harbor.test:5000.evil.test/shop"],
        ),
        ("https://charts.test/a/shop-1.tgz", ["--", "https://charts.test/a/shop-1.tgz"]),
        ("https://c.test:8443/a/shop:1", ["--version=1", "--repo=https://c.test:8443/a", "--", "shop"]),
        ("https://charts.test:8443/shop", ["--repo=https://charts.test:8443", "--", "shop"]),
        ("https://c.test/a/--debug:--post", ["--version=--post", "--repo=https://c.test/a", "--", "--debug"]),
    ],
)
def test_no_part_of_a_chart_url_becomes_an_option(reference: str, expected: list[str]) -> None:
    assert list(pull_arguments(reference, PLAIN)) == expected


def test_tls_verification_is_skipped_only_for_the_bots_registry() -> None:
    assert "--insecure-skip-tls-verify" in pull_arguments("oci://harbor.test:5000/shop", UNVERIFIED)
    assert "--insecure-skip-tls-verify" not in pull_arguments("oci://elsewhere.test/shop", UNVERIFIED)
    assert pull_arguments("oci://harbor.test:5000/shop", None) == ("--", "oci://harbor.test:5000/shop")


def test_the_account_is_only_in_a_private_temporary_file() -> None:
    reference = "oci://harbor.test:5000/charts/shop:1"
    with pull_options(reference, PLAIN) as given:
        [word] = given.arguments
        file = Path(word.removeprefix("--registry-config="))
        visible = " ".join(
            [*given.arguments, *pull_arguments(reference, PLAIN), *given.environment.values(), repr(PLAIN)]
        )
        kept = json.loads(file.read_text())
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    assert base64.b64decode(kept["auths"]["harbor.test:5000"]["auth"]) == b"robot$bot:hush"
    assert "hush" not in visible
    assert not file.parent.exists()


@pytest.mark.parametrize("reference", ["oci://elsewhere.test/shop:1", "https://harbor.test:5000/shop-1.tgz"])
def test_other_registries_do_not_get_the_account(reference: str) -> None:
    with pull_options(reference, PLAIN) as given:
        [word] = given.arguments
        assert Path(word.removeprefix("--registry-config=")).read_text() == "{}"
