"""The same empty runs on the bot's own tables and on DBOS Transact; each module says how to run it."""
