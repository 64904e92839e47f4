"""Users, members of organizations, and collaborators with their permissions."""

from aiohttp import web

from playground import refusals, repositories
from playground.api.requests import ApiRequest, Chapter
from playground.state import Permission, User

chapter = Chapter()
_GIVEN: dict[str, Permission] = {"pull": "read", "push": "write", "admin": "admin"}


@chapter.add("GET", "/user")
async def whoami(call: ApiRequest) -> web.Response:
    """Return the user of the token."""
    return web.json_response(call.serializer.user_detail(call.known_user()))


@chapter.add("GET", "/user/repos")
async def own_repositories(call: ApiRequest) -> web.Response:
    """Return a page of the repositories in which the user of the token has a permission, by name."""
    known, world = call.known_user(), call.forge.world
    found = [one for one in world.repositories.values() if world.permission(one, known)]
    return call.page(
        sorted(found, key=lambda one: one.full_name), lambda one: call.serializer.repository(one, known)
    )


@chapter.add("GET", "/users/{username}")
async def user(call: ApiRequest) -> web.Response:
    """Return a user by login."""
    return web.json_response(call.serializer.user_detail(call.forge.user(call.path("username"))))


@chapter.add("GET", "/orgs/{org}/memberships/{username}")
async def membership(call: ApiRequest) -> web.Response:
    """Return a user's role in an organization. Administrators of its repositories are its administrators."""
    call.known_user()
    member, org = call.forge.user(call.path("username")), call.path("org")
    own = [one for one in call.forge.world.repositories.values() if one.owner.lower() == org.lower()]
    given = {call.forge.world.permission(one, member) for one in own} - {None}
    if not given:
        raise refusals.not_found()
    api = f"{call.serializer.api}/orgs/{org}"
    body = {
        "url": f"{api}/memberships/{member.login}",
        "active": True,
        "remark": None,
        "role": "admin" if "admin" in given else "member",
        "organization_url": api,
        "organization": {"id": min(one.id for one in own), "login": org, "name": org, "url": api},
        "user": call.serializer.user(member),
    }
    return web.json_response(body)


def _collaborator(call: ApiRequest, needed: Permission = "read") -> tuple[User, Permission]:
    call.known_user()
    repository = call.repository(needed)
    member = call.forge.user(call.path("username"))
    permission = call.forge.world.permission(repository, member)
    if permission is None:
        raise refusals.not_found()
    return member, permission


@chapter.add("GET", "/R/collaborators")
async def collaborators(call: ApiRequest) -> web.Response:
    """Return a page of the users that have a permission in the repository."""
    call.known_user()
    repository = call.repository()
    members = [user for login in repository.members if (user := call.forge.world.user(login))]
    return call.page(
        members,
        lambda one: {
            **call.serializer.user(one),
            "permissions": call.serializer.permissions(repository, one),
        },
    )


@chapter.add("GET", "/R/collaborators/{username}")
async def is_collaborator(call: ApiRequest) -> web.Response:
    """Return 204 for members, 404 for others."""
    _collaborator(call)
    return web.Response(status=204)


@chapter.add("GET", "/R/collaborators/{username}/permission")
async def permission(call: ApiRequest) -> web.Response:
    """Return a member's permission: admin, write or read."""
    member, given = _collaborator(call)
    return web.json_response({**call.serializer.user(member), "permission": given})


@chapter.add("PUT", "/R/collaborators/{username}")
async def give_permission(call: ApiRequest) -> web.Response:
    """Add a member, or change its permission."""
    repository = call.repository("admin")
    given = _GIVEN.get(call.text("permission", "push"))
    if given is None:
        raise refusals.bad_request("permission does not have a valid value")
    member = call.forge.user(call.path("username"))
    repositories.set_permission(call.forge, repository, member.login, given)
    permissions = call.serializer.permissions(repository, member)
    return web.json_response({**call.serializer.user(member), "permissions": permissions})


@chapter.add("DELETE", "/R/collaborators/{username}")
async def take_permission(call: ApiRequest) -> web.Response:
    """Remove a member."""
    member, _ = _collaborator(call, "admin")
    repositories.set_permission(call.forge, call.repository("admin"), member.login, None)
    return web.Response(status=204)
