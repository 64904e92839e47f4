"""The command line of `buildctl`. Pure.

https://github.com/moby/buildkit/blob/master/docs/reference/buildctl.md
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bot.core.naming import LABEL_INSTANCE
from bot.ports import BuildOrder
from bot.runners.build_isolation import cache_host


@dataclass(frozen=True, slots=True)
class BuildKitOptions:
    """The address of buildkitd, and how it builds."""

    address: str
    tls_dir: Path | None = None
    """Folder with ca.pem, cert.pem and key.pem."""
    cache: bool = False
    network: str = "default"
    """Network of RUN instructions: `default`, or `none`."""
    instance: str = ""
    """Label of every image, by which the bot later removes it from a Docker Engine that has pulled it."""
    insecure: bool = False
    """Whether the registry is reached without TLS."""
    program: str = "buildctl"

    @property
    def client(self) -> tuple[str, ...]:
        """The program, with the options that connect it to buildkitd."""
        tls = ("--tlsdir", str(self.tls_dir)) if self.tls_dir else ()
        return (self.program, "--addr", self.address, *tls)


def build_command(
    order: BuildOrder,
    options: BuildKitOptions,
    context: Path,
    metadata: Path,
    secrets: Mapping[str, int] | None = None,
) -> tuple[str, ...]:
    """Return the command that builds an unpacked context and pushes the image.

    `secrets` are the descriptors of files that it inherits.
    """
    mounted = (("--secret", f"id={name},src=/dev/fd/{file}") for name, file in (secrets or {}).items())
    return (
        *options.client,
        *("build", "--frontend", "dockerfile.v0", "--progress", "rawjson"),
        *("--local", f"context={context}", "--local", f"dockerfile={context}"),
        *_opts(order, options),
        *chain.from_iterable(mounted),
        *("--output", _exported(f"type=image,name={order.tag},push=true", options)),
        *("--metadata-file", str(metadata)),
        *(_cached(order, options) if options.cache else ()),
    )


def _opts(order: BuildOrder, options: BuildKitOptions) -> Iterator[str]:
    given = {"filename": order.dockerfile}
    if order.target:
        given["target"] = order.target
    if options.network != "default":
        given["force-network-mode"] = options.network
    if host := cache_host(order):
        given["add-hosts"] = "=".join(host)
    given |= {f"build-arg:{name}": value for name, value in order.args.items()}
    labels = {**order.labels, **({LABEL_INSTANCE: options.instance} if options.instance else {})}
    given |= {f"label:{name}": value for name, value in labels.items()}
    for name, value in given.items():
        yield from ("--opt", f"{name}={value}")


def _cached(order: BuildOrder, options: BuildKitOptions) -> tuple[str, ...]:
    cache = _exported(f"type=registry,ref={order.tag.rpartition(':')[0]}:{order.cache_tag}", options)
    # Harbor accepts a cache only as an image manifest. A failed export of the cache must not fail the build.
    kept = f"{cache},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"
    return ("--import-cache", cache, "--export-cache", kept)


def _exported(text: str, options: BuildKitOptions) -> str:
    return f"{text},registry.insecure=true" if options.insecure else text
