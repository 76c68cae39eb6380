"""How long policies take to decide at the traffic that is expected."""
