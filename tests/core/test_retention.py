from datetime import UTC, datetime, timedelta

from bot.core.reconciling.retention import RetentionPolicy, expendable, lapsed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEEP = RetentionPolicy(logs=timedelta(days=30), reports=timedelta(days=90))
FILES = ("build.log", "report.html", "suites/unit/report.json")


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def chosen(ended: datetime | None, *, live: frozenset[int] = frozenset()) -> tuple[str, ...]:
    return expendable({7: FILES}, {7: ended}, live, KEEP, NOW).get(7, ())


def test_logs_and_reports_are_kept_for_as_long_as_was_said() -> None:
    assert chosen(ago(29)) == ()
    assert chosen(ago(31)) == ("build.log",)
    assert chosen(ago(91)) == FILES


def test_a_run_that_goes_on_keeps_everything() -> None:
    assert chosen(None) == ()


def test_a_run_whose_environment_is_there_keeps_everything() -> None:
    assert chosen(ago(400), live=frozenset({7})) == ()


def test_what_belongs_to_no_run_that_anybody_knows_goes() -> None:
    assert expendable({7: FILES, 8: ()}, {8: None}, (), KEEP, NOW) == {7: FILES}


def test_nothing_lapses_that_is_not_over() -> None:
    assert not lapsed(None, timedelta(0), NOW)
    assert lapsed(ago(1), timedelta(hours=23), NOW)
