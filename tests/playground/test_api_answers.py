"""API answers, validated against the published description, or recorded answers where that is wrong."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from playground.api import check_runs, comments, contents, people, pulls, text
from playground.server import OfflineGitee
from tests.playground.receiving import REPO, Api

SAMPLES = Path(__file__).parent.parent / "samples" / "gitee"
# The description calls these strings; recorded answers have objects or arrays.
WRONG_IN_THE_DESCRIPTION = {
    "_links", "head", "base", "commit", "patch", "permissions", "stats", "parents", "tree", "committer",
}  # fmt: skip


def nullable(schema: Any) -> Any:
    """Make every field nullable, as in recorded answers, and drop parts that are known to be wrong."""
    if isinstance(schema, list):
        return [nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    fixed = {key: nullable(value) for key, value in schema.items() if key != "properties"}
    properties = schema.get("properties", {})
    if isinstance(properties, dict) and properties:
        fixed["properties"] = {
            name: {} if name in WRONG_IN_THE_DESCRIPTION else nullable(one)
            for name, one in properties.items()
        }
    if isinstance(schema.get("type"), str):
        fixed["type"] = [schema["type"], "null"]
    return {"anyOf": [fixed, {"type": "null"}]} if "$ref" in schema else fixed


DESCRIPTION = nullable(json.loads((SAMPLES / "openapi.reduced.json").read_text()))
REGISTRY: Registry[Any] = Registry().with_resource("urn:gitee", DRAFT202012.create_resource(DESCRIPTION))


def hold_to(schema: str, answer: Any) -> None:
    """Fail if the answer violates the schema."""
    reference = {"$ref": f"urn:gitee#/components/schemas/{schema}"}
    jsonschema.Draft202012Validator(reference, registry=REGISTRY).validate(answer)


def recorded(name: str) -> Any:
    return json.loads((SAMPLES / "api" / f"{name}.json").read_text())


def differing(sample: Any, ours: Any, where: str = "$") -> list[str]:
    """List missing keys and differing types."""
    if isinstance(sample, dict) and isinstance(ours, dict):
        found = [f"{where}.{key}" for key in sample.keys() - ours.keys()]
        for key in sample.keys() & ours.keys():
            found += differing(sample[key], ours[key], f"{where}.{key}")
        return found
    if isinstance(sample, list) and isinstance(ours, list):
        return differing(sample[0], ours[0], f"{where}[]") if sample and ours else []
    if sample is None or ours is None or type(sample) is type(ours):
        return []
    return [f"{where}: {type(sample).__name__} became {type(ours).__name__}"]


ROUTES = [
    ("/user", "UserDetail", "go-scm__user"),
    ("/users/mei", "UserInfo", "go-scm__user"),
    ("/repos/team/shop", "Project", "go-scm__repo"),
    ("/repos/team/shop/pulls/1", "PullRequest", "go-scm__pr"),
    ("/repos/team/shop/branches/feature", "CompleteBranch", None),
    ("/repos/team/shop/commits/feature", "RepoCommitWithFiles", "go-scm__commit"),
    ("/repos/team/shop/compare/master...feature", "Compare", "go-scm__compare"),
    ("/repos/team/shop/contents/src/app.py", "Content", "go-scm__content"),
    ("/repos/team/shop/git/trees/master?recursive=1", "Tree", None),
    ("/repos/team/shop/collaborators/mei/permission", "ProjectMemberPermission", None),
    ("/orgs/team/memberships/mei", "GroupMember", None),
]
LISTS = [
    ("/user/repos", "Project", "go-scm__repo"),
    ("/repos/team/shop/pulls", "PullRequest", "go-scm__pr"),
    ("/repos/team/shop/pulls/1/comments", "PullRequestComments", "go-scm__pr_comment"),
    ("/repos/team/shop/pulls/1/commits", "PullRequestCommits", None),
    ("/repos/team/shop/pulls/1/files", "PullRequestFiles", "go-scm__pr_files"),
    ("/repos/team/shop/pulls/1/labels", "Label", None),
    ("/repos/team/shop/pulls/1/operate_logs", "OperateLog", None),
    ("/repos/team/shop/contents/src", "Content", "go-scm__content_list"),
    ("/repos/team/shop/branches", "Branch", None),
    ("/repos/team/shop/commits", "RepoCommit", None),
    ("/repos/team/shop/hooks", "Hook", "go-scm__hook"),
    ("/repos/team/shop/labels", "Label", None),
    ("/repos/team/shop/collaborators", "ProjectMember", None),
]


@pytest.fixture
async def furnished(gitee: OfflineGitee, pull: int) -> None:
    await gitee.comment(REPO, pull, "hello", by="mei")
    await gitee.label(REPO, pull, ["needs-work"], by="lin")
    gitee.add_hook(REPO, "http://127.0.0.1:1/", "secret", events=())


def _like(sample: str | None, answer: Any) -> None:
    if sample is not None:
        body = recorded(sample)
        one = body[0] if isinstance(body, list) else body
        assert differing(one, answer) == []


@pytest.mark.usefixtures("furnished")
@pytest.mark.parametrize(("path", "schema", "sample"), ROUTES)
async def test_single_answers(api: Api, path: str, schema: str, sample: str | None) -> None:
    answer = await api("lin").get(path)
    assert answer.status_code == 200
    hold_to(schema, answer.json())
    _like(sample, answer.json())


@pytest.mark.usefixtures("furnished")
@pytest.mark.parametrize(("path", "schema", "sample"), LISTS)
async def test_lists(api: Api, path: str, schema: str, sample: str | None) -> None:
    answer = await api("lin").get(path)
    assert answer.status_code == 200
    assert answer.json()
    for one in answer.json():
        hold_to(schema, one)
        _like(sample, one)


def described_routes() -> list[tuple[str, str]]:
    methods = {"get", "post", "put", "patch", "delete"}
    return [(m, path) for path, kinds in DESCRIPTION["paths"].items() for m in kinds if m in methods]


def test_all_routes_are_in_the_description() -> None:
    """Code that uses a route which Gitee does not have would fail in production."""
    described = {(m.upper(), _plain(path.replace("/v5", "/api/v5", 1))) for m, path in described_routes()}
    described.add(("GET", "/api/v5/repos/{}/{}/compare/{}"))
    served = {
        (method, _plain(path))
        for module in (check_runs, comments, contents, people, pulls, text)
        for method, path, _ in module.chapter.routes
    }
    assert served - described == set()


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*(\{[^}]*\})?[^}]*\}", "{}", path)


async def test_wrong_answers_are_refused_by_the_schemas() -> None:
    with pytest.raises(jsonschema.ValidationError):
        hold_to("PullRequest", {"number": "one"})


async def test_a_missing_repository_is_answered_as_recorded(api: Api) -> None:
    answer: httpx.Response = await api("lin").get("/repos/team/none")
    assert (answer.status_code, answer.json()) == (404, recorded("go-scm__error"))
