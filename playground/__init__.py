"""The offline Gitee: the bot's other side, for the playground, for tests and for authors of templates."""
