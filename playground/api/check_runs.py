"""Check runs of commits. Only administrators may write them, and a conclusion is final."""

from typing import Any

from aiohttp import web

from playground import refusals
from playground.api.requests import ApiRequest, Chapter
from playground.state import CheckRun, Repository

chapter = Chapter()
_STATUS = {"queued", "in_progress", "completed"}
_CONCLUSION = {"neutral", "success", "failure", "cancelled", "action_required", "timed_out", "skipped", None}


def _run(call: ApiRequest, repository: Repository) -> CheckRun:
    run = repository.check_runs.get(call.number("id"))
    if run is None:
        raise refusals.not_found("404 Check Run Not Found")
    return run


def _output(call: ApiRequest) -> dict[str, object]:
    """Return the output, given as nested JSON or as fields such as `output[title]`."""
    nested = call.parameters.get("output")
    if isinstance(nested, dict):
        return dict(nested)
    form = {key[7:-1]: value for key, value in call.parameters.items() if key.startswith("output[")}
    return {key: value for key, value in form.items() if "]" not in key}


def _apply(call: ApiRequest, run: CheckRun) -> None:
    given: dict[str, Any] = call.parameters
    for name in ("status", "conclusion", "details_url", "started_at", "completed_at"):
        if name in given:
            setattr(run, name, given[name])
    if run.conclusion is not None:
        run.status = "completed"
    if run.status not in _STATUS or run.conclusion not in _CONCLUSION:
        raise refusals.bad_request("status or conclusion does not have a valid value")
    run.output = {**run.output, **_output(call)}


@chapter.add("POST", "/R/check-runs")
async def create(call: ApiRequest) -> web.Response:
    """Create a check run for a commit in the repository."""
    repository = call.repository("admin")
    name, sha = call.text("name"), call.text("head_sha")
    if not name or not sha:
        raise refusals.bad_request("name, head_sha is missing")
    if await call.forge.git(repository).resolve(sha) != sha:
        raise refusals.not_found("404 Commit Not Found")
    pull_id = call.text("pull_request_id")
    bound = int(pull_id) if pull_id.isdigit() else None
    run = CheckRun(
        call.forge.world.ids.next("check_run"), name, sha, bound, "queued", None, None, None, None, {}
    )
    _apply(call, run)
    repository.check_runs[run.id] = run
    call.forge.changes.notify()
    return web.json_response(call.serializer.check_run(repository, run), status=201)


@chapter.add("GET", "/R/check-runs/{id:\\d+}")
async def one(call: ApiRequest) -> web.Response:
    """Return a check run by id."""
    repository = call.repository()
    return web.json_response(call.serializer.check_run(repository, _run(call, repository)))


@chapter.add("PATCH", "/R/check-runs/{id:\\d+}")
async def edit(call: ApiRequest) -> web.Response:
    """Change a check run that has no conclusion yet."""
    repository = call.repository("admin")
    run = _run(call, repository)
    if run.conclusion is not None:
        raise refusals.bad_request("check run 已完成，不可修改")
    _apply(call, run)
    call.forge.changes.notify()
    return web.json_response(call.serializer.check_run(repository, run))


@chapter.add("GET", "/R/check-runs/{id:\\d+}/annotations")
async def annotations(call: ApiRequest) -> web.Response:
    """Return a page of a check run's annotations."""
    found = _run(call, call.repository()).output.get("annotations")
    return call.page(found if isinstance(found, list) else [], dict)


@chapter.add("GET", "/R/commits/{ref:[^/]+}/check-runs")
async def listed(call: ApiRequest) -> web.Response:
    """Return the check runs of a commit. Those of a pull request are included only if its id is given."""
    repository = call.repository()
    sha = await call.forge.git(repository).resolve(call.path("ref"))
    bound = call.text("pull_request_id")
    found = [
        run
        for run in repository.check_runs.values()
        if run.head_sha == sha
        and str(run.pull_request_id or "") == bound
        and call.text("check_name") in {"", run.name}
        and call.text("status") in {"", run.status}
    ]
    if call.text("filter", "latest") == "latest":
        found = list({run.name: run for run in found}.values())
    shown = [call.serializer.check_run(repository, run) for run in reversed(found)]
    return web.json_response({"total_count": len(shown), "check_runs": shown})
