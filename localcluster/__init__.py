"""A Kubernetes cluster of plain processes, for the demo and the tests. Linux only; nothing here ships to users.

Start reading at :mod:`localcluster.cluster` (the Python API) or :mod:`localcluster.__main__` (the command). Behind both
stands one :mod:`localcluster.processes.supervisor` per cluster, which starts the processes that
:mod:`localcluster.parts` describes; :mod:`localcluster.processes.reaper` sees to it that nothing outlives it.
"""

from localcluster.cluster import Cluster
from localcluster.errors import BinaryUnavailableError, LocalClusterError, NotRunningError, PartFailedError

__all__ = ["BinaryUnavailableError", "Cluster", "LocalClusterError", "NotRunningError", "PartFailedError"]
