"""The Protocols through which ``reconcile`` talks to the outside world: a file for each neighbour.

Adapters implement them against real neighbours, ``tests/support`` in memory. Values that cross a port are plain
data: dicts as the Kubernetes API gives them, and the small frozen classes beside them. Every method raises only
errors of :mod:`rollmodel.errors`.
"""
