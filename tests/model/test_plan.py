import pytest

from bot.model.plan import Teardown


@pytest.mark.parametrize(
    ("step", "removed"),
    [
        (Teardown("preview"), {"preview"}),
        (Teardown(None), {"preview", "staging"}),
        (Teardown(everything=True), {"preview", "staging"}),
    ],
)
def test_which_environments_a_teardown_removes(step: Teardown, removed: set[str]) -> None:
    assert {name for name in ("preview", "staging") if step.removes(name)} == removed
