"""The printed Corefile, compared with the plugins' documentation because no CoreDNS is available."""

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.dns.corefile import wildcard

WILDCARD = """\
# From `chatops dns coredns`: every name below test.example.com resolves to 10.0.0.5.
test.example.com {
    template IN A {
        answer "{{ .Name }} 30 IN A 10.0.0.5"
    }
    # AAAA, HTTPS and other types: the name exists without a record of this type (NODATA).
    template IN ANY {
        rcode NOERROR
        authority "{{ .Zone }} 30 IN SOA ns.{{ .Zone }} bot.{{ .Zone }} (1 60 60 600 30)"
    }
    errors
}
"""
ETCD = """\
# From `chatops dns coredns`: the bot writes the records below test.example.com to etcd.
test.example.com {
    etcd {
        path /skydns
        endpoint http://10.0.0.9:2379
    }
    cache 30
    errors
}
"""
DOMAIN = {"CHATOPS_PREVIEW__DOMAIN": "test.example.com"}


def coredns(*arguments: str, **environ: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["dns", "coredns", *arguments], env=environ)
    return result.exit_code, result.output


def test_zone_and_address_come_from_the_settings() -> None:
    assert coredns(**DOMAIN, CHATOPS_DNS__ADDRESS="10.0.0.5") == (0, WILDCARD)


def test_zone_and_address_can_be_options() -> None:
    assert coredns("--zone", "test.example.com.", "--address", "10.0.0.5") == (0, WILDCARD)


def test_with_etcd_no_address_is_needed() -> None:
    assert coredns(**DOMAIN, CHATOPS_DNS__ETCD="http://10.0.0.9:2379") == (0, ETCD)
    assert coredns("--address", "10.0.0.5", **DOMAIN, CHATOPS_DNS__ETCD="http://10.0.0.9:2379")[1] == WILDCARD


def test_all_addresses_are_in_the_answer() -> None:
    text = wildcard("t", ["10.0.0.5", "10.0.0.6", "2001:db8::5"])

    assert 'answer "{{ .Name }} 30 IN A 10.0.0.5" "{{ .Name }} 30 IN A 10.0.0.6"' in text
    assert 'template IN AAAA {\n        answer "{{ .Name }} 30 IN AAAA 2001:db8::5"' in text
    assert "# HTTPS and other types" in text


@pytest.mark.parametrize("arguments", [(), ("--address", "lb.example.com"), ("--address", '1.2.3.4" }')])
def test_a_missing_or_wrong_address_is_reported_with_the_options(arguments: tuple[str, ...]) -> None:
    code, output = coredns(*arguments)

    assert code == 1
    assert "give --zone and --address, or set [preview] domain and [dns] address" in output


@pytest.mark.parametrize("zone", ["a b", "x{", 'x"', "x\ny"])
def test_an_invalid_zone_is_refused(zone: str) -> None:
    code, output = coredns("--zone", zone, "--address", "10.0.0.5")

    assert code == 1
    assert "invalid zone name" in output
    assert "give --zone" in output
