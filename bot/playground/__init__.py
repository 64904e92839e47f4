"""The offline Gitee: the other side of the bot, for the playground, for tests and for authors of templates."""
