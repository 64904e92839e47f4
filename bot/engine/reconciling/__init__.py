"""Periodic repairs: missed webhooks, expired and idle environments, orphans, old data."""
