#!/usr/bin/env bash
# Run all checks and all tests, the fast ones first. pytest's summary is the last line, so that it is easy to find.
# STARTED is the time at which the preceding setup began, in seconds since 1970.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=.venv/bin
pytest_log=.local/pytest.log
cluster_log=.local/pytest-cluster.log
logs=("$pytest_log")
reports=(.local/pytest.xml .local/pytest-cluster.xml)

SECONDS=$(($(date +%s) - ${STARTED:-$(date +%s)}))
current=setup
since=0
took=()

# End the current part and record its duration; begin the next.
part() {
    took+=("$(printf '%8d s  %s' $((SECONDS - since)) "$current")")
    current=$1
    since=$SECONDS
    printf '\n== %s\n' "$1"
}

pytest_options=(-n "${TEST_WORKERS:-2}" --dist loadgroup)
# They wait for the cluster most of the time, and need little of the processors.
cluster_options=(-n "${CLUSTER_WORKERS:-4}" --dist loadgroup)
of_pure_code=(
    tests/{commands,core,model,pipeline,words}
    tests/docs/test_pipeline_reference.py
    tests/runners/kubernetes_pure
)
cluster() { PYTHONPATH=deploy/local $bin/python -m tests.cluster.local "$@"; }

rm -f "${reports[@]}"

# Arguments select tests of the first run, for a fast answer: without cluster, checks and coverage.
selected=no
[ $# -eq 0 ] || selected=yes
with_cluster=no
[ $selected = yes ] || [ "${CLUSTER:-on}" = off ] || with_cluster=yes

if [ $with_cluster = yes ]; then
    part 'cluster'
    cluster prepare
    # The first build of Kubernetes takes minutes. It runs in the background until the tests on the cluster need it.
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

[ $selected = yes ] || check

failed=()
if [ $selected = no ]; then
    part 'pure code: every branch'
    # In processes of their own: where another test had filled a cache, code of this one would not run.
    $bin/python -m pytest "${pytest_options[@]}" --quiet --cov --cov-report= "${of_pure_code[@]}" || failed+=("$current")
    $bin/coverage report --fail-under=100 || failed+=("$current")
fi

part 'pytest'
$bin/python -m pytest "${pytest_options[@]}" --junitxml="${reports[0]}" "$@" | tee "$pytest_log" || failed+=("$current")
if [ $selected = no ]; then
    part 'fuzzing for a minute'
    $bin/python -m tests.fuzz 60 || failed+=("$current")
fi
if [ $with_cluster = yes ]; then
    logs+=("$cluster_log")
    part 'wait for the cluster to be built'
    wait $building || true # the next command repeats the build and reports the error
    part 'pytest on a cluster'
    cluster test "${cluster_options[@]}" --junitxml="${reports[1]}" tests/cluster | tee "$cluster_log" || failed+=("$current")
fi

part 'slowest tests'
$bin/python -m tests.suite.slowest "${reports[@]}" || true # an incomplete report is no failure
part 'time taken'
printf '%s\n' "${took[@]}"

printf '\n== tests\n'
grep -hE '^(attacks|broke): ' "${logs[@]}" || true
[ $with_cluster = no ] || grep -E '^=+ .* in .* =+$' "$cluster_log" || echo 'The tests on a cluster did not run.'
[ ${#failed[@]} -eq 0 ] || printf 'failed: %s\n' "${failed[@]}"
tail -n 1 "$pytest_log"
exit $((${#failed[@]} > 0))
