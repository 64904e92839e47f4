"""The same bare work on the bot's own tables and on DBOS Transact; how to run each stands in it."""
