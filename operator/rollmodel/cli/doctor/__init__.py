"""``rollmodel doctor``: whether all is there that a rollout needs, and which setting mends what is not."""
