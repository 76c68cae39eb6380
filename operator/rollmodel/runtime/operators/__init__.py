"""Several operators in one cluster: which of them works, and in which namespaces."""
