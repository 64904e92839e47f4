"""Real services as fixtures: Docker Engine, registry, etcd, PostgreSQL and Chromium."""
