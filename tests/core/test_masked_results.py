"""What is stored of a step has no secrets."""

from bot.core.results.masked import masked
from bot.core.results.masking import Masker
from bot.model.reason import Reason
from bot.model.run import Note, StepResult, StepState


def test_all_texts_of_a_result_are_masked() -> None:
    result = StepResult(
        StepState.FAILED,
        Reason.CONTAINER_UNSTARTABLE,
        {"name": "app", "message": "exec: hunter22: not found"},
        log_tail="password=hunter22",
        failed_tests=("unit::test_login[hunter22]",),
        failure_messages={"unit::test_login[hunter22]": "'hunter22' != ''"},
        notes=(Note("report_unreadable", {"path": "/reports/hunter22.xml"}),),
    )
    found = masked(result, Masker(["hunter22"]).mask)
    assert found.facts == {"name": "app", "message": "exec: ***: not found"}
    assert (found.log_tail, found.failed_tests) == ("password=***", ("unit::test_login[***]",))
    assert found.failure_messages == {"unit::test_login[***]": "'***' != ''"}
    assert found.notes == (Note("report_unreadable", {"path": "/reports/***.xml"}),)
