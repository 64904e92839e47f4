"""The tables' history: each version adds to the one before, so that two versions of the bot can run at once.

`alembic` carries them out; `bot/store/migrate.py` says when.
"""
