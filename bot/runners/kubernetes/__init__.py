"""Environments and tests in a Kubernetes cluster: a namespace for each, from 1.20 to the newest server.

The official client gives credentials and connections; requests are made by path, because its typed calls load
models for every kind there is, and because server-side apply and raw logs want no models.
"""
