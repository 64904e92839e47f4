"""The Gitee adapter: webhooks and their signatures, the API client, and the source code by git."""
