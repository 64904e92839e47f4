"""A repository's own NetworkPolicy would open what the bot's closes, because policies add up.

Rendered by the real Helm 3 and Helm 4, as an object of each kind that Helm treats in its own way.
"""

import json
from collections.abc import Mapping

import pytest

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.kubernetes import applying
from bot.runners.kubernetes.plans import parsed
from tests.attack.test_helm import CHART, Renderer, packed, renderer
from tests.attack.test_manifests import SCOPE

__all__ = ["renderer"]


def policy(**annotations: str) -> str:
    """Return a NetworkPolicy that allows everything."""
    return json.dumps(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "open", "annotations": annotations},
            "spec": {
                "podSelector": {},
                "ingress": [{}],
                "egress": [{}],
                "policyTypes": ["Ingress", "Egress"],
            },
        }
    )


OPEN: Mapping[str, Mapping[str, bytes | str]] = {
    "an object": {"templates/a.yaml": policy()},
    "a hook": {"templates/a.yaml": policy(**{"helm.sh/hook": "post-install,post-upgrade"})},
    "a hook at the end": {"templates/a.yaml": policy(**{"helm.sh/hook": "pre-delete"})},
    "an item of a list": {
        "templates/a.yaml": f'{{"apiVersion": "v1", "kind": "List", "items": [{policy()}]}}'
    },
    "an item of its own list": {
        "templates/a.yaml": '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "items": '
        f"[{policy()}]}}"
    },
    "a later document": {
        "templates/a.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n---\n{policy()}"
    },
    "in a subchart": {
        "charts/sub/Chart.yaml": CHART.replace("shop", "sub"),
        "charts/sub/templates/a.yaml": policy(),
    },
    "in a packed subchart": {"charts/sub-1.tgz": packed("sub", {"templates/a.yaml": policy()})},
    "written by a template": {
        "templates/a.yaml": policy().replace("NetworkPolicy", '{{ print "Network" "Policy" }}')
    },
}


@pytest.mark.parametrize("files", OPEN.values(), ids=OPEN)
async def test_a_network_policy_of_a_chart_is_refused(
    renderer: Renderer, files: Mapping[str, bytes | str]
) -> None:
    text = await renderer.of_repository(files)

    with pytest.raises(TellUser) as caught:
        applying.check(parsed("deploy/chart", text), SCOPE)

    assert caught.value.reason is Reason.MANIFEST_VALUE_REFUSED
    assert "NetworkPolicy" in caught.value.facts["what"]


@pytest.mark.parametrize("folder", ["crds", "files"])
async def test_a_network_policy_outside_of_the_templates_is_not_installed(
    renderer: Renderer, folder: str
) -> None:
    assert "NetworkPolicy" not in await renderer.of_repository({f"{folder}/a.yaml": policy()})
