"""Ways out in `chatops.toml`, and everything that can be wrong with them at the start."""

from pathlib import Path

import pytest

from bot.app import values
from bot.model.egress import EgressRule
from bot.settings.load import SettingsError, load

START = "[repos]\nallow = ['shop/*', '!shop/legacy']\n[egress.team-db]\n"


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    file = folder / "chatops.toml"
    file.write_text(START + text)
    with pytest.raises(SettingsError) as error:
        load(file, environ)
    return [problem.replace(str(folder), "") for problem in error.value.problems]


def test_a_way_out_is_read_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "chatops.toml"
    file.write_text(
        START + "repos = ['shop/*']\ncidrs = ['10.2.0.0/16', '10.9.0.7']\nenvironments = ['staging']\n"
        "resolvers = ['10.2.0.53']\n[egress.all]\nrepos = ['shop/web']\ncidrs = ['192.0.2.0/24']\n"
    )

    assert values.egress_rules(load(file, {})) == (
        EgressRule("team-db", ("shop/*",), ("10.2.0.0/16", "10.9.0.7/32"), ("staging",), ("10.2.0.53",)),
        EgressRule("all", ("shop/web",), ("192.0.2.0/24",)),
    )


REPOS, CIDRS = "repos = ['shop/*']\n", "cidrs = ['10.2.0.0/16']\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REPOS, "egress.team-db.cidrs: is required"),
        (REPOS + "cidrs = []", "must not be empty"),
        (REPOS + "cidrs = ['10.2.0.1/16']", 'is not a network such as "10.2.0.0/16"'),
        (REPOS + "cidrs = ['db.team']", 'is not a network such as "10.2.0.0/16"'),
        (REPOS + "cidrs = ['2001:db8::/32']", 'is not a network such as "10.2.0.0/16"'),
        (REPOS + CIDRS + "resolvers = ['ns.team']", 'is not an address such as "10.2.0.53"'),
        (CIDRS + "repos = ['shop']", 'is not a pattern of repositories, such as "shop/*"'),
        (CIDRS + "repos = ['shop/legacy']", "fits no repository that [repos] allow has"),
        (REPOS + CIDRS + "[docker]\nfirewall = false", "nothing would keep containers from other networks"),
        (REPOS + CIDRS + "ports = [1]", "unknown key"),
        (REPOS + CIDRS + "[egress.'Team DB']\n" + REPOS + CIDRS, "should be a name of at most 31"),
    ],
)
def test_what_is_wrong_is_reported_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    [problem] = problems(tmp_path, text)
    assert expected in problem
    assert "chatops.toml:" in problem


def test_it_cannot_be_set_by_a_variable(tmp_path: Path) -> None:
    found = problems(tmp_path, REPOS + CIDRS, CHATOPS_EGRESS__TEAM_DB="x")
    assert any("[egress] is set in the file only" in problem for problem in found)
