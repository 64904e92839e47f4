"""What is decided about clusters without asking one: policy, labels, rollout diagnosis. No I/O."""
