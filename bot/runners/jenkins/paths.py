"""URL paths of jobs, builds and artifacts; names are untrusted and always quoted."""

import re
from urllib.parse import quote

_ITEM = re.compile(r"/queue/item/([0-9]+)/?\Z")


def job(name: str) -> str:
    """Return the path of a job by its full name: `a/b` is `/job/a/job/b`."""
    return "".join(f"/job/{quote(part, safe='')}" for part in name.split("/"))


def build(name: str, number: int) -> str:
    """Return the path of a build."""
    return f"{job(name)}/{number}"


def artifact(name: str, number: int, path: str) -> str | None:
    """Return the path of an archived file; None if its name would lead elsewhere."""
    parts = path.split("/")
    if not path.isprintable() or any(part in {"", ".", ".."} for part in parts):
        return None
    return f"{build(name, number)}/artifact/{'/'.join(quote(part, safe='') for part in parts)}"


def queue_item(location: str) -> int | None:
    """Return the number of the queue item in a `Location`; its host is ignored."""
    found = _ITEM.search(location)
    return int(found[1]) if found else None
