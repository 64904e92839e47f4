"""Several replicas on one store: membership, leases, and tasks that only the leader runs."""
