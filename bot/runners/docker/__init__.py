"""Builds, environments and tests on one Docker Engine.

The SDK provides connection settings, credentials, `.dockerignore` matching and the short calls that must not
be interrupted. aiohttp sends the requests that can be: closing the response is the only way to stop a build.
"""
