"""Several images of a commit: which one leads, and what their results make of the step's."""

from dataclasses import replace

import pytest

from bot.core.results import images
from bot.model.reason import Reason
from bot.model.run import Image, StepResult, StepState
from bot.store.codec import pack, unpack

WEB = Image("r/shop/web:pr-1-aa", "sha256:01", 5, "aa", name="web")
API = Image("r/shop/api:pr-1-aa", "sha256:02", 5, "aa", name="api")
BOTH = replace(WEB, beside=(API,))
PASSED = StepResult(StepState.PASSED, image=WEB)


def test_any_image_can_lead_the_others() -> None:
    assert BOTH.all == (WEB, API)
    assert BOTH.led_by("web") == BOTH
    assert BOTH.led_by("api") == replace(API, beside=(WEB,))
    assert BOTH.led_by("cron") is None


def test_the_only_image_has_no_name() -> None:
    only = replace(WEB, name="")
    assert only.all == (only,)
    assert only.led_by("") == only
    assert only.led_by("web") is None


def test_what_was_stored_before_there_were_several_is_the_only_image() -> None:
    old = {"reference": "r/shop:pr-1-aa", "digest": "sha256:01", "size": 5, "sha": "aa", "scan": None}
    assert unpack(Image, old) == Image("r/shop:pr-1-aa", "sha256:01", 5, "aa")


def test_several_are_stored_together() -> None:
    assert unpack(Image, pack(BOTH)) == BOTH


def test_the_result_of_one_image_stays_as_it_is() -> None:
    assert images.joined([PASSED]) == PASSED
    assert images.joined([PASSED]).images == (WEB,)
    assert StepResult(StepState.FAILED).images == ()


@pytest.mark.parametrize(
    ("other", "state", "reason"),
    [
        (StepResult(StepState.PASSED, image=API), StepState.PASSED, None),
        (StepResult(StepState.PASSED, Reason.NOT_FETCHED, image=API), StepState.PASSED, Reason.NOT_FETCHED),
        (StepResult(StepState.FAILED, Reason.VULNERABLE, image=API), StepState.FAILED, Reason.VULNERABLE),
    ],
)
def test_a_failure_decides_and_otherwise_what_there_is_to_say(
    other: StepResult, state: StepState, reason: Reason | None
) -> None:
    noted = replace(PASSED, reason=Reason.NOT_FETCHED) if state is StepState.FAILED else PASSED
    found = images.joined([noted, other])
    assert (found.state, found.reason, found.image) == (state, reason, BOTH)


def test_without_any_image_there_is_only_the_reason() -> None:
    failed = StepResult(StepState.FAILED, Reason.BUILD_FAILED)
    assert images.joined([failed]) == failed


def test_only_an_image_with_a_name_is_named() -> None:
    assert images.about({"code": "1"}, "api") == {"code": "1", "of_image": "api"}
    assert images.about({"code": "1"}, "") == {"code": "1"}
