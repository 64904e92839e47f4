"""Builds, environments and tests on one Docker Engine.

The SDK gives connection settings, credentials, `.dockerignore` matching and the short calls that must never
be left half done; aiohttp carries what must be interruptible, because closing a response is the only way to
stop a build.
"""
