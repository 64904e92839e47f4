"""The doctor says who may have which secret, and what is wrong with its value."""

from pathlib import Path

from aiohttp import web

from bot.doctor import secrets
from bot.doctor.findings import DoctorOptions, State
from bot.model.secrets import SecretStep, SecretTrust
from bot.settings.model import KubernetesSettings, SecretSettings, Settings
from tests.runners.test_kubernetes_cluster import serving


async def test_everyone_who_may_have_a_secret_is_named_without_its_value(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text("hunter2-9f86d081")
    settings = Settings(
        secrets={
            "token": SecretSettings(("shop/*", "!shop/old"), (SecretStep.BUILD, SecretStep.TEST), file),
            "staging": SecretSettings(("shop/web",), (SecretStep.DEPLOY,), file, environments=("staging",)),
            "open": SecretSettings(("shop/web",), (SecretStep.BUILD,), file, trust=SecretTrust.APPROVED),
            "job": SecretSettings(("shop/web",), (SecretStep.BUILD,), jenkins="npm-1"),
            "lost": SecretSettings(("shop/web",), (SecretStep.BUILD,), tmp_path / "none"),
        }
    )

    found = await secrets.check(DoctorOptions(settings))

    assert [(one.state, one.found.en) for one in found] == [
        (State.FINE, "job: build of shop/web, in Jenkins as npm-1"),
        (State.WRONG, f"lost: {tmp_path}/none cannot be read: No such file or directory"),
        (State.NOTE, "open: build of shop/web, also approved commits of outside contributors"),
        (State.FINE, "staging: deploy (staging) of shop/web"),
        (State.FINE, "token: build, test of shop/*, !shop/old"),
    ]
    assert secrets.enabled(settings)
    assert not secrets.enabled(Settings())


RIGHT = "grant the verb get on secrets, resourceNames [mail], in the namespace shop"


async def test_a_secret_in_the_cluster_is_read_with_the_bots_account(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/database"):
            return web.json_response({"data": {"password": "Y29ycmVjdC1ob3JzZQ=="}})
        return web.json_response({"message": "forbidden"}, status=403)

    def of(name: str) -> SecretSettings:
        return SecretSettings(("shop/web",), (SecretStep.TEST,), kubernetes=f"shop/{name}/password")

    async with serving(answer, tmp_path):
        settings = Settings(
            secrets={"db": of("database"), "mail": of("mail")},
            kubernetes=KubernetesSettings(kubeconfig=tmp_path / "kubeconfig"),
        )
        found = await secrets.check(DoctorOptions(settings))

    assert [(one.state, one.found.en) for one in found] == [
        (State.FINE, "db: test of shop/web"),
        (
            State.WRONG,
            f"mail: the Secret shop/mail may not be read for its key password; {RIGHT}",
        ),
    ]
