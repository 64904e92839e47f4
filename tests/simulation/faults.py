"""What goes wrong: how each fault begins and ends."""

from collections.abc import Callable, Sequence
from functools import partial

from tests.simulation.network import Link, Loses, Network
from tests.simulation.replica import Replica, World
from tests.simulation.script import Act

SLOW = 400.0
"""How much longer each request takes on a slow connection to the store."""
TROUBLE = 0.5
"""Share of the requests that go wrong."""

Switch = Callable[[], object]


def fault(act: Act, replica: Replica, world: World) -> tuple[Switch, Switch]:
    """Return what begins a fault, and what ends it."""
    process, server, gitee, runner = replica.process, world.server, world.gitee, world.runner
    switches: dict[str, tuple[Switch, Switch]] = {
        "pause": (process.pause, process.resume),
        "kill": (replica.kill, replica.start),
        "stop": (replica.stop, replica.start),
        "cut store": _cut(replica.to_store, act, world.network),
        "cut gitee": _cut(replica.to_gitee, act, world.network),
        "cut runner": _cut(replica.to_runner, act, world.network),
        "slow store": (partial(replica.set_pace, SLOW), partial(replica.set_pace, 1.0)),
        "restart store": (server.crash, server.start),
        "freeze store": (partial(server.freeze, act.seconds), _nothing),
        "read-only store": _switch(server, "read_only", on=True),
        "clock of store": (partial(server.move_clock, act.seconds), _nothing),
        "gitee down": _switch(gitee, "down", on=True),
        "gitee late": _switch(gitee, "trouble", on=TROUBLE),
        "runner down": _switch(runner, "down", on=True),
        "runner late": _switch(runner, "trouble", on=TROUBLE),
        "clock": (partial(replica.set_clock, act.seconds), _nothing),
    }
    return switches[act.kind]


def heal(world: World, replicas: Sequence[Replica]) -> None:
    """End all faults that are under way; those of a replica that is down end when it has started."""
    world.gitee.trouble = world.runner.trouble = 0.0
    world.gitee.down = world.runner.down = world.server.read_only = False
    for replica in replicas:
        replica.process.resume()
        replica.set_clock(0.0)
        replica.set_pace(1.0)
        for link in (replica.to_store, replica.to_gitee, replica.to_runner):
            world.network.heal(link)


def _cut(link: Link, act: Act, network: Network) -> tuple[Switch, Switch]:
    return partial(setattr, link, "loses", Loses(act.detail or Loses.BOTH)), partial(network.heal, link)


def _switch(of: object, name: str, *, on: object) -> tuple[Switch, Switch]:
    return partial(setattr, of, name, on), partial(setattr, of, name, type(on)())


def _nothing() -> None:
    """Do nothing: the fault does not end, or by itself."""
