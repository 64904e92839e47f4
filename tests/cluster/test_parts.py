"""How the workloads of previews are doing on a real cluster, with the rights of the chart."""

from collections.abc import Sequence

from bot.model.health import Part
from bot.model.holder import ANYONE
from bot.model.reason import Reason
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure.manifests import DEPLOYMENT
from tests.cluster.access import PATIENCE
from tests.cluster.previews import Previews
from tests.fakes.log import FakeLog


async def parts(previews: Previews) -> Sequence[Part] | None:
    return (await previews.platform.parts()).get(previews.key)


async def test_a_preview_that_is_well_is_up(previews: Previews, log: FakeLog) -> None:
    assert await parts(previews) is None
    await previews.platform.deploy(previews.environment(), log)

    [part] = await parts(previews) or ()
    assert (part.name, part.up, part.serves, part.reason) == ("app", True, True, None)
    assert await previews.platform.output(part) == ""

    await previews.platform.remove(previews.key, ANYONE)
    assert await parts(previews) is None


async def test_a_crash_loop_is_named_with_its_last_output(previews: Previews, log: FakeLog) -> None:
    await previews.platform.deploy(previews.environment(), log)
    path = DEPLOYMENT.path(previews.namespace, "app")
    crashing = {"name": "app", "args": ["sh", "-c", "echo out of ideas; exit 3"]}
    template = {"spec": {"containers": [crashing]}}
    body = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}, "template": template}}
    await previews.cluster.call("PATCH", path, body=body, content="application/strategic-merge-patch+json")

    async def crashed() -> bool:
        found = await parts(previews) or ()
        return any(part.reason is Reason.CRASH_LOOP and part.restarts for part in found)

    await until(PATIENCE, crashed)
    [part] = await parts(previews) or ()
    assert not part.up
    assert part.facts == {"name": "app", "code": "3"}

    async def has_output() -> bool:
        return await previews.platform.output(part) == "out of ideas"

    await until(PATIENCE, has_output)  # At some moments the node has no log of the container.


async def test_a_preview_whose_workload_was_deleted_has_no_parts(previews: Previews, log: FakeLog) -> None:
    await previews.platform.deploy(previews.environment(), log)

    await previews.cluster.delete(DEPLOYMENT.path(previews.namespace, "app"))

    async def gone() -> bool:
        return await parts(previews) == []

    await until(PATIENCE, gone)
