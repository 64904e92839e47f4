#!/usr/bin/env bash
# All checks and all tests, cheap ones first; pytest's closing line comes last so that it can be found.
# STARTED is when the set-up before it began, in seconds since 1970.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=.venv/bin
pytest_log=.local/pytest.log
cluster_log=.local/pytest-cluster.log
reports=(.local/pytest.xml .local/pytest-cluster.xml)
pure='bot/core/*,bot/model/*,bot/pipeline/*,bot/runners/kubernetes/pure/*,commands/*'

SECONDS=$(($(date +%s) - ${STARTED:-$(date +%s)}))
current=set-up
since=0
took=()

# One part ends, and how long it took is noted; the next begins.
part() {
    took+=("$(printf '%8d s  %s' $((SECONDS - since)) "$current")")
    current=$1
    since=$SECONDS
    printf '\n== %s\n' "$1"
}

pytest_options=(-n "${TEST_WORKERS:-2}" --dist loadgroup)
coverage=(--cov --cov-report=)
cluster() { PYTHONPATH=deploy/local $bin/python -m tests.cluster.local "$@"; }

rm -f "${reports[@]}"

# ARGS choose tests of the first run, and want their answer at once: no cluster, no checks, no coverage.
chosen=no
[ $# -eq 0 ] || chosen=yes
with_cluster=no
[ $chosen = yes ] || [ "${CLUSTER:-on}" = off ] || with_cluster=yes

if [ $with_cluster = yes ]; then
    part 'cluster'
    cluster prepare
    # Building a Kubernetes takes minutes the first time; it is wanted last, and waited for there.
    PYTHONPATH=deploy/local setsid nice $bin/python -m tests.cluster.local build >/dev/null 2>&1 &
    building=$!
    trap "kill -- -$building 2>/dev/null || true" EXIT
fi

check() {
    part 'ruff'
    $bin/ruff check .
    $bin/ruff format --check .
    part 'mypy'
    $bin/mypy
    part 'import-linter'
    $bin/lint-imports
}

[ $chosen = yes ] || check

part 'pytest'
failed=0
[ $chosen = yes ] || pytest_options+=("${coverage[@]}")
$bin/python -m pytest "${pytest_options[@]}" --junitxml="${reports[0]}" "$@" | tee "$pytest_log" || failed=1
if [ $with_cluster = yes ]; then
    part 'wait for the cluster to be built'
    wait $building || true # what follows tries again, and says why it cannot
    part 'pytest on a cluster'
    cluster test "${pytest_options[@]}" --junitxml="${reports[1]}" --cov-append tests/cluster |
        tee "$cluster_log" || failed=1
fi

measure_coverage() {
    part 'coverage'
    $bin/coverage report --skip-covered --skip-empty
    part 'coverage of the pure code: every branch'
    $bin/coverage report --include="$pure" --skip-covered --fail-under=100 || failed=1
}
[ $chosen = yes ] || measure_coverage

part 'slowest tests'
$bin/python -m tests.suite.slowest "${reports[@]}" || true # a report that was cut off decides nothing
part 'time taken'
printf '%s\n' "${took[@]}"

printf '\n== tests\n'
[ $with_cluster = no ] || grep -E '^=+ .* in .* =+$' "$cluster_log" || echo 'the tests on a cluster did not run'
tail -n 1 "$pytest_log"
exit $failed
