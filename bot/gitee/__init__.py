"""The Gitee adapter: webhook wire format and signatures, API client, git source."""
