"""A person's kubeconfig: reading it safely, and the namespace of its current context."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import yaml
from kubernetes.aio import config

from rollmodel.errors import Invalid

__all__ = ["current_namespace", "readable"]

#: What the client raises over a file that is none, beside its own exception.
_MALFORMED = (yaml.YAMLError, AttributeError, IndexError, KeyError, TypeError, ValueError)


@contextmanager
def readable() -> Iterator[None]:
    """Invalid (``NoKubeconfig``) where the client cannot use the file; nothing of what the file holds is told."""
    try:
        yield
    except (config.ConfigException, OSError) as error:
        raise Invalid(f"no usable kubeconfig: {error} Set KUBECONFIG to one.", reason="NoKubeconfig") from error
    except _MALFORMED as error:
        raise Invalid(
            "no usable kubeconfig: this file is none. Set KUBECONFIG to one.", reason="NoKubeconfig"
        ) from error


def current_namespace(kubeconfig: str | None = None) -> str:
    """The namespace of the current context, ``default`` where it names none. Raises Invalid without a usable file."""
    with readable():
        _, context = config.list_kube_config_contexts(kubeconfig)
        return str(context["context"].get("namespace") or "default")
