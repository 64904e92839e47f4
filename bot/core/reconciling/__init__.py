"""Compares the store with Gitee and the runners: missed events, orphans, expired data."""
