#!/usr/bin/env bash
# All checks and all tests, cheap ones first; pytest's closing line comes last so that it can be found.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=.venv/bin
pytest_log=.local/pytest.log
cluster_log=.local/pytest-cluster.log
pure='bot/core/*,bot/model/*,commands/*'

headline() { printf '\n== %s\n' "$1"; }

pytest_options=(-n "${TEST_WORKERS:-2}" --dist loadgroup --cov --cov-report=)
cluster() { PYTHONPATH=deploy/local $bin/python -m tests.cluster.local "$@"; }

# Whoever chooses tests by arguments means those of the first run.
with_cluster=no
[ $# -gt 0 ] || [ "${CLUSTER:-on}" = off ] || with_cluster=yes

if [ $with_cluster = yes ]; then
    headline 'cluster'
    cluster prepare
    # Building a Kubernetes takes minutes the first time; it is wanted last, and waited for there.
    PYTHONPATH=deploy/local setsid nice $bin/python -m tests.cluster.local build >/dev/null 2>&1 &
    trap "kill -- -$! 2>/dev/null || true" EXIT
fi

headline 'ruff'
$bin/ruff check .
$bin/ruff format --check .
headline 'mypy'
$bin/mypy
headline 'import-linter'
$bin/lint-imports

headline 'pytest'
failed=0
$bin/python -m pytest "${pytest_options[@]}" "$@" | tee "$pytest_log" || failed=1
if [ $with_cluster = yes ]; then
    headline 'pytest on a cluster'
    cluster test "${pytest_options[@]}" --cov-append tests/cluster | tee "$cluster_log" || failed=1
fi

headline 'coverage'
$bin/coverage report --skip-covered --skip-empty
headline 'coverage of the pure code: every branch'
$bin/coverage report --include="$pure" --skip-covered --fail-under=100 || failed=1

headline 'tests'
[ $with_cluster = no ] || grep -E '^=+ .* in .* =+$' "$cluster_log" || echo 'the tests on a cluster did not run'
tail -n 1 "$pytest_log"
exit $failed
