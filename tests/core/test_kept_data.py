"""Which data of an earlier deployment a new one may use."""

import pytest

from bot.core.environments.kept_data import Origin, origin, trust_label
from bot.core.naming import LABEL_DATA, LABEL_RUN


def labels(run: int, *, trusted: bool = True) -> dict[str, str]:
    return {LABEL_RUN: str(run), LABEL_DATA: trust_label(trusted=trusted)}


def test_data_of_an_earlier_run_with_the_same_trust_is_used() -> None:
    assert origin(labels(1), labels(2), renew=False) is Origin.KEPT
    assert origin(labels(1, trusted=False), labels(2, trusted=False), renew=False) is Origin.KEPT


def test_other_data_is_not() -> None:
    assert origin(None, labels(2), renew=False) is Origin.FIRST
    assert origin(labels(1), labels(2), renew=True) is Origin.ASKED
    assert origin(labels(2), labels(2), renew=False) is Origin.UNFINISHED


@pytest.mark.attack
@pytest.mark.parametrize("trusted", [True, False])
def test_data_is_never_shared_between_levels_of_trust(*, trusted: bool) -> None:
    found = origin(labels(1, trusted=trusted), labels(2, trusted=not trusted), renew=False)
    assert found is Origin.TRUST
    assert origin({LABEL_RUN: "1"}, labels(2, trusted=trusted), renew=False) is Origin.TRUST
