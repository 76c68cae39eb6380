"""From evaluations to an alarm: its episode, and the budget that was spent. Pure."""
