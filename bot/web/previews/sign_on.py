"""Credentials of the sign-on in front of the bot, which must not reach the code of a pull request. Pure."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

HEADERS = (
    "Authorization",
    "Remote-*",  # Authelia
    "X-Remote-*",
    "X-Auth-Request-*",  # OAuth2 Proxy
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Client-Cert",
    "X-Authentik-*",
    "X-Vouch-*",
    "X-Pomerium-*",
    "X-WebAuth-*",
    "X-ID-Token",
    "X-Access-Token",
    "OIDC_*",  # mod_auth_openidc
    "X-Amzn-Oidc-*",
    "X-Goog-Iap-*",
    "X-Goog-Authenticated-User-*",
    "X-MS-Client-Principal*",
    "X-MS-Token-*",
    "Cf-Access-*",
    "Tailscale-*",
    "SSL-Client-*",
    "X-SSL-Client-*",
)
"""Headers by which sign-on proxies report who a visitor is; case and `_` for `-` make no difference."""
COOKIES = (
    "*_oauth2_proxy*",  # also with the prefixes `__Host-` and `__Secure-`
    "authelia_session*",
    "authentik_*",
    "VouchCookie*",
    "_forward_auth*",
    "_pomerium*",
    "mod_auth_openidc_*",
    "CF_Authorization",
    "CF_AppSession",
    "AWSELBAuthSessionCookie*",
    "AppServiceAuthSession*",
    "GCP_IAP_*",
    "GCP_IAAP_*",
    "kc-access*",
    "kc-state*",
    "lemonldap*",
    "casdoor_session_id",
    "gitee-session*",
)
"""Session cookies of sign-on proxies, and of Gitee."""
_REMEMBERED = 4096
"""Names whose decision is remembered: a visitor's requests mostly have the same ones."""
_LONGEST = 256
"""Characters of a name that is remembered: visitors choose names, of up to 32 KiB each."""


class SignOn:
    """Decides which headers and cookies are withheld from previews.

    The operator's patterns follow the built-in ones, and the last one that matches decides: one that begins
    with `!` lets a name pass.
    """

    def __init__(self, headers: Sequence[str] = (), cookies: Sequence[str] = ()) -> None:
        in_headers = (*HEADERS, *headers)
        in_cookies = (*COOKIES, *cookies)
        self.withholds = _remembering(in_headers)
        self._withholds_cookie = _remembering(in_cookies)

    def cookies(self, header: str) -> str:
        """Return the value of a Cookie header without the withheld cookies."""
        pairs = [pair.strip() for pair in header.split(";")]
        return "; ".join(pair for pair in pairs if not self._withholds_cookie(pair.partition("=")[0].strip()))


def _remembering(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a function that says whether a name is withheld."""
    rules = [
        (_folded(pattern.removeprefix("!")), not pattern.startswith("!")) for pattern in reversed(patterns)
    ]

    def decide(name: str) -> bool:
        folded = _folded(name)
        return next((withheld for pattern, withheld in rules if fnmatchcase(folded, pattern)), False)

    remembered = lru_cache(_REMEMBERED)(decide)
    return lambda name: remembered(name) if len(name) <= _LONGEST else decide(name)


def _folded(name: str) -> str:
    """Return a name as servers compare it that pass headers on as CGI variables."""
    return name.lower().replace("_", "-")
