"""Which Host headers the bot answers."""

import pytest

from bot.core.admission.hosts import answers, host_name, names

OURS = names("https://Bot.example.com:8443/chatops", ["hooks.example.com.", "*.lan"])


@pytest.mark.parametrize(
    "header",
    [
        "bot.example.com",
        "BOT.example.com:443",
        "bot.example.com.",
        "bot.example.com:",
        "hooks.example.com",
        "chatops.lan:8080",
        "localhost",
        "localhost:8080",
        "bot.localhost:8080",
        "127.0.0.1:8080",
        "10.1.2.3",
        "[::1]:8080",
        "[fe80::1]",
        "chatops",
        "chatops:8080",
        "chatops.tools.svc",
        "chatops.tools.svc.cluster.local:8080",
    ],
)
def test_its_own_names_are_answered(header: str) -> None:
    assert answers(header, OURS)


@pytest.mark.attack
@pytest.mark.parametrize(
    "header",
    [
        "",
        "rebind.evil.example",
        "rebind.evil.example:8080",
        "example.com",
        "evil-bot.example.com",
        "bot.example.com.evil.example",
        "xbot.example.com",
        "127.0.0.1.evil.example",
        "evil.example/127.0.0.1",
        "localhost@evil.example",
        "evil.example#localhost",
        "localhost.evil.example",
        "svc.evil.example",
        "evilsvc.example",
        "evil.example\x00localhost",
        "[::1]evil.example",
        "[::1].evil.example",
        "::1",
        "bot.example.com:443:443",
        "bot..example.com",
        "999.1.1.1",
        "0x7f.0.0.1",
        "bøt.example.com",
    ],
)
def test_other_names_are_not(header: str) -> None:
    assert not answers(header, OURS)


def test_any_name_is_answered_if_the_operator_says_so() -> None:
    assert answers("anything.example", names("", ["*"]))
    assert not answers("not a name", names("", ["*"]))


def test_the_name_is_without_the_port() -> None:
    assert host_name("Bot.Example.com:1") == "bot.example.com"
    assert host_name("a b") is None
