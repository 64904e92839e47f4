import pytest

from bot.runners.kubernetes.pure.preview_response import Answer, reached, unrouted

NOT_FOUND = Answer(404, "no such host", "HTTP 404")


@pytest.mark.parametrize(
    ("status", "well"), [(200, True), (302, True), (404, False), (500, False), (0, False)]
)
def test_a_path_that_was_named_must_answer_well(status: int, well: bool) -> None:  # noqa: FBT001 - a parameter
    assert reached(Answer(status, "", ""), None, strict=True) == well


@pytest.mark.parametrize(
    ("status", "its_own"), [(200, True), (401, True), (500, True), (503, False), (0, False)]
)
def test_otherwise_whatever_the_service_says_counts(status: int, its_own: bool) -> None:  # noqa: FBT001 - as above
    assert reached(Answer(status, "", ""), None, strict=False) == its_own


def test_not_found_counts_where_a_name_that_nobody_has_is_answered_otherwise() -> None:
    assert not reached(NOT_FOUND, NOT_FOUND, strict=False)
    assert reached(NOT_FOUND, Answer(404, "default backend", ""), strict=False)
    assert reached(NOT_FOUND, None, strict=False)
    assert reached(NOT_FOUND, Answer(503, "no such host", ""), strict=False)


def test_a_dropped_connection_tells_nothing_of_who_said_not_found() -> None:
    assert not reached(NOT_FOUND, Answer(0, "", "Server disconnected"), strict=False)


def test_a_name_is_forgotten_once_it_is_answered_as_one_that_nobody_has() -> None:
    assert unrouted(NOT_FOUND, NOT_FOUND)
    assert not unrouted(Answer(502, "", ""), NOT_FOUND)
    assert not unrouted(Answer(404, "the shop has no such page", ""), NOT_FOUND)
