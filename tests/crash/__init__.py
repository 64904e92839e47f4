"""Bots as processes that are killed, frozen and terminated while they work, and an audit afterwards."""
