"""Types of single fields, shared by the kinds: decimals, digests, names of the registry, addresses, time zones."""
