"""Public services on a real cluster: their hosts and paths, and where a lost store finds them."""

from bot.model.environment import PublicService
from bot.ports import ServiceSpec
from tests.cluster.previews import Previews
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog

SERVE = "mkdir -p /dev/shm/docs; echo $WORD | tee /dev/shm/index.html > /dev/shm/docs/index.html;"
SERVE += " exec httpd -f -p 9000 -h /dev/shm"
PUBLIC = (PublicService("api", 9000), PublicService("docs", 9000, "/docs"))


async def test_public_services_answer_at_their_hosts_and_paths(
    previews: Previews, visit: Visit, log: FakeLog
) -> None:
    services = [
        ServiceSpec(
            name, previews.image.pinned, {"WORD": f"said by {name}"}, command=("sh", "-c", SERVE), port=9000
        )
        for name in ("api", "db", "docs")
    ]
    spec = previews.environment(services=services, public=PUBLIC)

    endpoint = await previews.platform.deploy(spec, log)

    assert visit(previews.host).text == "at your service\n", log.text
    assert visit(f"api--{previews.host}").text == "said by api\n"
    assert visit(previews.host, "/docs/").text == "said by docs\n"
    assert visit(f"db--{previews.host}").status_code == 404
    assert f"http://api--{previews.host}/ answers" in log.text
    assert endpoint.services.keys() == {"api", "docs"}
    assert await previews.platform.endpoint(previews.key) == endpoint
    (item,) = [one for one in await previews.platform.inventory() if one.key == previews.key]
    assert item.public == PUBLIC
