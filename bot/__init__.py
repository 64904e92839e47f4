"""gitee-chatops: a ChatOps bot for Gitee pull requests."""
