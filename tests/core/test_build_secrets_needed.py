"""Which secrets a Dockerfile cannot do without."""

import pytest

from bot.core.deciding.build_sources import SourceKind, build_sources


def found(text: str) -> set[tuple[int, str | None]]:
    """Return the line and the id of each secret; None for an id that is not known before the build."""
    return {(one.line, one.value) for one in build_sources(text, {}) if one.kind is SourceKind.SECRET}


SECRETS = {
    "type=secret,id=token": {"token"},
    "type=secret,id=token,required": {"token"},
    "type=secret,id=token,required=true,target=/root/.npmrc,uid=1,mode=0400": {"token"},
    "required=true,ID=token,TYPE=Secret": {"token"},
    "type=secret,source=token": {"token"},
    "type=secret,src=token": {"token"},
    "type=secret,target=/root/token": {"token"},
    "type=secret,dst=token": {"token"},
    "type=secret,id=token,env=TOKEN": {"token"},
    '"type=secret","id=to\'ken"': {"token"},
    "type=secret,id=$TOKEN": {None},
    "type=secret,id=token,required=false": set(),
    "type=secret,id=token,required=F": set(),
    "type=secret": set(),
    "type=cache,id=token,target=/c": set(),
    "type=ssh,id=token": set(),
    "id=token": set(),
}


@pytest.mark.parametrize(("mount", "ids"), SECRETS.items(), ids=SECRETS)
def test_secrets_that_a_build_needs(mount: str, ids: set[str | None]) -> None:
    for line in (
        f"RUN --mount={mount} x",
        f"ONBUILD RUN --mount={mount} x",
        f"RUN --network=none --mount={mount} x",
    ):
        assert found(f"FROM scratch\n{line}") == {(2, name) for name in ids}
    assert found(f"FROM scratch\nRUN x --mount={mount}") == set()
