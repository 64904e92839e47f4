"""Removes everything that one instance of the bot has created in an engine; for the playground and tests."""

from bot.core import naming
from bot.model.holder import ANYONE
from bot.runners.docker.containers import Containers
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.firewall import remove_rules
from bot.runners.docker.images import Images
from bot.runners.docker.inventory import remove_volume
from bot.runners.docker.labels import matching
from bot.runners.docker.network import Networks
from bot.runners.docker.ownership import OwnerVolumes
from bot.runners.docker.platform import POOL


async def purge(instance: str) -> None:
    """Remove the containers, networks, images and volumes with the instance's label, and its firewall rules.

    Raises RetryLater(ENGINE_UNAVAILABLE).
    """
    wanted = {naming.LABEL_INSTANCE: instance}
    engine = await DockerEngine.connect()
    try:
        await Containers(engine).remove_all(wanted, ANYONE)
        await Networks(engine, instance, POOL).remove(wanted, ANYONE)
        await Images(engine, Credentials()).remove(wanted, ANYONE)
        await OwnerVolumes(engine, instance).remove_all()
        for volume in (await engine.short(lambda api: api.volumes(filters=matching(wanted)))).get(
            "Volumes"
        ) or ():
            await remove_volume(engine, str(volume["Name"]))
        await remove_rules(instance)
    finally:
        await engine.close()
