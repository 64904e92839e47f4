"""Log lines that strangers cause."""

import logging
from dataclasses import dataclass

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from bot.web.throttled_log import PERIOD, BrokenRequests, Throttle

pytestmark = pytest.mark.attack

logger = logging.getLogger("tests.throttled")


@dataclass
class Time:
    """Seconds that do not pass."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_one_line_of_a_kind_stands_for_those_that_follow(caplog: pytest.LogCaptureFixture) -> None:
    time = Time()
    throttle = Throttle(logger, monotonic=time)
    for _ in range(5):
        throttle.warning("forged", "rejected %s", "100%s")
    throttle.warning("other", "another kind")
    time.seconds += PERIOD
    for _ in range(2):
        throttle.warning("forged", "rejected %s", "it")

    assert caplog.messages == [
        "rejected 100%s",
        "another kind",
        "rejected it (4 more since the last such line)",
    ]


def test_a_broken_request_is_one_line_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    broken = BrokenRequests(Throttle(logger))
    logger.addFilter(broken)
    try:
        for _ in range(2):
            error = BadHttpMessage("Bad\nstatus line")
            logger.error("Error handling request from %s", "192.0.2.1", exc_info=error)
        logger.error("Unhandled exception", exc_info=ConnectionResetError())
        logger.error("a bug", exc_info=KeyError("a bug"))
    finally:
        logger.removeFilter(broken)

    assert caplog.messages == [
        "broken request from 192.0.2.1: BadHttpMessage",
        "broken request from a client: ConnectionResetError",
        "a bug",
    ]
    assert [record.exc_info is None for record in caplog.records] == [True, True, False]
