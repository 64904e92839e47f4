"""Comments on pull requests. A single one is addressed by id, without the pull request's number."""

from aiohttp import web

from playground import comments
from playground.api.requests import ApiRequest, Chapter

chapter = Chapter()


@chapter.add("GET", "/R/pulls/{number:\\d+}/comments")
async def listed(call: ApiRequest) -> web.Response:
    """Return a page of comments, oldest first unless `direction=desc`."""
    found = call.pull().visible_comments
    wanted = call.text("comment_type")
    if wanted:
        found = [one for one in found if (one.position is not None) == (wanted == "diff_comment")]
    if call.text("direction") == "desc":
        found = found[::-1]
    return call.page(found, call.serializer.comment)


@chapter.add("POST", "/R/pulls/{number:\\d+}/comments")
async def write(call: ApiRequest) -> web.Response:
    """Create a comment."""
    pull, user = call.pull(), call.known_user()
    comment = comments.write(
        call.forge,
        pull,
        call.text("body"),
        user,
        path=call.text("path") or None,
        position=call.text("position") or None,
        commit_id=call.text("commit_id") or None,
    )
    return web.json_response(call.serializer.comment(comment), status=201)


@chapter.add("GET", "/R/pulls/comments/{id:\\d+}")
async def one(call: ApiRequest) -> web.Response:
    """Return a comment by id."""
    comment = call.forge.comment(call.repository(), call.number("id"))
    return web.json_response(call.serializer.comment(comment))


@chapter.add("PATCH", "/R/pulls/comments/{id:\\d+}")
async def edit(call: ApiRequest) -> web.Response:
    """Change the text of a comment."""
    comment = call.forge.comment(call.repository(), call.number("id"))
    comments.edit(call.forge, comment, call.text("body"), call.known_user())
    return web.json_response(call.serializer.comment(comment))


@chapter.add("DELETE", "/R/pulls/comments/{id:\\d+}")
async def delete(call: ApiRequest) -> web.Response:
    """Delete a comment."""
    comment = call.forge.comment(call.repository(), call.number("id"))
    comments.delete(call.forge, comment, call.known_user())
    return web.Response(status=204)
