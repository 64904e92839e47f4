"""The Kubernetes runner: each environment is a namespace, on any server from 1.20.

The official client provides credentials and connections only. Requests use paths, because the client's typed
calls load models of every kind, and server-side apply and raw logs need no models.
"""
