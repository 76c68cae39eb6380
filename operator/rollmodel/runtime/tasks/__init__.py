"""A task for each object: what wakes it, the loop that it runs, and what is done before its object goes."""
