"""Builds in the cluster, by a buildkitd (rootless or not) and its client `buildctl`."""
