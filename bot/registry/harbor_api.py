"""The calls of Harbor's API that the bot makes, one method for each; `harbor` decides when.

https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
"""

from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import httpx

from bot.registry.base import RegistryClient, RegistryOptions
from bot.registry.harbor_reading import REPORTS, Artifact, artifact
from bot.registry.responses import denied, message

PAGE = 100
PAGES = 1_000
_SCANS = {"X-Accept-Vulnerabilities": ", ".join(REPORTS)}
_WITH_SCAN = {"with_tag": "true", "with_scan_overview": "true"}


class HarborApi(RegistryClient):
    """The API of one Harbor. Raises as `RegistryClient` does."""

    def __init__(self, options: RegistryOptions) -> None:
        url = options.url or f"https://{options.host}"
        super().__init__(
            options,
            f"{url.rstrip('/')}/api/v2.0/",
            auth=httpx.BasicAuth(options.username, options.password) if options.username else None,
            # A client that returns Harbor's session cookie needs a CSRF token as well.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    async def health(self) -> httpx.Response:
        """Ask for the health of Harbor's components; needs no account."""
        return await self.ask("GET", "health", self.host)

    async def has_project(self, project: str) -> bool:
        """Return whether a project exists."""
        response = await self.ask("HEAD", "projects", project, params={"project_name": project})
        return response.is_success

    async def create_project(self, project: str) -> None:
        """Create a private project, unless it exists by now."""
        wanted = {"project_name": project, "metadata": {"public": "false"}}
        response = await self.ask("POST", "projects", project, json=wanted)
        if not response.is_success and response.status_code != httpx.codes.CONFLICT:
            raise denied(project, message(response))

    async def project_id(self, project: str) -> int | None:
        """Return the id of a project, which the request for permissions needs; None if it does not exist."""
        # Without the header, a project name of digits would be taken for an id.
        response = await self.ask(
            "GET", f"projects/{quote(project, safe='')}", project, headers={"X-Is-Resource-Name": "true"}
        )
        found = _json(response)
        number = found.get("project_id") if isinstance(found, Mapping) else None
        return number if isinstance(number, int) else None

    async def permissions(self, project_id: int) -> frozenset[tuple[str, str]]:
        """Return the account's permissions in a project, as resource and action."""
        asked = {"scope": f"/project/{project_id}", "relative": "true"}
        found = _json(await self.ask("GET", "users/current/permissions", self.host, params=asked))
        items = found if isinstance(found, list) else []
        return frozenset((str(one.get("resource")), str(one.get("action"))) for one in items)

    async def artifact(self, project: str, repository: str, reference: str) -> Artifact | None:
        """Return an artifact by tag or digest, with its tags and its scan; None if it does not exist."""
        path = f"{_artifacts(project, repository)}/{quote(reference, safe='')}"
        response = await self.ask("GET", path, f"{project}/{repository}", params=_WITH_SCAN, headers=_SCANS)
        return artifact(_json(response))

    async def artifacts(self, project: str, repository: str) -> list[Artifact]:
        """Return every artifact of a repository with its tags; none if the repository does not exist."""
        found: list[Artifact] = []
        for number in range(1, PAGES + 1):
            page = {"page": str(number), "page_size": str(PAGE), "with_tag": "true"}
            response = await self.ask(
                "GET", _artifacts(project, repository), f"{project}/{repository}", params=page
            )
            data = _json(response)
            items = data if response.is_success and isinstance(data, list) else []
            found += [one for one in map(artifact, items) if one is not None]
            if len(items) < PAGE:
                break
        return found

    async def repositories(self, project: str, part: str) -> list[str]:
        """Return the names of a project's repositories that contain a part, with the project's name."""
        found: list[str] = []
        for number in range(1, PAGES + 1):
            page = {"page": str(number), "page_size": str(PAGE), "q": f"name=~{part}"}
            response = await self.ask(
                "GET", f"projects/{quote(project, safe='')}/repositories", project, params=page
            )
            data = _json(response)
            items = data if isinstance(data, list) else []
            found += [str(one["name"]) for one in items if isinstance(one, Mapping) and "name" in one]
            if len(items) < PAGE:
                break
        return found

    async def start_scan(self, project: str, repository: str, digest: str) -> str | None:
        """Start a scan unless one is running; return why there will be none, or None."""
        path = f"{_artifacts(project, repository)}/{digest}/scan"
        response = await self.ask("POST", path, refusable=True)
        return None if response.status_code == httpx.codes.CONFLICT else _refusal(response)

    async def delete_tag(self, project: str, repository: str, digest: str, tag: str) -> str | None:
        """Delete one tag, never its artifact; return why it is kept, or None. It need not exist."""
        path = f"{_artifacts(project, repository)}/{digest}/tags/{quote(tag, safe='')}"
        return _refusal(await self.ask("DELETE", path, refusable=True), gone=True)

    async def delete_artifact(self, project: str, repository: str, digest: str) -> str | None:
        """Delete an artifact with all its tags; return why it is kept, or None. It need not exist."""
        path = f"{_artifacts(project, repository)}/{digest}"
        return _refusal(await self.ask("DELETE", path, refusable=True), gone=True)


def _artifacts(project: str, repository: str) -> str:
    # Harbor's router decodes the path before it splits it, so the slashes in a name are encoded twice.
    name = quote(quote(repository, safe=""), safe="")
    return f"projects/{quote(project, safe='')}/repositories/{name}/artifacts"


def _refusal(response: httpx.Response, *, gone: bool = False) -> str | None:
    if response.is_success or (gone and response.status_code == httpx.codes.NOT_FOUND):
        return None
    return message(response) or f"{response.status_code} {response.reason_phrase}"


def _json(response: httpx.Response) -> Any:
    try:
        return response.json() if response.is_success else None
    except ValueError:
        return None
