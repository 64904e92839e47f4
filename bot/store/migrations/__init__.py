"""The history of the schema, executed by alembic; `bot/store/migrate.py` decides when.

A migration adds to the schema, so that two versions of the bot can share a store. One that cannot, such as a
rename, raises `bot.store.schema.VERSION`.
"""
