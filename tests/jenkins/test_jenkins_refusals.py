"""Reasons for refusals of Jenkins, and its credentials."""

import asyncio
from typing import Any

import httpx
import pytest

from bot.model.errors import ChatOpsError, GiveUp, TellUser
from bot.model.reason import Reason
from bot.runners.jenkins import errors
from playground.jenkins.server import OfflineJenkins
from tests.jenkins.bench import USER, Bench

JOB = "team/build-image"


async def refused(bench: Bench, kind: type[ChatOpsError], **changes: Any) -> ChatOpsError:
    with pytest.raises(kind) as caught:
        await bench.run(**changes)
    return caught.value


async def test_a_missing_job(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job("team/other")
    error = await refused(bench, TellUser)
    assert (error.reason, error.facts) == (Reason.JENKINS_JOB_UNKNOWN, {"job": JOB})


async def test_a_job_without_read_permission_is_reported_as_missing(
    bench: Bench, jenkins: OfflineJenkins
) -> None:
    jenkins.add_job(JOB, grants={USER: frozenset()})
    assert (await refused(bench, TellUser)).reason is Reason.JENKINS_JOB_UNKNOWN


async def test_a_folder_is_not_a_job(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(f"{JOB}/inner")
    error = await refused(bench, TellUser)
    assert error.reason is Reason.JENKINS_PARAMETERS


async def test_a_job_that_is_disabled(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB, buildable=False)
    assert (await refused(bench, TellUser)).reason is Reason.JENKINS_JOB_DISABLED
    assert jenkins.triggers() == 0


async def test_a_job_that_is_disabled_in_between(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    page = "<html>team/build-image is not buildable</html>"
    jenkins.faults.add("POST", "/buildWithParameters", status=409, body=page)
    assert (await refused(bench, TellUser)).reason is Reason.JENKINS_JOB_DISABLED


async def test_a_missing_permission_is_named(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB, grants={USER: frozenset({"Read"})})
    error = await refused(bench, GiveUp)
    assert error.reason is Reason.JENKINS_DENIED
    assert error.facts["permission"] == "hudson.model.Item.Build"
    assert error.facts["job"] == JOB


@pytest.mark.parametrize("credentials", [{"user": USER, "token": "wrong"}, {"user": "who", "token": "x"}])
async def test_wrong_credentials(bench: Bench, jenkins: OfflineJenkins, credentials: dict[str, str]) -> None:
    jenkins.add_job(JOB)
    bench.credentials = credentials
    error = await refused(bench, GiveUp)
    assert error.reason is Reason.JENKINS_LOGIN
    assert "401" in error.facts["message"]
    assert "wrong" not in str(error)


async def test_anonymous_access_has_no_permission(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    bench.credentials = {}
    error = await refused(bench, GiveUp)
    assert (error.reason, error.facts["permission"]) == (Reason.JENKINS_DENIED, "hudson.model.Hudson.Read")


async def test_a_redirect_to_a_login_page_is_not_followed(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    where = {"Location": "https://sso.example.com/securityRealm/commenceLogin"}
    jenkins.faults.add("*", "/", status=302, headers=where, body="", times=9)
    assert (await refused(bench, GiveUp)).reason is Reason.JENKINS_LOGIN


@pytest.mark.parametrize("parameters", [None, (), ("CHATOPS_SHA",)])
async def test_a_job_whose_builds_cannot_be_recognized_is_not_started(
    bench: Bench, jenkins: OfflineJenkins, parameters: tuple[str, ...] | None
) -> None:
    jenkins.add_job(JOB, parameters=parameters)
    error = await refused(bench, TellUser)
    assert error.reason is Reason.JENKINS_PARAMETERS
    assert error.facts == {"job": JOB, "parameters": "CHATOPS_RUN"}
    assert jenkins.triggers() == 0


async def test_parameters_that_would_be_dropped_are_named(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB, parameters=("CHATOPS_RUN", "REF"))
    error = await refused(bench, TellUser, required=frozenset({"REF", "TARGET", "DEPTH"}))
    assert error.facts["parameters"] == "DEPTH, TARGET"


@pytest.mark.parametrize(
    ("allowed", "job", "fine"),
    [
        ((), JOB, False),
        (("{owner}/**",), JOB, True),
        (("{owner}/{name}/**",), JOB, False),
        (("{owner}/{name}/**",), "team/shop/build", True),
        (("shared", "shared/*"), "shared/build", True),
        (("build",), "team/build", False),
        (("**", "!shared/**"), "shared/build", False),
        (("**", "!shared/**"), "SHARED/build", False),
        (("**", "!shared/**"), "team/build", True),
        (("{owner}/*",), "Team/build", True),
    ],
)
async def test_the_operator_limits_the_jobs_of_a_repository(
    bench: Bench, jenkins: OfflineJenkins, allowed: tuple[str, ...], job: str, *, fine: bool
) -> None:
    jenkins.add_job(job)
    bench.allowed = allowed
    if fine:
        assert (await bench.run(name=job)).result == "SUCCESS"
        return
    error = await refused(bench, TellUser, name=job)
    assert (error.reason, error.facts) == (Reason.JENKINS_JOB_NOT_ALLOWED, {"job": job})
    assert jenkins.requests == []


async def test_a_token_needs_no_crumb(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    await bench.run()
    assert not any("crumb" in path for _, path in jenkins.requests)


async def test_a_password_needs_a_crumb(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    bench.credentials = {"user": USER, "password": "s3cret"}
    assert (await bench.run()).result == "SUCCESS"
    assert sum("crumb" in path for _, path in jenkins.requests) == 1


async def test_an_expired_crumb_is_replaced(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.add_job(JOB)
    bench.credentials = {"user": USER, "password": "s3cret"}
    jobs = bench.jobs()
    await bench.run(jobs=jobs)
    jenkins.access._salt = "another"
    assert (await bench.run(jobs=jobs, key="8.0")).result == "SUCCESS"
    assert sum("crumb" in path for _, path in jenkins.requests) == 2


async def test_a_jenkins_without_a_crumb_issuer_gets_no_crumb(bench: Bench, jenkins: OfflineJenkins) -> None:
    jenkins.faults.add("GET", "/crumbIssuer", status=404, body="<html/>", times=9)
    jenkins.add_job(JOB)
    bench.credentials = {"user": USER, "password": "s3cret"}
    error = await refused(bench, GiveUp)
    assert error.reason is Reason.JENKINS_DENIED  # the offline Jenkins still requires one


async def test_a_multibranch_job_is_found_by_its_encoded_branch(
    bench: Bench, jenkins: OfflineJenkins
) -> None:
    job = jenkins.add_job("team/shop/feature%2Fa cart")
    ending = await bench.run(name="team/shop/feature%2Fa cart")
    assert job.builds[1].result == "SUCCESS"
    assert ending.name == "team/shop/feature%2Fa cart"
    link = "https://ci.example.com/job/team/job/shop/job/feature%252Fa%20cart/1/"
    assert bench.reports[-1]["link"] == link


async def test_responses_of_other_servers_are_recognized(bench: Bench, jenkins: OfflineJenkins) -> None:
    """An ingress without a backend answers 404 to everything."""
    jenkins.add_job(JOB)
    jenkins.faults.add("GET", "/", status=404, body="default backend - 404", times=8)
    assert (await bench.run()).result == "SUCCESS"
    assert "the server that answers is not Jenkins" in bench.log.notes


def test_messages_are_extracted_from_html() -> None:
    page = (
        "<html><head><title>Error 403</title><style>p {color: red}</style></head>"
        "<body><script>alert(1)</script><h1>HTTP ERROR 403</h1><p>No valid crumb &amp; more</p></body></html>"
    )
    assert errors.words(page) == "HTTP ERROR 403 No valid crumb & more"
    assert len(errors.words("x" * 5000)) == 200


@pytest.mark.parametrize(("header", "delay"), [("30", 30.0), ("86400", 600.0), ("soon", None), ("", None)])
def test_a_requested_delay_is_respected_within_limits(header: str, delay: float | None) -> None:
    error = errors.error_for(503, httpx.Headers({"Retry-After": header}), "", "GET /", "")
    assert getattr(error, "delay", 0) == delay


async def test_cancelling_while_jenkins_is_unavailable_does_not_hang(
    bench: Bench, jenkins: OfflineJenkins
) -> None:
    jenkins.add_job(JOB)
    jenkins.restart(10_000)
    bench.stopping = True
    task = bench.start()
    await bench.until(lambda: bench.waited_for)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
