"""Builds in the cluster: a buildkitd, rootless or not, is driven through its own client, `buildctl`."""
