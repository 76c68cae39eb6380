"""`rollmodel backtest`: what a policy would have decided on recorded rollouts."""
