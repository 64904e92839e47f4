from datetime import UTC, datetime, timedelta

from bot.core.reconciling.retention import RetentionPolicy, expendable, lapsed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEEP = RetentionPolicy(logs=timedelta(days=30), reports=timedelta(days=90))
FILES = ("build.log", "report.html", "suites/unit/report.json")


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def chosen(ended: datetime | None, *, live: frozenset[int] = frozenset()) -> tuple[str, ...]:
    return expendable({7: FILES}, {7: ended}, live, KEEP, NOW).get(7, ())


def test_logs_and_reports_are_kept_for_their_retention_time() -> None:
    assert chosen(ago(29)) == ()
    assert chosen(ago(31)) == ("build.log",)
    assert chosen(ago(91)) == FILES


def test_an_unfinished_run_keeps_all_files() -> None:
    assert chosen(None) == ()


def test_a_run_with_an_existing_environment_keeps_all_files() -> None:
    assert chosen(ago(400), live=frozenset({7})) == ()


def test_files_of_unknown_runs_are_removed() -> None:
    assert expendable({7: FILES, 8: ()}, {8: None}, (), KEEP, NOW) == {7: FILES}


def test_unfinished_runs_never_expire() -> None:
    assert not lapsed(None, timedelta(0), NOW)
    assert lapsed(ago(1), timedelta(hours=23), NOW)
