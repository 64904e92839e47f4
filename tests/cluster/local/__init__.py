"""A one-node Kubernetes on this machine's Docker Engine, for as long as tests need it."""
