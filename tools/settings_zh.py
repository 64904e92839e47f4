"""The meaning of every setting in Chinese, by dotted name. The English meaning is the field's docstring."""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "server": "监听地址与数据目录。",
    "server.host": "监听的地址；`0.0.0.0` 表示本机的所有 IPv4 地址。",
    "server.port": "Webhook、页面和 API 的端口。",
    "server.public_url": "浏览器访问页面所用的地址，例如 `https://chatops.example.com`；"
    "默认由 `host` 和 `port` 拼成，可能只有本机能访问。",
    "server.hosts": "除 `public_url` 中的域名外，Webhook、页面和 API 还可以通过哪些域名访问，"
    "例如 `hooks.example.com`、`*.internal.example.com`，`*` 表示任意域名。不含点的名称，"
    "以 `.localhost`、`.svc` 或 `.cluster.local` 结尾的名称，以及 IP 地址始终可用。",
    "server.data_dir": "存放数据库、日志、报告和 Git 缓存的目录，不能随重启丢失。",
    "server.max_body": "可接受的最大 Webhook 请求体，单位字节。",
    "server.unfinished_bodies": "正在接收的全部 Webhook 请求体的最大总量，单位字节；超过后返回 503。",
    "server.body_timeout": "Webhook 请求体必须在多少秒内到齐；Gitee 自己 5 秒后放弃。",
    "server.header_timeout": "请求头必须在多少秒内到齐。",
    "server.connections": "两个端口各自最多打开多少连接。超过后关闭最早的没有正在处理请求的连接；"
    "没有这样的连接时，新连接返回 503。",
    "server.connections_per_address": "一个地址最多打开多少连接，处理方式相同。在反向代理之后，所有连接都来自"
    "代理的地址；如果很多人同时打开页面，可以调高，最高到 `connections`。",
    "server.grace": "停机时最多用多少秒来中断正在执行的步骤；超时后进程直接退出，"
    "残留由接手这些运行的副本清理。",
    "gitee": "连接哪个 Gitee，以及机器人用哪个账号。",
    "gitee.url": "Gitee 的地址，私有化部署时填自己的地址。",
    "gitee.api_url": "API 地址；默认为 `url` 下的 `/api/v5`。",
    "gitee.token": "机器人专用账号的私人令牌，需要 user_info、projects、pull_requests 和 notes 权限。",
    "gitee.webhook_secret": "Webhook 的密码或签名密钥；轮换期间可以同时填多个，全部有效。",
    "gitee.webhook_mode": "Webhook 的校验方式：密码（password）、签名密钥（sign），或两者皆可（any）。",
    "gitee.window": "Webhook 的时间戳与本机时间最多允许相差多少秒。",
    "store": "保存 Webhook、运行和环境的数据库。",
    "store.url": "数据库地址，例如 `sqlite:////srv/chatops/chatops.db`，"
    "多副本时用 `postgresql://chatops@db.example.com/chatops`；"
    "默认为 `server.data_dir` 下的 `chatops.db`。",
    "store.lock_url": "同一个 PostgreSQL（14 或更新版本）不经过 PgBouncer 等连接池的地址，"
    "用于 PostgreSQL 据以判断本副本还活着、并向它发送通知的会话；默认为 `url`。",
    "repos": "机器人为哪些仓库服务。",
    "repos.allow": "匹配规则，例如 `org/*`；用 `!org/legacy` 排除个别仓库，以最后匹配的一条为准。"
    "不填则不为任何仓库服务。",
    "repos.config_from": "以哪个 `.chatops.yml` 为准。`reviewed`：目标分支是默认分支或受保护分支时，"
    "以目标分支上的为准，否则以默认分支上的为准。`base`：任何目标分支上的都有效，包括刚刚未经审查推送的分支。",
    "repos.trust_forks": "有写权限的人的 Fork 仓库何时无需 `/ok-to-test`。`collaborators`：位于其个人空间中，"
    "且没有本仓库写权限的人都不能推送到该 Fork 仓库，由机器人从 Gitee 读取。"
    "`namespace`：位于其个人空间中即可；这样更不安全，因为 Fork 仓库的成员可以用仓库所有者的名义运行代码。",
    "docker": "用于构建、部署和测试的 Docker Engine，以及容器可用的资源。",
    "docker.enabled": "是否使用 Docker Engine；不使用时，各步骤只能使用 Kubernetes 或 Jenkins。",
    "docker.host": "Engine 地址，例如 `unix:///var/run/docker.sock`；"
    "默认取环境变量 DOCKER_HOST，否则用本机 socket。"
    "所有副本必须使用同一个 Engine：其中没有的预览环境会被视为已删除。",
    "docker.instance": "机器人在 Engine 中创建的所有对象都带有这个名称；"
    "两个机器人共用一个 Engine 时要用不同的名称。",
    "docker.build_network": "RUN 指令使用的网络；`none` 表示构建时断网。",
    "docker.build_ports": "启用 `firewall` 时 RUN 指令仍可访问的本机端口，"
    "例如软件包镜像站的端口；53 是 DNS。",
    "docker.memory_max": "仓库可以为单个容器申请的内存上限。",
    "docker.cpus": "单个容器可用的 CPU 数。",
    "docker.pids": "单个容器的进程数上限。",
    "docker.disk_max": "单个容器可以向根文件系统和自己的卷写入多少数据；超出后几秒内会被停止。",
    "docker.restricted": "哪些预览环境以受限方式运行，即没有 capability，并且只能写 `/tmp` 和自己的卷："
    "外部贡献者的（`untrusted`）、全部（`all`）或都不（`none`）。"
    "仓库也可以用 `deploy.restricted` 限制自己的预览环境。",
    "docker.subnet_pool": "每个环境独占一个小网段，从这个地址范围中分配。",
    "docker.firewall": '是否禁止预览环境访问本机端口；`build_network = "default"` 时还禁止'
    " Docker Engine 默认网桥上的所有容器访问本机端口和云的元数据服务（169.254.0.0/16 和 100.100.100.200）；"
    "通过 iptables，需要 root。"
    "构建仍可访问其他容器发布的端口。",
    "kubernetes": "供 `runner: kubernetes` 的步骤使用的集群，以及其中每个环境的资源上限。",
    "kubernetes.enabled": "是否使用集群进行部署和测试。",
    "kubernetes.kubeconfig": "集群地址和凭据所在的文件；默认使用机器人所在 Pod 的 ServiceAccount。",
    "kubernetes.context": "使用 kubeconfig 中的哪个 context；默认为当前的。",
    "kubernetes.instance": "机器人在集群中创建的所有对象都带有这个名称；"
    "两个机器人共用一个集群时要用不同的名称。",
    "kubernetes.namespace_prefix": "环境的命名空间名称的前缀。",
    "kubernetes.ingress_class": "Ingress 的类别；默认使用集群的默认类别。",
    "kubernetes.ingress_annotations": "Ingress 的注解，例如 `cert-manager.io/cluster-issuer=internal`。",
    "kubernetes.ingress_tls": "Ingress 是否启用 TLS。",
    "kubernetes.ingress_tls_secret": "存放证书的 Secret，由证书签发方写入；"
    "默认使用 Ingress 控制器自己的证书。",
    "kubernetes.ingress_address": "机器人访问 Ingress 控制器的地址，例如 `http://10.0.0.5`；"
    "默认通过预览环境的域名访问。",
    "kubernetes.ready_through": "环境就绪以什么为准：公开域名有响应（ingress），"
    "或只要求 Service 有响应（service，用于机器人访问不到控制器时）。",
    "kubernetes.ingress_namespace": "Ingress 控制器所在命名空间的标签；其中的 Pod 可以访问环境。",
    "kubernetes.ingress_cidrs": "另外可以访问环境的网段，用于 Ingress 控制器使用节点地址的情况。",
    "kubernetes.egress_cidrs": "环境和测试可以访问的网段；默认只能访问自身的 Pod 和 DNS。",
    "kubernetes.dns_namespace": "集群 DNS 服务器所在命名空间的标签。",
    "kubernetes.dns_pods": "DNS 服务器 Pod 的标签；环境的 53 端口只能访问这些 Pod 和 `dns_cidrs`。",
    "kubernetes.dns_cidrs": "另外的 DNS 服务器地址，例如 NodeLocal DNSCache 的 `169.254.20.10/32`。",
    "kubernetes.pod_security": "环境的 Pod 安全级别；`baseline` 允许镜像以 root 运行。",
    "kubernetes.allowed_annotations": "除常用注解外，清单和 Chart 还可以使用的注解的匹配规则，"
    "例如 `nginx.ingress.kubernetes.io/cors-*`；以 `!` 开头表示禁止，最后一个匹配的模式生效。",
    "kubernetes.allowed_labels": "除常用标签外，清单和 Chart 还可以使用的标签的匹配规则。",
    "kubernetes.storage_classes": "清单和 Chart 可以选用的存储类；其他存储类一律改为集群的默认存储类。",
    "kubernetes.run_as_user": "容器使用的用户 ID，用于没有指定用户的镜像；默认使用镜像自己的用户。",
    "kubernetes.memory_max": "仓库可以为单个容器申请的内存上限。",
    "kubernetes.cpus": "单个容器可用的 CPU 数。",
    "kubernetes.quota_memory": "单个环境（含测试）的内存总量。",
    "kubernetes.quota_cpus": "单个环境（含测试）的 CPU 总数。",
    "kubernetes.disk_max": "单个容器在存储卷之外可用的磁盘空间：自身的文件、日志和 `emptyDir` 卷。",
    "kubernetes.quota_disk": "单个环境（含测试）在存储卷之外的磁盘总量。",
    "kubernetes.quota_pods": "单个环境（含测试）的 Pod 总数。",
    "kubernetes.quota_storage": "单个环境的存储卷总量。",
    "kubernetes.pull_username": "只用于拉取镜像的账号；默认使用 `[registry]` 的账号，"
    "集群节点也会用它拉取镜像。",
    "kubernetes.pull_password": "该账号的密码。",
    "kubernetes.charts": "`deploy.chart` 可以使用的地址的匹配规则，例如 `oci://harbor.example.com/charts/*`；"
    "仓库内的 Chart 不受限制。",
    "kubernetes.chart_values": "`deploy.values` 可以设置的值的匹配规则；以 `!` 开头表示禁止，"
    "以最后匹配的一条为准。",
    "kubernetes.chart_facts": "由机器人写入 Chart 的值，格式为 `路径=内容`：值的路径，以及填入的内容。",
    "kubernetes.collector_image": "带有 sh、tar、gzip 和 base64 的镜像，用来从 Pod 中取出测试报告。",
    "kubernetes.sleep_after": "预览环境多久无人访问后缩容到零，由下一次访问或 `/wake` 唤醒；`0` 表示从不。"
    "启用后预览环境不再有各自的 Ingress，泛域名须指向机器人的预览代理。",
    "registry": "推送镜像的镜像仓库。",
    "registry.kind": "访问方式：只用 OCI Distribution API（oci），或同时使用 Harbor 自己的 API（harbor），"
    "后者支持创建项目、漏洞扫描和删除单个标签。",
    "registry.url": "镜像仓库的地址。",
    "registry.project": "镜像名的第一段；在 Harbor 中即项目名。",
    "registry.username": "有推送和删除权限的账号，例如机器人账户 `robot$chatops`。",
    "registry.password": "该账号的密码。",
    "registry.bases": "所有仓库都可以用作基础镜像、服务或写入清单、"
    "并且可以用机器人的账号拉取的镜像，写成匹配规则，例如 `harbor.example.com/base/*`；"
    "以 `!` 开头表示排除，以最后匹配的一条为准。"
    "这个镜像仓库中的其他镜像只能由它所属的仓库使用。",
    "registry.insecure": "是否接受无法验证的证书。",
    "registry.scan_seconds": "最多等待 Harbor 的漏洞扫描多少秒；镜像还没有扫描时会主动触发。"
    "0 表示既不触发也不等待。",
    "registry.fail_on": "拒绝含有此级别及以上漏洞的镜像，也拒绝没有扫描结果的镜像；默认不拒绝任何镜像。"
    "需要带有扫描器的 Harbor。",
    "build": "允许构建引擎（Docker Engine 或 buildkitd）在构建时自己下载的内容；"
    "构建的网络设置限制不了这类下载。",
    "build.frontends": "Dockerfile 可以在 `# syntax=` 中指定的 frontend 镜像的匹配规则；"
    "这些镜像运行时可以联网。",
    "build.addresses": "`ADD` 可以下载的地址的匹配规则，例如 `https://dl.example.com/*`；"
    "以 `!` 开头表示排除，以最后匹配的一条为准。默认情况下 `ADD` 只能读取构建上下文。",
    "jenkins": "Jenkins，仓库可以把它的任务用作步骤；不填 `url` 则不使用。",
    "jenkins.url": "机器人访问 Jenkins 的地址，包含路径。",
    "jenkins.public_url": "评论和页面中链接使用的地址；默认与 `url` 相同。",
    "jenkins.user": "机器人的账号，需要对任务有读取、构建和取消的权限。",
    "jenkins.token": "该账号的 API Token。",
    "jenkins.password": "没有 Token 时使用的密码；每次修改操作都需要会话和 crumb。",
    "jenkins.insecure": "是否接受无法验证的证书。",
    "jenkins.jobs": "仓库可以使用的任务的匹配规则，例如 `{owner}/{name}/**`，"
    "占位符代表仓库自己的所有者和名称；"
    "用 `!` 排除，以最后匹配的一条为准。不填则一个任务都不能用。",
    "jenkins.poll": "每隔多少秒查看一次任务。",
    "jenkins.queue_timeout": "任务在 Jenkins 队列中最多等待多少秒。",
    "jenkins.outage": "Jenkins 不可用（例如重启）超过多少秒，任务才算中断。",
    "buildkit": "`runner: kubernetes` 的构建所用的 buildkitd；机器人的 PATH 中需要有它的客户端 `buildctl`。",
    "buildkit.address": "buildkitd 的地址，"
    "例如 `tcp://buildkitd:1234` 或 `unix:///run/buildkit/buildkitd.sock`；"
    "不填则不能在集群中构建。",
    "buildkit.tls_dir": "存放 ca.pem、cert.pem 和 key.pem 的目录，用于机器人与 TCP 上的 buildkitd 双向认证。",
    "buildkit.cache": "是否把构建缓存保存到镜像仓库，"
    "即各仓库的 `buildcache` 标签（已放行的外部提交使用各自 PR 的标签），使新启动的 buildkitd 不必从头构建。",
    "buildkit.network": "RUN 指令使用的网络；`none` 表示构建时断网。",
    "preview": "用户如何访问预览环境。",
    "preview.domain": "所有预览环境的上级域名，需要一条指向预览代理或 Ingress 控制器的泛域名解析。",
    "preview.port": "预览代理的端口。",
    "preview.scheme": "用户访问时的协议；机器人前面有代理终止 TLS 时填 https。",
    "preview.public_port": "用户访问地址中的端口；默认与 `port` 相同，https 时为 443。",
    "preview.ttl": "环境最长保留多久，从最近一次部署或 `/extend` 算起。",
    "preview.drop_headers": "预览代理不转发给预览环境的请求头，可用通配符；统一登录常用的请求头"
    "（`Authorization`、`X-Auth-Request-*`、`Remote-*` 等）默认不转发。以最后一个匹配的为准："
    "预览环境自己使用 Basic 或 Bearer 登录时，填 `!Authorization`。",
    "preview.drop_cookies": "预览代理不转发给预览环境的 Cookie，规则同上；统一登录常用的 Cookie"
    "（`_oauth2_proxy*`、`authelia_session*` 等）默认不转发。",
    "preview.warn": "环境到期被清理之前，提前多久用评论提醒；`0` 表示不提醒。"
    "保留时间不超过这个值的环境不会提醒。",
    "dns": "如何解析预览环境的域名；已有泛域名解析时无需配置。",
    "dns.address": "预览环境的域名应解析到的地址：由 `chatops dns coredns` 写入，由 `chatops doctor` 核对。",
    "dns.etcd": "CoreDNS 的 etcd 插件所用的 etcd 地址；"
    "设置后由机器人逐个发布预览环境的域名（指向 `address`），"
    "清理后撤销；不设置则需要泛域名解析。",
    "dns.etcd_path": "域名在 etcd 中的存放路径，须与 CoreDNS 的配置一致。",
    "dns.servers": "`chatops doctor` 查询的 DNS 服务器，例如 `10.0.0.2` 或 `10.0.0.2:5353`；"
    "默认使用本机的解析器。",
    "limits": "并发、时长和大小的上限。",
    "limits.runs": "同时执行的运行总数。",
    "limits.runs_per_repository": "单个仓库同时执行的运行数。",
    "limits.builds_per_run": "一次运行同时构建的镜像数。",
    "limits.docker": "在 Docker Engine 上同时执行的运行数；0 表示不单独限制。",
    "limits.kubernetes": "在 Kubernetes 上同时执行的运行数；0 表示不单独限制。",
    "limits.jenkins": "在 Jenkins 上同时执行的运行数；0 表示不单独限制。",
    "limits.run_time": "一次运行从第一步开始最多持续多久。",
    "limits.log_bytes": "单个步骤的日志最多保留多少字节。",
    "limits.source_bytes": "用于构建的源码最大多少字节。",
    "limits.disk_free": "`server.data_dir` 与 Docker Engine 所在磁盘应保留的可用空间，最多为磁盘的十分之一。"
    "空间不足时，除清理外不开始新的运行，并清理占用最多的预览环境。",
    "retention": "运行结束后，各类数据保留多久；部署了现存环境的运行不会被删除。",
    "retention.logs": "步骤日志。",
    "retention.reports": "测试报告，以及生成报告的 XML 文件。",
    "retention.runs": "运行；每个 PR 最新的一次会保留更久。",
    "retention.deliveries": "已处理的 Webhook（至少 `2d`），用于识别重复投递。",
    "retention.audit": "审计记录（至少 `30d`），用 `chatops audit` 查看。",
    "sweep": "定期巡检：补上没有送达的 Webhook，清理没有归属的残留资源。",
    "sweep.enabled": "是否定期巡检；不启用时也可以用 `chatops gc` 手动清理。",
    "sweep.every": "两次巡检之间的间隔。",
    "sweep.age": "在此时间内变动过的对象会被跳过：Webhook 可能还在路上，或者仍有运行在使用它。",
    "comments": "评论相关设置。",
    "comments.language": "仓库没有指定语言时使用的语言。",
    "comments.strangers": "回复外部贡献者的命令（answer），还是忽略（silent）。外部贡献者指没有写权限的人，"
    "受信任提交的作者除外。两种情况下，他们的 PR 都会收到放行请求。",
    "comments.answers": "没有写权限的人在同一个 PR 下每小时得到回复的评论数；最后一次回复会说明，"
    "之后的命令到什么时候为止会被忽略。他们的推送每小时得到放行请求的次数也以此为限，"
    "超过之后 `/ok-to-test` 会要求写明提交号。有写权限的人不受限制。",
    "comments.style": "运行失败和 `/logs` 的评论引用日志的末尾（full），还是只给链接（brief）。",
    "comments.templates": "自定义模板目录，其中的同名模板替换内置模板，例如 `zh/status.md.j2`。"
    "只想替换一句话时，在其中的 `zh/_reasons.md.j2` 里定义宏：`no_port(facts)` 替换原因 `no_port` 的说明，"
    "`advice_no_port(facts)` 替换随后的建议。",
    "comments.announce": "运行失败、环境就绪或即将到期时，是否另发一条简短评论以便通知相关人员。",
    "permissions": "按命令名指定谁可以使用：级别（`anyone` 所有人；"
    "`contributor` 有写权限的人，以及受信任 PR 的作者；`write` 有写权限的人；`admin` 仓库管理员）、"
    "登录名（例如 `@lin`）、`owners`（`OWNERS` 中的 approvers），"
    '或由这些组成的列表，符合其中一项即可。`"deploy production"` 只针对一个环境，在该环境上取代 `deploy`。'
    '`[permissions."shop/*"]` 段针对名称匹配的仓库，以最后一个匹配为准。未列出的命令保持各自的默认级别。',
    "secrets": "供构建、服务和测试使用的机密。每个机密单独一段，例如 `[secrets.npm-token]`，包含以下配置项，"
    "其中 `file`、`env` 与 `kubernetes` 三选一，或设置 `jenkins`，"
    "或两者都设置；详见[机密](secrets.zh.md)。不能用机器人的环境变量设置。",
    "secrets.repos": "可以使用它的仓库，写法与 `[repos] allow` 相同；必填。",
    "secrets.steps": "可以在哪里使用：`build`、`deploy`、`services`、`test`；必填。",
    "secrets.file": "保存机密内容的文件，只允许机器人的系统账号读取；每次步骤开始时重新读取。",
    "secrets.env": "机器人进程中保存机密内容的环境变量，不能与 `file` 同时设置。",
    "secrets.kubernetes": "集群中 Secret 的一个键，格式为 `命名空间/名称/键`；"
    "每次步骤开始时用 `[kubernetes]` 的账号读取。",
    "secrets.jenkins": "同一机密在 Jenkins 中的凭据 ID，任务只会收到它，收不到内容。"
    "如果也设置了 `file`、`env` 或 `kubernetes`，机器人还会把内容提供给其他执行器，并在任务的日志中屏蔽它。",
    "secrets.environments": "服务和测试可以在哪些环境中使用它，支持通配符，例如 `staging` 或 `qa-*`。",
    "secrets.trust": "哪些提交可以使用它。`members`：只有无需 `/ok-to-test` 的提交。"
    "`approved`：已放行的外部贡献者的提交也可以，他们因此能读到内容。",
    "egress": "预览环境可以访问的自有网络。每组网络单独一段，例如 `[egress.databases]`，包含以下配置项，"
    "以第一个符合的段为准。其余网络、本机和云的元数据服务始终不可访问；"
    "没有写权限的人可能推送过的提交什么都访问不到。不能用机器人的环境变量设置。",
    "egress.repos": "哪些仓库的预览环境可以访问，写法与 `[repos] allow` 相同；必填。",
    "egress.cidrs": "网段，例如 `10.2.0.0/16`；单台机器写作 `10.2.0.7/32`；必填。",
    "egress.environments": "哪些环境可以访问，支持通配符，例如 `staging` 或 `qa-*`。",
    "egress.resolvers": "在 Docker 上，容器用 53 端口查询的 DNS 服务器；"
    "不设置时，容器只认识所在环境内的名称。在集群中使用 `[kubernetes]` 设置的 DNS 服务器。",
}
