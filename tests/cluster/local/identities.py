"""Identities of the cluster's parts and its administrator: a static token and a kubeconfig for each."""

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import machine


@dataclass(frozen=True, slots=True)
class Identity:
    """A user with a static token."""

    user: str
    group: str = ""


ADMIN = "admin"
IDENTITIES = {
    ADMIN: Identity("admin", "system:masters"),
    "kube-controller-manager": Identity("system:kube-controller-manager"),
    "kube-scheduler": Identity("system:kube-scheduler"),
    "kube-proxy": Identity("system:kube-proxy"),
    "kubelet": Identity("system:node:127.0.0.1", "system:nodes"),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """The files with tokens and keys in one folder, readable by their owner only."""

    folder: Path

    @property
    def tokens(self) -> Path:
        """The API server's token file."""
        return self.folder / "tokens.csv"

    @property
    def service_accounts(self) -> Path:
        """The key that signs service accounts' tokens."""
        return self.folder / "service-accounts.key"

    @property
    def to_kubelet(self) -> Path:
        """The key of the API server's client certificate for the kubelet, which is beside it, `.crt`."""
        return self.folder / "to-kubelet.key"

    @property
    def certificate(self) -> Path:
        """The API server's self-signed certificate."""
        return self.folder / "api/apiserver.crt"

    def kubeconfig(self, name: str) -> Path:
        """Return the path of an identity's kubeconfig."""
        return self.folder / f"{name}.kubeconfig"


def make_keys(keys: Keys) -> dict[str, str]:
    """Write tokens and the signing key; return the token of each identity."""
    keys.folder.mkdir(mode=0o700, parents=True)
    tokens = {name: secrets.token_hex(16) for name in IDENTITIES}
    lines = [f'{tokens[name]},{who.user},{name},"{who.group}"\n' for name, who in IDENTITIES.items()]
    keys.tokens.write_text("".join(lines))
    machine.run("openssl", "genrsa", "-out", str(keys.service_accounts), "2048")
    # It is self-signed, so it is its own authority.
    machine.run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-subj", "/CN=api-server"),
        *("-keyout", str(keys.to_kubelet), "-out", str(keys.to_kubelet.with_suffix(".crt"))),
    )
    return tokens


def write_kubeconfigs(keys: Keys, server: str, tokens: dict[str, str]) -> None:
    """Write a kubeconfig for every identity."""
    authority = base64.b64encode(keys.certificate.read_bytes()).decode()
    for name, token in tokens.items():
        written = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "local",
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": name}}],
            "clusters": [
                {"name": "local", "cluster": {"server": server, "certificate-authority-data": authority}}
            ],
            "users": [{"name": name, "user": {"token": token}}],
        }
        descriptor = os.open(keys.kubeconfig(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(written, file, indent=2)  # YAML is a superset
