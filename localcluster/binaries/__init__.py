"""How localcluster comes by its binaries; :func:`locate` is the door.

First hit wins: ``$KUBEBUILDER_ASSETS`` or ``PATH``, the cache folder, the official download, a build with Go.
"""

from localcluster.binaries.catalog import CATALOG, Binary
from localcluster.binaries.gateway_api import GATEWAY_API
from localcluster.binaries.search import Search, locate

__all__ = ["CATALOG", "GATEWAY_API", "Binary", "Search", "locate"]
