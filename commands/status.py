"""/status: show the state of the pull request."""

from bot.core.admission import trust
from bot.core.language.command import Command, NoArguments, PermissionLevel
from bot.core.results import showing
from bot.model.forge import PullState
from bot.model.outcome import Outcome, Reply
from bot.model.snapshot import Fact, Snapshot
from bot.model.text import Text
from bot.model.views import Message


def plan(_: NoArguments, now: Snapshot) -> Outcome:
    """Reply with the image, the environments, and the active and the last run."""
    pull, addresses, warning_time = now.pull, now.settings.addresses, now.settings.warning_time
    image = now.images.get(now.sha)
    facts = {
        "repo": pull.repo,
        "number": pull.number,
        "sha": now.sha,
        "trusted": now.trusted,
        "distrust": now.distrust,
        "approve": trust.approve_command(now.sha),
        "changes_url": pull.changes_url,
        "approvals": now.approvals,
        "environments": tuple(
            showing.environment_line(environment, addresses, now.now, warning_time)
            for environment in now.environments.values()
        ),
        "active": now.active,
        "skipped": now.skipped,
        "last": next((run for run in now.runs.values() if run.state.final), None),
        "page": addresses.pull(pull.repo, pull.number),
        "image": image.pinned if image else "",
        "images": image.all if image and image.name else (),
        "open": pull.state is PullState.OPEN,
    }
    return Reply(Message("status", facts))


command = Command(
    name="status",
    aliases=("状态", "进度"),
    summary=Text(
        en="Show what is built, deployed, running and waiting for this pull request.",
        zh="查看此 PR 的镜像、环境，以及正在执行和排队中的运行。",
    ),
    permission=PermissionLevel.ANYONE,
    args=NoArguments,
    plan=plan,
    needs=(Fact.IMAGES, Fact.ENVIRONMENTS, Fact.RUNS, Fact.SKIPPED),
    examples=("/status", "/状态"),
    order=70,
)
