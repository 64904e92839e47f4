"""A stateful Harbor over real HTTP, its API held to the published description, before a real registry."""
