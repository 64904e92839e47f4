"""Attacks on the webhook intake of a real `chatops serve`, over raw sockets."""

import gzip
import itertools
import os
import select
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from bot.gitee.signature import MOST_USES
from playground.payloads import signature
from tests.attack.intake_attempts import ANONYMOUS, BODIES, GZIP, HEADERS, HOST, ODDITIES, Attempt, numbers
from tests.attack.raw import PATIENCE, answer, comment, connected, head, post, send, signed, stamp
from tests.attack.serving import serving
from tests.crash.fleet import Replica
from tests.dialogue.tester import SECRET


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """One bot for all attempts that leave nothing behind."""
    yield from serving(tmp_path_factory.mktemp("intake"))


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[Replica]:
    """Provide a bot that gives headers a second."""
    yield from serving(tmp_path, header_timeout=1, connections=600, connections_per_address=600)


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Replica]:
    """Provide a bot with few connections."""
    yield from serving(tmp_path, connections=40, connections_per_address=20)


def is_well(replica: Replica) -> None:
    """Check that the bot answers and accepts a true webhook, and that its log has no traceback."""
    assert send(replica.port, head("GET /healthz HTTP/1.1", {"Host": "127.0.0.1"})) == 200
    assert send(replica.port, post(comment(next(numbers)), signed())) == 200
    log = replica.log.read_text()
    assert "Traceback" not in log
    assert "incident" not in log


def kept(replica: Replica) -> int:
    """Return the number of stored deliveries."""
    with closing(sqlite3.connect(f"file:{replica.folder}/data/chatops.db?mode=ro", uri=True)) as store:
        return int(store.execute("SELECT count(*) FROM deliveries").fetchone()[0])


def memory(replica: Replica) -> int:
    """Return the resident memory in MiB."""
    status = Path(f"/proc/{replica.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def processor_seconds(replica: Replica) -> float:
    """Return the processor time that the bot has taken."""
    fields = Path(f"/proc/{replica.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("attempt", HEADERS.values(), ids=HEADERS)
def test_forged_headers(bot: Replica, attempt: Attempt) -> None:
    refused(bot, attempt)


@pytest.mark.parametrize("attempt", BODIES.values(), ids=BODIES)
def test_hostile_bodies(bot: Replica, attempt: Attempt) -> None:
    refused(bot, attempt)


@pytest.mark.parametrize("attempt", ODDITIES.values(), ids=ODDITIES)
def test_odd_http(bot: Replica, attempt: Attempt) -> None:
    refused(bot, attempt)


def refused(replica: Replica, attempt: Attempt) -> None:
    """Check that an attempt is refused, stores nothing, and leaves the bot well."""
    data, answers = attempt
    before = kept(replica)
    assert send(replica.port, data()) in answers
    assert kept(replica) == before
    is_well(replica)


def test_gzip_bombs_cost_no_time(bot: Replica) -> None:
    bomb = gzip.compress(bytes(45 << 20)) * 20
    before = processor_seconds(bot)
    for headers in itertools.chain.from_iterable(
        (signed(**GZIP), signed(**{**GZIP, **ANONYMOUS})) for _ in range(8)
    ):
        assert send(bot.port, post(bomb, headers)) in {401, 415}
    is_well(bot)
    assert processor_seconds(bot) - before < 2


@pytest.mark.parametrize("port", ["port", "previews"])
def test_headers_that_never_end(hurried: Replica, port: str) -> None:
    with ExitStack() as stack:
        senders = [stack.enter_context(connected(getattr(hurried, port))) for _ in range(300)]
        for sender in senders:
            sender.sendall(b"POST /webhooks/gitee HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        is_well(hurried)
        closed = {sender for sender in senders if trickle(sender)}
        assert closed == set(senders)
    is_well(hurried)
    assert hurried.log.read_text().count("headers did not arrive in time") == 1


def test_headers_that_never_end_after_a_refused_body(hurried: Replica) -> None:
    with connected(hurried.port) as sender:
        sender.sendall(post(b"{", signed(**ANONYMOUS), length=2))
        assert b" 401 " in sender.recv(1000)
        sender.sendall(b"}POST /webhooks/gitee HTTP/1.1\r\n")
        assert trickle(sender)
    is_well(hurried)


def test_headers_that_never_end_after_a_complete_request(hurried: Replica) -> None:
    with connected(hurried.port) as sender:
        sender.sendall(head("GET /healthz HTTP/1.1", HOST))
        assert b" 200 " in sender.recv(1000)
        sender.sendall(b"POST /webhooks/gitee HTTP/1.1\r\n")
        assert trickle(sender)
    is_well(hurried)


def test_connections_without_a_request(hurried: Replica) -> None:
    with ExitStack() as stack:
        senders = [stack.enter_context(connected(hurried.port)) for _ in range(300)]
        assert {answer(sender) for sender in senders} == {0}
    is_well(hurried)


def test_headers_of_a_gigabyte(bot: Replica) -> None:
    with connected(bot.port) as sender, suppress(ConnectionError):
        sender.sendall(b"GET / HTTP/1.1\r\n")
        for number in range(1 << 30):
            sender.sendall(b"X-%d: 1\r\n" % number)
    is_well(bot)


def test_unfinished_bodies_without_a_token_take_no_memory(bot: Replica) -> None:
    assert unfinished(bot, lambda _: signed(**ANONYMOUS)) == {401}


def test_unfinished_bodies_with_captured_headers_take_limited_memory(bot: Replica) -> None:
    assert 503 in unfinished(bot, lambda number: signed(stamp(number / 1000)), most=80)


def test_one_captured_header_is_good_for_few_bodies(bot: Replica) -> None:
    captured = signed(stamp(2))
    before, logged = kept(bot), bot.log.read_text()
    answers = Counter(send(bot.port, post(comment(next(numbers)), captured)) for _ in range(1200))
    assert answers == {200: MOST_USES, 429: 1200 - MOST_USES}
    assert kept(bot) == before + MOST_USES
    is_well(bot)
    assert bot.log.read_text().removeprefix(logged).count("reused") <= 3


def test_other_spellings_of_a_captured_header_are_the_same_header(bot: Replica) -> None:
    at = stamp(1)
    token = signature(SECRET, at)
    spelled = [token[:i] + f"%{ord(token[i]):02x}" + token[i + 1 :] for i in range(40)]
    before = kept(bot)
    for one in spelled:
        send(bot.port, post(comment(next(numbers)), signed(at, **{"X-Gitee-Token": one})))
    assert kept(bot) == before + MOST_USES
    is_well(bot)


def test_a_true_webhook_sent_again_is_not_counted(bot: Replica) -> None:
    headers, body = signed(), comment(next(numbers))
    answers = {send(bot.port, post(body, headers)) for _ in range(2 * MOST_USES)}
    assert answers == {200}


def test_idle_connections_make_room(narrow: Replica) -> None:
    with ExitStack() as stack:
        senders = [stack.enter_context(connected(narrow.port)) for _ in range(100)]
        is_well(narrow)
        assert answer(senders[0]) == 0


def test_one_address_cannot_take_all_connections(narrow: Replica) -> None:
    with ExitStack() as stack:
        for number in range(20):
            sender = stack.enter_context(connected(narrow.port, "127.0.0.2"))
            sender.sendall(post(b"{", signed(stamp(number / 1000)), length=100))
        is_well(narrow)  # all requests of the others have begun
        with connected(narrow.port, "127.0.0.2") as rejected:
            assert answer(rejected) == 503
        is_well(narrow)
    assert "[server] connections_per_address" in narrow.log.read_text()


def test_garbage_fills_no_log(bot: Replica) -> None:
    before = bot.log.read_text()
    for _ in range(100):
        send(bot.port, b"nonsense\r\n\r\n")
        send(bot.port, head("GET /healthz HTTP/1.1", {**HOST, "Content-Length": "-1"}))
    is_well(bot)
    logged = bot.log.read_text().removeprefix(before)
    assert len([line for line in logged.splitlines() if "broken request" in line]) <= 6


def trickle(sender: socket.socket) -> bool:
    """Send a byte at a time until the other side has closed the connection."""
    sender.settimeout(0.01)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            sender.sendall(b"X")
            if not sender.recv(1000):
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def unfinished(replica: Replica, headers: Callable[[int], dict[str, str]], *, most: int = 40) -> set[int]:
    """Send a hundred bodies of 1 MB without their last byte, and return the statuses of the answers.

    Check that the memory grows by less than `most`, in MiB. A bot that is late has read 256 KiB from each
    connection before it looks at the headers: asyncio reads no more at once.
    """
    before = memory(replica)
    with ExitStack() as stack:
        senders = [stack.enter_context(connected(replica.port)) for _ in range(100)]
        for number, sender in enumerate(senders):
            sender.settimeout(0.2)
            with suppress(OSError):
                sender.sendall(post(b" " * 1_000_000, headers(number), length=1_000_001))
        is_well(replica)
        assert memory(replica) - before < most
        readable, _, _ = select.select(senders, [], [], PATIENCE)
        return {answer(sender) for sender in readable}
