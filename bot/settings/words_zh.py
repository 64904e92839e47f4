"""The settings' meanings in Chinese, by dotted name; the English ones are the fields' own docstrings."""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "server": "监听地址与数据目录。",
    "server.host": "监听的地址；`0.0.0.0` 表示所有网卡。",
    "server.port": "Webhook、页面和 API 的端口。",
    "server.public_url": "浏览器访问页面所用的地址，例如 `https://chatops.example.com`；"
    "默认由 `host` 和 `port` 拼成，可能只有本机能访问。",
    "server.data_dir": "存放数据库、日志、报告和 Git 缓存的目录，重启后保留。",
    "server.max_body": "可接受的最大 Webhook 请求体，单位字节。",
    "gitee": "连接哪个 Gitee，以及机器人用哪个账号。",
    "gitee.url": "Gitee 的地址，私有化部署时填自己的地址。",
    "gitee.api_url": "API 地址；默认为 `url` 下的 `/api/v5`。",
    "gitee.token": "机器人专用账号的私人令牌，需要 user_info、projects、pull_requests 和 notes 权限。",
    "gitee.webhook_secret": "Webhook 的密码或签名密钥；轮换期间可以同时填多个，全部有效。",
    "gitee.webhook_mode": "Webhook 的校验方式：密码（password）、签名密钥（sign），或两者皆可（any）。",
    "gitee.window": "Webhook 时间戳与本机时间允许相差的秒数。",
    "store": "保存 Webhook、运行记录和环境信息的数据库。",
    "store.url": "数据库地址，例如 `sqlite:////srv/chatops/chatops.db`；"
    "默认为 `server.data_dir` 下的 `chatops.db`。",
    "repos": "机器人为哪些仓库服务。",
    "repos.allow": "匹配规则，例如 `org/*`；用 `!org/legacy` 排除个别仓库，以最后匹配的一条为准。"
    "不填则不为任何仓库服务。",
    "docker": "用于构建、部署和测试的 Docker Engine，以及容器可用的资源。",
    "docker.host": "Engine 地址，例如 `unix:///var/run/docker.sock`；"
    "默认取环境变量 DOCKER_HOST，否则用本机 socket。",
    "docker.instance": "本机器人在 Engine 中创建的所有对象都带有这个名字；"
    "两个机器人共用一个 Engine 时必须不同。",
    "docker.build_network": "RUN 指令使用的网络；`none` 表示构建时断网。",
    "docker.memory_max": "仓库可以为单个容器申请的内存上限。",
    "docker.cpus": "单个容器可用的 CPU 数。",
    "docker.pids": "单个容器的进程数上限。",
    "docker.subnet_pool": "每个环境独占一个小网段，从这个地址范围中分配。",
    "docker.firewall": "是否禁止容器访问本机端口（通过 iptables，需要 root）。",
    "registry": "镜像推送到哪里。",
    "registry.kind": "访问方式：只用 OCI Distribution API（oci），或同时使用 Harbor 自己的 API（harbor），"
    "后者支持创建项目、漏洞扫描和删除单个标签。",
    "registry.url": "镜像仓库的地址。",
    "registry.project": "镜像名的第一段；在 Harbor 中即项目名。",
    "registry.username": "有推送和删除权限的账号，例如机器人账户 `robot$chatops`。",
    "registry.password": "该账号的密码。",
    "registry.insecure": "是否接受无法验证的证书。",
    "registry.scan_seconds": "最多等待 Harbor 的漏洞扫描多少秒；镜像还没有扫描时会主动触发。"
    "0 表示既不触发也不等待。",
    "registry.fail_on": "镜像含有此级别及以上的漏洞时不予通过，没有扫描结果时同样不通过；默认不限制。"
    "需要带有扫描器的 Harbor。",
    "preview": "用户如何访问部署好的环境。",
    "preview.domain": "所有预览地址的上级域名，需要一条指向本机的泛域名解析。",
    "preview.port": "预览代理的端口。",
    "preview.scheme": "用户访问时的协议；前面有代理终止 TLS 时填 https。",
    "preview.public_port": "用户访问地址中的端口；默认与 `port` 相同，https 时为 443。",
    "preview.ttl": "没有新部署时，环境最长保留多久。",
    "dns": "如何解析预览环境的域名；已有泛域名解析时无需配置。",
    "dns.address": "预览域名应解析到的地址：`chatops dns coredns` 写入它，`chatops doctor` 据此核对。",
    "dns.servers": "`chatops doctor` 查询的 DNS 服务器，例如 `10.0.0.2` 或 `10.0.0.2:5353`；"
    "默认使用本机的设置。",
    "limits": "并发数量，以及保留多少内容。",
    "limits.runs": "同时进行的运行总数。",
    "limits.runs_per_repository": "单个仓库同时进行的运行数。",
    "limits.log_bytes": "单个步骤的日志最多保留多少字节。",
    "limits.source_bytes": "送去构建的源码最大多少字节。",
    "comments": "机器人在 Pull Request 下如何发言。",
    "comments.language": "仓库没有指定语言时使用的语言。",
    "comments.style": "运行评论中附上失败日志的末尾（full），还是只给链接（brief）。",
    "comments.templates": "自定义模板目录，其中的同名模板会替换内置模板。",
    "comments.announce": "运行失败或环境就绪时，是否另发一条简短评论以便通知相关人员。",
    "permissions": "按命令名指定谁可以使用：anyone（任何人）、"
    "contributor（另加已受信任的 Pull Request 的作者）、"
    "write（有写权限）或 admin（管理员）。未列出的命令保持各自的默认级别。",
}
