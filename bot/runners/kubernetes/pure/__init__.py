"""Decisions of the Kubernetes runner, without I/O: policy, labels, rollout status."""
