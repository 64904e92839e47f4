"""Attacks on the address of a real `chatops serve`."""

import json

import httpx
import pytest

from tests.crash.scene import Scene
from tests.dialogue.tester import REPO, SECRET

FORGED = {
    "no token": {},
    "a wrong token": {"X-Gitee-Token": "wrong", "X-Gitee-Timestamp": "1"},
    "the secret as the token of an old delivery": {"X-Gitee-Token": SECRET, "X-Gitee-Timestamp": "1"},
}

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
async def test_a_forged_delivery_is_refused_and_the_bot_goes_on(
    lone_scene: Scene, forged: dict[str, str]
) -> None:
    [replica] = await lone_scene.start()
    body = json.dumps({"hook_name": "note_hooks", "repository": {"path_with_namespace": REPO}})
    async with httpx.AsyncClient(base_url=replica.url) as client:
        refused = await client.post("/webhooks/gitee", content=body, headers={**JSON, **forged})
        assert refused.status_code == 401, refused.text
        assert (await client.get("/healthz")).status_code == 200
    assert "Traceback" not in replica.log.read_text()
    await lone_scene.open()
    await lone_scene.until(lambda: lone_scene.comments("Preview ready"))
