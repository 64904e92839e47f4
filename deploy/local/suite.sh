#!/usr/bin/env bash
# All checks and all tests, cheap ones first; pytest's closing line comes last so that it can be found.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=.venv/bin
pytest_log=.local/pytest.log
pure='bot/core/*,bot/model/*,commands/*'

headline() { printf '\n== %s\n' "$1"; }

headline 'ruff'
$bin/ruff check .
$bin/ruff format --check .
headline 'mypy'
$bin/mypy
headline 'import-linter'
$bin/lint-imports

headline 'pytest'
failed=0
$bin/python -m pytest -n "${TEST_WORKERS:-2}" --dist loadgroup --cov --cov-report= "$@" | tee "$pytest_log" || failed=1

headline 'coverage'
$bin/coverage report --skip-covered --skip-empty
headline 'coverage of the pure code: every branch'
$bin/coverage report --include="$pure" --skip-covered --fail-under=100 || failed=1

headline 'tests'
tail -n 1 "$pytest_log"
exit $failed
