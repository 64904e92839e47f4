"""The doctor's checks of a real cluster, as its administrator and with the chart's rights."""

from pathlib import Path

from bot.doctor import kubernetes
from bot.doctor.findings import DoctorOptions, State
from bot.settings.model import KubernetesSettings, Settings


def options(kubeconfig: Path) -> DoctorOptions:
    return DoctorOptions(Settings(kubernetes=KubernetesSettings(enabled=True, kubeconfig=kubeconfig)))


async def test_the_administrator_lacks_no_right(kubeconfig: Path) -> None:
    version, rights, _ = await kubernetes.check(options(kubeconfig))

    assert (version.state, rights.state) == (State.FINE, State.FINE)


async def test_the_chart_grants_the_rights_that_the_doctor_checks(bot_kubeconfig: Path) -> None:
    found = await kubernetes.check(options(bot_kubeconfig))

    assert [(one.state, one.found.en) for one in found if one.state is State.WRONG] == []
