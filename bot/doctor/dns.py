"""Checks that the names of previews resolve, and finds the part that fails."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence

import dns.resolver

from bot.app.adapters import open_dns
from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.doctor.lookup import Ending, Lookup, Resolver
from bot.model.text import Text
from bot.settings.model import Settings

LOCAL = "localhost"

_FAILURES: Mapping[Ending, tuple[Text, Text]] = {
    Ending.NXDOMAIN: (
        Text(
            en="{servers} reports that {name} does not exist (NXDOMAIN): the wildcard record is missing",
            zh="{servers} 返回 {name} 不存在（NXDOMAIN）：没有泛域名解析",
        ),
        Text(
            en="Add an A record for *.{domain}, or have CoreDNS serve the zone (chatops dns coredns) and the"
            " resolver forward it there.",
            zh="请为 *.{domain} 添加 A 记录；或由 CoreDNS 提供该域（见 chatops dns coredns），"
            "并让解析器把它转发过去。",
        ),
    ),
    Ending.NO_DATA: (
        Text(
            en="{name} exists, but {servers} returns no address for it (NODATA)",
            zh="{name} 存在，但 {servers} 没有返回地址（NODATA）",
        ),
        Text(
            en="Add an A record for the wildcard *.{domain}; it has only records of other types.",
            zh="泛域名 *.{domain} 只有其他类型的记录，请添加 A 记录。",
        ),
    ),
    Ending.FAILED: (
        Text(en="{servers} could not resolve {name}: {detail}", zh="{servers} 无法解析 {name}：{detail}"),
        Text(
            en="REFUSED: the server does not resolve {domain} for this machine. SERVFAIL: its upstream server"
            " does not respond; check the forwarding and CoreDNS' log.",
            zh="REFUSED 表示服务器不为本机解析 {domain}；SERVFAIL 表示它背后的服务器没有应答，"
            "请检查转发配置和 CoreDNS 日志。",
        ),
    ),
    Ending.TIMEOUT: (
        Text(en="no answer from {servers} for {name}", zh="{servers} 没有应答（{name}）"),
        Text(
            en="Check that the server is running, that port 53 (UDP and TCP) is reachable, and [dns] servers"
            " or /etc/resolv.conf.",
            zh="请确认服务器正在运行、53 端口（UDP 和 TCP）可达，并检查 [dns] servers 或 /etc/resolv.conf。",
        ),
    ),
}


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Resolve random names of one and two levels, which only a wildcard record can match."""
    settings = options.settings
    domain = settings.preview.domain.strip(".").lower()
    if domain == LOCAL or domain.endswith(f".{LOCAL}"):
        return [_local(domain)]
    try:
        resolver = Resolver(settings.dns.servers)
    except dns.resolver.NoResolverConfiguration:
        return [_no_resolver()]
    label = f"chatops-doctor-{secrets.token_hex(4)}"
    if settings.dns.etcd:
        return await _published(settings, resolver, label)
    ipv4, ipv6, nested = await asyncio.gather(
        resolver.ask(f"{label}.{domain}", "A"),
        resolver.ask(f"{label}.{domain}", "AAAA"),
        resolver.ask(f"api.{label}.{domain}", "A"),
    )
    if ipv4.ending is Ending.NO_DATA and ipv6.ending is Ending.FOUND:
        return [_found(ipv6)]
    if ipv4.ending is not Ending.FOUND:
        return [failed(ipv4, domain, resolver.servers)]
    return [*_address_finding(ipv4, settings.dns.address), *notes(ipv6, nested)]


async def _published(settings: Settings, resolver: Resolver, label: str) -> Sequence[Finding]:
    """Publish a name as the bot does, and check that it resolves."""
    records = open_dns(settings)
    assert records is not None  # noqa: S101 - the caller has checked [dns] etcd
    async with records:
        trouble = await records.publish([label])
        if trouble is not None:
            return [_no_etcd(trouble)]
        ipv4 = await resolver.ask(f"{label}.{settings.preview.domain.strip('.')}", "A")
        await records.withdraw([label])
    if ipv4.ending is Ending.FOUND:
        return _address_finding(ipv4, settings.dns.address)
    return [_not_served(ipv4, resolver.servers)]


def failed(lookup: Lookup, domain: str, servers: str) -> Finding:
    """Report why a name has no address, and what to do about it."""
    facts = {"name": lookup.name, "domain": domain, "servers": servers, "detail": lookup.detail or "–"}
    found, advice = (
        Text(en=text.en.format_map(facts), zh=text.zh.format_map(facts)) for text in _FAILURES[lookup.ending]
    )
    return wrong(found, advice)


def notes(ipv6: Lookup, nested: Lookup) -> Iterator[Finding]:
    """Report what is unusual about names that resolve."""
    if ipv6.ending not in {Ending.FOUND, Ending.NO_DATA}:
        yield note(
            Text(
                en=f"the AAAA query for {ipv6.name} is not answered with “no data” ({ipv6.ending})",
                zh=f"查询 {ipv6.name} 的 AAAA 记录没有得到“无数据”的应答（{ipv6.ending}）",
            ),
            Text(
                en="Browsers query both types and may be slow or fail: answer AAAA with NOERROR and no"
                " record.",
                zh="浏览器会同时查询两种记录，可能因此变慢或失败：AAAA 应返回 NOERROR 且没有记录。",
            ),
        )
    if nested.ending is not Ending.FOUND:
        yield note(
            Text(
                en=f"names with two levels do not resolve: {nested.name} ({nested.ending})",
                zh=f"两级名称无法解析：{nested.name}（{nested.ending}）",
            ),
            Text(
                en="The bot uses one level; services that use subdomains of their own need two.",
                zh="机器人只使用一级名称；如果服务自己再加一级，则需要支持。",
            ),
        )


def _address_finding(ipv4: Lookup, expected: str) -> list[Finding]:
    if expected and expected not in ipv4.addresses:
        addresses = ", ".join(ipv4.addresses)
        return [
            wrong(
                Text(
                    en=f"{ipv4.name} resolves to {addresses}, not to [dns] address {expected}",
                    zh=f"{ipv4.name} 解析到 {addresses}，而不是 [dns] address {expected}",
                ),
                Text(
                    en="Correct the wildcard record or the setting. An old answer may stay cached until its"
                    " TTL expires.",
                    zh="请更正泛域名解析或该配置项；旧的结果可能还在缓存中，直到 TTL 到期。",
                ),
            )
        ]
    return [_found(ipv4)]


def _found(lookup: Lookup) -> Finding:
    addresses, domain = ", ".join(lookup.addresses), lookup.name.partition(".")[2]
    return fine(en=f"*.{domain} resolves to {addresses}", zh=f"*.{domain} 解析到 {addresses}")


def _local(domain: str) -> Finding:
    return note(
        Text(
            en=f"{domain}: only browsers on this machine reach previews",
            zh=f"{domain}：只有本机的浏览器能访问预览环境",
        ),
        Text(
            en="For other machines, set [preview] domain to a zone with a wildcard record.",
            zh="要让其他人访问，请把 [preview] domain 设为配有泛域名解析的域名。",
        ),
    )


def _no_etcd(trouble: str) -> Finding:
    return wrong(
        Text(en=f"DNS records cannot be published: {trouble}", zh=f"无法发布域名：{trouble}"),
        Text(
            en="Check [dns] etcd and that etcd is running; the bot uses its JSON gateway (/v3).",
            zh="请检查 [dns] etcd，并确认 etcd 正在运行；机器人使用它的 JSON 网关（/v3）。",
        ),
    )


def _not_served(lookup: Lookup, servers: str) -> Finding:
    return wrong(
        Text(
            en=f"{lookup.name} was published in etcd, but {servers} does not resolve it ({lookup.ending})",
            zh=f"{lookup.name} 已发布到 etcd，但 {servers} 解析不到它（{lookup.ending}）",
        ),
        Text(
            en="CoreDNS must serve the zone from the same etcd and path (chatops dns coredns), and the"
            " resolver must forward the zone to CoreDNS.",
            zh="CoreDNS 必须从同一个 etcd 和路径提供该域（见 chatops dns coredns），"
            "解析器也要把该域转发给它。",
        ),
    )


def _no_resolver() -> Finding:
    return wrong(
        Text(en="this machine has no DNS resolver", zh="本机没有配置 DNS 解析器"),
        Text(
            en="Configure one in /etc/resolv.conf or [dns] servers.",
            zh="请在 /etc/resolv.conf 或 [dns] servers 中指定。",
        ),
    )
