"""A step of a rollout: how it is entered, held, judged and left, whatever the strategy."""
