"""What keeps the builds of repositories apart in an engine that they share. Pure."""

import hashlib
from collections.abc import Iterable

from bot.core.admission.images import name_of
from bot.core.deciding.build_sources import BuildSource
from bot.ports import BuildOrder

_PROXIES = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}


def cache_host(order: BuildOrder) -> tuple[str, str] | None:
    """Return a host name and address for a build with secrets or proxies of its own; None for other builds.

    BuildKit ignores both when it looks for a cached layer, so that one repository's proxy could fill the
    layers of another, and what came from its secret would be found in them. Host names do count.
    """
    proxied = _PROXIES & {name.lower() for name in order.args}
    if not order.cache or not (proxied or order.secrets):
        return None
    return f"{hashlib.sha256(order.cache.encode()).hexdigest()[:16]}.cache.invalid", "127.0.0.1"


def refuse_unlisted(fetched: Iterable[BuildSource], order: BuildOrder) -> None:
    """Raise TellUser(SOURCE_REFUSED | IMAGE_REFUSED) for what a build fetches although it is not allowed.

    The Dockerfile was checked before; this is for the triggers (ONBUILD) of base images.
    """
    if order.policy is not None:
        for source in fetched:
            order.policy.check(source, name_of(order.tag), "ONBUILD")
