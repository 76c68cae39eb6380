"""The operator's settings: environment variables ``ROLLMODEL_*``. The only reader of the environment."""

from rollmodel.settings.libraries import configure_libraries
from rollmodel.settings.operator import Settings

__all__ = ["Settings", "configure_libraries"]
