"""A stateful fake Harbor over real HTTP, validated against the published API, in front of a real registry."""
