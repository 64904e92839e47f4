"""The one line that says why a program failed, for what common runtimes write."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.results.cause import LONGEST, cause, outage_with_cause, with_cause
from bot.model.environment import Outage
from bot.model.reason import Reason
from bot.model.run import StepResult, StepState

PYTHON = """\
Traceback (most recent call last):
  File "/app/app.py", line 3, in <module>
    database = os.environ["DATABASE_URL"]
               ~~~~~~~~~~^^^^^^^^^^^^^^^^
  File "<frozen os>", line 679, in __getitem__
KeyError: 'DATABASE_URL'
"""
PYTHON_CHAINED = """\
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/django/db/backends/base/base.py", line 219, in ensure_connection
    self.connect()
psycopg2.OperationalError: connection to server at "db" (172.30.0.2), port 5432 failed: Connection refused
\tIs the server running on that host and accepting TCP/IP connections?


The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "manage.py", line 8, in <module>
    execute_from_command_line(sys.argv)
django.core.exceptions.ImproperlyConfigured: the database does not answer
"""
NODE = """\
node:internal/modules/cjs/loader:1080
  throw err;
  ^

Error: Cannot find module 'express'
Require stack:
- /app/server.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1077:15)
    at Module._load (node:internal/modules/cjs/loader:922:27) {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/app/server.js' ]
}

Node.js v18.20.4
"""
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: no database
\tat App.main(App.java:7)
Caused by: java.net.ConnectException: Connection refused
\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)
\t... 12 more
"""
GO = """\
2026/11/30 21:00:00 listening
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
main.main()
\t/src/main.go:9 +0x1d
exit status 2
"""
RUBY = """\
server.rb:4:in `<main>': undefined method `mount' for nil:NilClass (NoMethodError)
\tfrom /usr/bin/ruby:25:in `<main>'
"""
PHP = """\
PHP Fatal error:  Uncaught Error: Class "Redis" not found in /var/www/index.php:3
Stack trace:
#0 {main}
  thrown in /var/www/index.php on line 3
"""
NGINX = """\
2026/11/30 21:00:00 [notice] 1#1: using the "epoll" event method
2026/11/30 21:00:00 [emerg] 1#1: open() "/var/log/nginx/access.log" failed (13: Permission denied)
"""
POSTGRESQL = """\
2026-11-30 21:07:32.465 UTC [8] FATAL:  could not create lock file "/var/run/postgresql/.s.PGSQL.5432.lock"
2026-11-30 21:07:32.473 UTC [8] LOG:  database system is shut down
"""
PSQL = """\
BEGIN
psql:seed.sql:3: ERROR:  relation "users" does not exist
LINE 1: insert into users values (1);
                    ^
"""
DENIED = "mkdir: can't create directory '/data': Permission denied\nstopping\n"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (PYTHON, "KeyError: 'DATABASE_URL'"),
        (PYTHON_CHAINED, "django.core.exceptions.ImproperlyConfigured: the database does not answer"),
        (NODE, "Error: Cannot find module 'express'"),
        (
            "TypeError [ERR_INVALID_ARG_TYPE]: no path\n    at open (node:fs:1:1)",
            "TypeError [ERR_INVALID_ARG_TYPE]: no path",
        ),
        (JAVA, "Caused by: java.net.ConnectException: Connection refused"),
        (GO, "panic: runtime error: index out of range [3] with length 3"),
        (RUBY, "server.rb:4:in `<main>': undefined method `mount' for nil:NilClass (NoMethodError)"),
        (PHP, 'PHP Fatal error:  Uncaught Error: Class "Redis" not found in /var/www/index.php:3'),
        (NGINX, '[emerg] 1#1: open() "/var/log/nginx/access.log" failed (13: Permission denied)'),
        (POSTGRESQL, 'FATAL:  could not create lock file "/var/run/postgresql/.s.PGSQL.5432.lock"'),
        (
            "lua5.4: server.lua:1: module 'socket' not found:\n\tno field",
            "lua5.4: server.lua:1: module 'socket' not found:",
        ),
        (
            "thread 'main' panicked at src/main.rs:2:5:\nno config",
            "thread 'main' panicked at src/main.rs:2:5:",
        ),
        (PSQL, 'psql:seed.sql:3: ERROR:  relation "users" does not exist'),
        (DENIED, "mkdir: can't create directory '/data': Permission denied"),
        (
            "dial tcp 172.30.0.2:5432: connect: connection refused\nbye",
            "dial tcp 172.30.0.2:5432: connect: connection refused",
        ),
        ("\n\nno config\n   \n", "no config"),
        ("", ""),
    ],
    ids=lambda value: value[:12],
)
def test_the_line_that_says_why_is_chosen(output: str, line: str) -> None:
    assert cause(output) == line


def test_a_program_that_may_still_run_is_not_blamed_for_its_last_line() -> None:
    assert cause("listening on port 80", ended=False) == ""
    assert cause(PYTHON, ended=False) == "KeyError: 'DATABASE_URL'"


def test_a_long_line_is_cut_and_says_so() -> None:
    found = cause(f"ValueError: {'x' * 1000}")

    assert len(found) == LONGEST
    assert found.endswith("…")


@given(st.text(), st.booleans())
def test_whatever_a_program_writes_one_short_line_of_it_is_chosen(output: str, ended: bool) -> None:  # noqa: FBT001 - drawn
    found = cause(output, ended=ended)

    assert len(found) <= LONGEST
    assert len(found.splitlines()) <= 1
    assert found.removesuffix("…") in output


@given(st.text(min_size=1, max_size=40))
def test_only_the_end_of_much_output_is_read(piece: str) -> None:
    flood = piece * (200_000 // len(piece))

    assert cause(flood + "\nKeyError: 'A'") == "KeyError: 'A'"
    assert cause("KeyError: 'A'\n" + flood) == cause(flood)


FAILED = StepResult(StepState.FAILED, Reason.CONTAINER_EXITED, {"name": "app", "code": "1"}, log_tail=PYTHON)


def test_a_failed_container_gets_its_cause() -> None:
    assert with_cause(FAILED).facts == {"name": "app", "code": "1", "cause": "KeyError: 'DATABASE_URL'"}


def test_a_failed_setup_gets_its_cause() -> None:
    failed = StepResult(StepState.FAILED, Reason.SETUP_FAILED, log_tail="2 of 3 rows\nduplicate row")
    assert with_cause(failed).facts == {"cause": "duplicate row"}


@pytest.mark.parametrize(
    "result",
    [
        StepResult(StepState.PASSED, log_tail=PYTHON),
        StepResult(StepState.FAILED, Reason.OUT_OF_MEMORY, log_tail=PYTHON),
        StepResult(StepState.FAILED, Reason.CONTAINER_EXITED),
        StepResult(StepState.FAILED, Reason.UNHEALTHY, log_tail="listening"),
    ],
)
def test_other_results_are_left_alone(result: StepResult) -> None:
    assert with_cause(result) is result


def test_a_preview_that_stopped_working_says_what_a_runtime_wrote() -> None:
    outage = Outage(Reason.CRASH_LOOP, datetime(2026, 3, 1, tzinfo=UTC), {"name": "app"}, "app", PYTHON)
    assert outage_with_cause(outage).facts == {"name": "app", "cause": "KeyError: 'DATABASE_URL'"}


@pytest.mark.parametrize("log", ["", "GET / 200", "serving on :8080\nGET /login 200"])
def test_the_last_line_of_what_was_long_up_is_not_the_cause(log: str) -> None:
    outage = Outage(Reason.CONTAINER_STOPPED, datetime(2026, 3, 1, tzinfo=UTC), {"name": "app"}, "app", log)
    assert outage_with_cause(outage) is outage
