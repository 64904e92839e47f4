"""Authentication, permissions, and CSRF protection: a password requires a crumb, an API token does not.

https://www.jenkins.io/doc/book/security/csrf-protection/ describes crumbs.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from aiohttp import web

from playground.jenkins.pages import page
from playground.jenkins.state import Job, Permission, User

CRUMB = "Jenkins-Crumb"
SESSION = "JSESSIONID.1a2b3c4d"
ANONYMOUS = "anonymous"


class JenkinsRefusedError(Exception):
    """The request is rejected with this response."""

    def __init__(self, response: web.Response) -> None:
        self.response = response
        super().__init__(response.status)


@dataclass(frozen=True, slots=True)
class Caller:
    """The user of a request, and how it was authenticated."""

    name: str
    by_token: bool
    session: str


@dataclass(slots=True)
class AccessControl:
    """Accounts and sessions."""

    users: dict[str, User] = field(default_factory=dict)
    anyone_reads: bool = False
    """Whether anonymous users may read everything."""
    _salt: str = field(default_factory=secrets.token_hex)

    def caller(self, request: web.Request) -> Caller:
        """Return the user of a request. Raises JenkinsRefusedError(401) for wrong credentials."""
        session = request.cookies.get(SESSION, "")
        header = request.headers.get("Authorization", "")
        if not header:
            return Caller(ANONYMOUS, by_token=False, session=session)
        name, _, secret = _decoded(header).partition(":")
        user = self.users.get(name)
        if user is None or not _same(secret, user.token, user.password):
            raise JenkinsRefusedError(page(401, "Unauthorized", f"Invalid password/token for user: {name}"))
        return Caller(name, by_token=_same(secret, user.token), session=session)

    def crumb(self, caller: Caller) -> str:
        """Return the crumb of the caller's session."""
        return hashlib.sha256(f"{caller.name};{caller.session};{self._salt}".encode()).hexdigest()

    def require_crumb(self, request: web.Request, caller: Caller) -> None:
        """Raise JenkinsRefusedError(403) if the required crumb is missing or wrong."""
        if caller.by_token:
            return
        given = request.headers.get(CRUMB, "")
        if not caller.session or not hmac.compare_digest(given, self.crumb(caller)):
            raise JenkinsRefusedError(page(403, "Forbidden", "No valid crumb was included in the request"))

    def require(self, caller: Caller, job: Job, permission: Permission) -> None:
        """Raise JenkinsRefusedError without this permission; without Read, the job seems not to exist."""
        if caller.name == ANONYMOUS and not (self.anyone_reads and permission == "Read"):
            raise JenkinsRefusedError(denied(caller, "hudson.model.Hudson.Read"))
        if not job.allows(caller.name, "Read"):
            raise JenkinsRefusedError(page(404, "Not Found", "Not Found"))
        if not job.allows(caller.name, permission):
            raise JenkinsRefusedError(denied(caller, f"hudson.model.Item.{permission}"))


def denied(caller: Caller, permission: str) -> web.Response:
    """Return Jenkins' response to a missing permission, which is named in a header."""
    message = f"{caller.name} is missing the {permission.rpartition('.')[2]} permission"
    response = page(403, "Forbidden", message)
    response.headers["X-You-Are-Authenticated-As"] = caller.name
    response.headers["X-Required-Permission"] = permission
    return response


def _decoded(header: str) -> str:
    try:
        return base64.b64decode(header.removeprefix("Basic ")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _same(given: str, *known: str) -> bool:
    return any(secret and hmac.compare_digest(given.encode(), secret.encode()) for secret in known)
