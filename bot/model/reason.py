"""Stable codes for every result that needs an explanation, shared by comments, logs, metrics and pages."""

import re
from collections.abc import Mapping
from enum import StrEnum

from bot.model.shortening import shortened

IMAGE_FACT = "of_image"
"""Fact that any reason may have: the name of the image that it is about, if a repository has several."""
LONGEST_FACT = 2_000
"""Characters of a fact; what a pull request wrote may be longer."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What neither PostgreSQL nor UTF-8 can hold: NUL, and halves of characters, as in names of files."""


def bounded(facts: Mapping[str, str]) -> dict[str, str]:
    """Return the facts so that they can be stored and shown: cut, and with `?` for what is no character."""
    return {name: shortened(_UNSTORABLE.sub("?", value), LONGEST_FACT) for name, value in facts.items()}


class Reason(StrEnum):
    """Why something was refused, failed or stopped; `bot.words` has a sentence for each, in both languages.

    The facts that go with a code are named beside it; its sentence may use them. A failed step may also have
    the fact `cause`: the line of a program's output that says why.
    """

    # Refusals: nothing ran.
    NOT_ALLOWED = "not_allowed"  # who, command, level, environment, helpers
    NOT_TRUSTED = "not_trusted"  # author, sha, approve, level, helpers
    FORK_NOT_OWN = "fork_not_own"  # author, sha, fork, approve, level, helpers
    FORK_SHARED = "fork_shared"  # sha, fork, who, approve, level, helpers
    FORK_UNREADABLE = "fork_unreadable"  # sha, fork, approve, level, helpers
    FORK_DELETED = "fork_deleted"  # sha, approve, level, helpers
    PULL_CLOSED = "pull_closed"  # command
    HEAD_MOVED = "head_moved"  # seen, now
    FOUND_LATE = "found_late"  # seconds
    FOUND_AFTER_PUSH = "found_after_push"  # now
    COMMIT_NAMED_WRONG = "commit_named_wrong"  # named, now, approve
    COMMIT_ABBREVIATED = "commit_abbreviated"  # named, approve
    COMMIT_NOT_NAMED = "commit_not_named"  # approve
    ALREADY_TRUSTED = "already_trusted"  # author
    NOTHING_APPROVED = "nothing_approved"
    UNKNOWN_ENVIRONMENT = "unknown_environment"  # name, known
    UNKNOWN_SUITE = "unknown_suite"  # name, known
    UNKNOWN_RUN = "unknown_run"  # run
    UNKNOWN_COMMAND = "unknown_command"  # name, suggestion
    NO_LOG = "no_log"  # name, known
    OUTPUT_LATE = "output_late"  # seconds
    EGRESS_UNBOUNDED = "egress_unbounded"  # name, message
    NOTHING_TO_CANCEL = "nothing_to_cancel"
    NOTHING_TO_TEAR_DOWN = "nothing_to_tear_down"
    NOTHING_FAILED = "nothing_failed"
    LIVES_LONGEST = "lives_longest"  # longest
    NOT_ASLEEP = "not_asleep"
    STEP_DISABLED = "step_disabled"  # step
    ARGUMENT_MISSING = "argument_missing"  # argument, usage
    ARGUMENT_UNKNOWN = "argument_unknown"  # argument, usage, suggestion
    ARGUMENT_REPEATED = "argument_repeated"  # argument, usage
    ARGUMENT_INVALID = "argument_invalid"  # argument, value, expected, usage
    QUOTE_UNCLOSED = "quote_unclosed"  # text
    CONFIG_INVALID = "config_invalid"  # file, problems are in the view
    SECRET_NOT_GRANTED = "secret_not_granted"  # name, part, setting
    SECRET_NOT_FOR_STEP = "secret_not_for_step"  # name, part, setting
    SECRET_NOT_FOR_ENVIRONMENT = "secret_not_for_environment"  # name, part, environment, setting
    SECRET_NOT_TRUSTED = "secret_not_trusted"  # name, part, setting
    SECRET_NOT_DELIVERED = "secret_not_delivered"  # name, part, runner, setting

    # Failures that users cause and can fix: not retried.
    SECRET_NOT_TEXT = "secret_not_text"  # name
    SOURCE_TOO_LARGE = "source_too_large"  # limit
    TOO_EXPENSIVE = "too_expensive"  # name, seconds, limit
    NO_DOCKERFILE = "no_dockerfile"  # path, paths, first, setting
    DOCKERFILE_INVALID = "dockerfile_invalid"  # message
    FRONTEND_REFUSED = "frontend_refused"  # where, source
    SOURCE_REFUSED = "source_refused"  # where, source
    SOURCE_UNKNOWN = "source_unknown"  # where, source
    SECRET_NOT_LISTED = "secret_not_listed"  # where, name, setting
    IMAGE_REFUSED = "image_refused"  # where, image, setting
    TARGET_UNKNOWN = "target_unknown"  # target, known
    NOT_FETCHED = "not_fetched"  # unfetched, obstacle
    BUILD_FAILED = "build_failed"  # instruction, code, unfetched, obstacle
    BASE_IMAGE_MISSING = "base_image_missing"  # image
    IMAGE_MISSING = "image_missing"  # image
    IMAGE_HOST_UNKNOWN = "image_host_unknown"  # image, host
    VULNERABLE = "vulnerable"  # severity, found, total, fixable
    NO_PORT = "no_port"
    CONTAINER_EXITED = "container_exited"  # name, code
    SETUP_FAILED = "setup_failed"  # command, code, name
    SETUP_TIMED_OUT = "setup_timed_out"  # command, seconds
    OUT_OF_MEMORY = "out_of_memory"  # name, limit
    DISK_EXCEEDED = "disk_exceeded"  # name, size, limit
    FILE_REFUSED = "file_refused"  # name, path
    FILES_TOO_MANY = "files_too_many"  # name, limit
    FILES_TOO_LARGE = "files_too_large"  # name, path, limit
    UNHEALTHY = "unhealthy"  # name, seconds
    NO_HTTP = "no_http"  # name, port, seconds
    READ_ONLY = "read_only"  # name, setting
    NOT_PERMITTED = "not_permitted"  # name, setting
    IMAGE_PULL_FAILED = "image_pull_failed"  # name, image, message
    CRASH_LOOP = "crash_loop"  # name, code, times, seconds
    PROBE_FAILING = "probe_failing"  # name, message, seconds
    RUNS_AS_ROOT = "runs_as_root"  # name
    CONTAINER_UNSTARTABLE = "container_unstartable"  # name, message
    NO_STORAGE_CLASS = "no_storage_class"
    QUOTA_EXCEEDED = "quota_exceeded"  # message
    POD_REFUSED = "pod_refused"  # message
    UNSCHEDULABLE = "unschedulable"  # message
    HOOK_FAILED = "hook_failed"  # name
    URL_UNANSWERED = "url_unanswered"  # url, answer, seconds
    NO_DEFINITION = "no_definition"  # path, sha
    CHART_FAILED = "chart_failed"  # chart, message
    CHART_REFUSED = "chart_refused"  # chart
    VALUE_REFUSED = "value_refused"  # value
    SCHEMA_REFUSED = "schema_refused"  # path, reference
    NO_SERVICE = "no_service"  # path, host
    MANIFEST_INVALID = "manifest_invalid"  # path, message
    MANIFEST_REFUSED = "manifest_refused"  # object, what
    MANIFEST_VALUE_REFUSED = "manifest_value_refused"  # object, what, allowed
    MANIFEST_UNLISTED = "manifest_unlisted"  # object, what, setting
    TESTS_FAILED = "tests_failed"  # failed, total
    TESTS_EXITED = "tests_exited"  # code
    NO_REPORT = "no_report"  # path, code
    REPORT_UNREADABLE = "report_unreadable"  # path, message, code
    REPORT_CUT = "report_cut"  # paths, seconds, limit, total
    NO_TESTS = "no_tests"
    NO_TEST_RAN = "no_test_ran"  # path, code
    NOTHING_TESTED = "nothing_tested"  # target
    TESTED_BY_BUILD = "tested_by_build"  # target
    NO_ENVIRONMENT = "no_environment"
    CONTAINER_STOPPED = "container_stopped"  # name, code
    NO_LONGER_HEALTHY = "no_longer_healthy"  # name, seconds
    ENVIRONMENT_GONE = "environment_gone"
    TEARDOWN_UNFINISHED = "teardown_unfinished"
    TIMED_OUT = "timed_out"  # step, seconds
    RUN_TIMED_OUT = "run_timed_out"  # longest

    # Ended by an event.
    CANCELLED = "cancelled"  # who
    SUPERSEDED = "superseded"  # by
    CLOSED = "closed"
    APPROVAL_REVOKED = "approval_revoked"  # who
    APPROVAL_DELETED = "approval_deleted"  # who
    APPROVAL_EDITED = "approval_edited"  # who
    APPROVER_DEMOTED = "approver_demoted"  # who
    SKIPPED_AFTER_FAILURE = "skipped_after_failure"

    # Infrastructure: retried, then reported as such.
    ENGINE_UNAVAILABLE = "engine_unavailable"  # message
    DISK_FULL = "disk_full"  # free
    CLUSTER_UNAVAILABLE = "cluster_unavailable"  # message
    OWNED_BY_ANOTHER_BOT = "owned_by_another_bot"  # name, until
    CLUSTER_REFUSED = "cluster_refused"  # message
    BUILDKIT_UNAVAILABLE = "buildkit_unavailable"  # message
    REGISTRY_UNAVAILABLE = "registry_unavailable"  # message
    REGISTRY_DENIED = "registry_denied"  # repository
    SCAN_UNAVAILABLE = "scan_unavailable"  # message
    GIT_UNAVAILABLE = "git_unavailable"  # message
    GIT_DENIED = "git_denied"  # repository
    COMMIT_GONE = "commit_gone"  # sha
    MERGE_CONFLICT = "merge_conflict"  # sha, onto, paths
    STORE_UNAVAILABLE = "store_unavailable"  # message
    INTERRUPTED = "interrupted"  # times
    GITEE_UNAVAILABLE = "gitee_unavailable"  # message
    GITEE_DENIED = "gitee_denied"  # message
    REPOSITORY_INVISIBLE = "repository_invisible"  # message
    PULL_UNKNOWN = "pull_unknown"  # message
    NOT_SUPPORTED = "not_supported"  # what
    SECRET_UNREADABLE = "secret_unreadable"  # name

    # Jenkins: its jobs and their results.
    JENKINS_JOB_UNKNOWN = "jenkins_job_unknown"  # job
    JENKINS_JOB_DISABLED = "jenkins_job_disabled"  # job
    JENKINS_JOB_NOT_ALLOWED = "jenkins_job_not_allowed"  # job
    JENKINS_PARAMETERS = "jenkins_parameters"  # job, parameters
    JENKINS_LOGIN = "jenkins_login"  # message
    JENKINS_DENIED = "jenkins_denied"  # job, permission
    JENKINS_UNAVAILABLE = "jenkins_unavailable"  # message
    JENKINS_QUEUED_TOO_LONG = "jenkins_queued_too_long"  # job, seconds, why
    JENKINS_FAILED = "jenkins_failed"  # job, number, result
    JENKINS_ABORTED = "jenkins_aborted"  # job, number
    JENKINS_LOST = "jenkins_lost"  # job
    JENKINS_RESULT_UNREADABLE = "jenkins_result_unreadable"  # job, path, message
    JENKINS_NO_IMAGE = "jenkins_no_image"  # job
    JENKINS_NO_REPORT = "jenkins_no_report"  # job
    JENKINS_NO_TEST_RAN = "jenkins_no_test_ran"  # job, number

    INTERNAL = "internal"  # id
