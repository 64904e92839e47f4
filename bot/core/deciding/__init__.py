"""What a comment or an event leads to, and the plan of steps that it starts."""
