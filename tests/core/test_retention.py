from datetime import UTC, datetime, timedelta

from bot.core.reconciling.retention import RetentionPolicy, expired, expired_files

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEEP = RetentionPolicy(logs=timedelta(days=30), reports=timedelta(days=90))
FILES = ("build.log", "report.html", "suites/unit/report.json")


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def chosen(ended: datetime | None, *, live: frozenset[int] = frozenset()) -> tuple[str, ...]:
    return expired_files({7: FILES}, {7: ended}, live, KEEP, NOW).get(7, ())


def test_logs_and_reports_are_kept_for_their_retention_time() -> None:
    assert chosen(ago(29)) == ()
    assert chosen(ago(31)) == ("build.log",)
    assert chosen(ago(91)) == FILES


def test_an_unfinished_run_keeps_all_files() -> None:
    assert chosen(None) == ()


def test_a_run_with_an_existing_environment_keeps_all_files() -> None:
    assert chosen(ago(400), live=frozenset({7})) == ()


def test_files_of_unknown_runs_are_removed() -> None:
    assert expired_files({7: FILES, 8: ()}, {8: None}, (), KEEP, NOW) == {7: FILES}


def test_unfinished_runs_never_expire() -> None:
    assert not expired(None, timedelta(0), NOW)
    assert expired(ago(1), timedelta(hours=23), NOW)
