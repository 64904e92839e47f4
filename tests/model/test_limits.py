import pytest

from bot.model.limits import MOST_MEMORY, SandboxLimits


def test_no_call_may_take_more_than_the_pod_counts_on() -> None:
    assert SandboxLimits(seconds=1, memory=MOST_MEMORY).memory == MOST_MEMORY
    with pytest.raises(ValueError, match="more than a call may take"):
        SandboxLimits(seconds=1, memory=MOST_MEMORY + 1)
