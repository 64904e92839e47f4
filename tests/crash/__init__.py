"""Bots as processes that are killed, frozen and ended while they work, and the account drawn afterwards."""
