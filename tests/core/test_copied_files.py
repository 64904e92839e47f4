"""Files of the commit that a build copies into the image at last."""

import pytest

from bot.core.deciding.copied_files import existing, with_files

TWO = "FROM a AS runtime\nRUN x\n# the tests\nFROM runtime AS test\nRUN y\n"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("runtime", 'FROM a AS runtime\nRUN x\nCOPY ["c", "/d"]\n# the tests\nFROM runtime AS test\nRUN y\n'),
        ("0", 'FROM a AS runtime\nRUN x\nCOPY ["c", "/d"]\n# the tests\nFROM runtime AS test\nRUN y\n'),
        (None, TWO + 'COPY ["c", "/d"]\n'),
        ("test", TWO + 'COPY ["c", "/d"]\n'),
        ("unknown", TWO + 'COPY ["c", "/d"]\n'),
    ],
)
def test_a_stage_ends_with_the_copies(target: str | None, expected: str) -> None:
    assert with_files(TWO, target, {"/d": "c"}) == expected


def test_what_a_commit_lacks_is_not_copied() -> None:
    files = {"/app": ".", "/data": "data", "/conf": "conf", "/one": "one"}
    assert existing(files, "web/", ["web/conf/a", "data/b", "web/one"]) == {
        "/app": ".",
        "/conf": "conf",
        "/one": "one",
    }
    assert existing(files, ".", ["data/b"]) == {"/app": ".", "/data": "data"}
