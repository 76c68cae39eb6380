"""How a rollout ends, and what is told to whom then."""
