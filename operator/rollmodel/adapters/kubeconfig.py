"""What a person's kubeconfig says beside the login: the namespace of the current context."""

from __future__ import annotations

from kubernetes.aio import config

from rollmodel.errors import Invalid

__all__ = ["current_namespace"]


def current_namespace(kubeconfig: str | None = None) -> str:
    """The namespace of the current context, ``default`` where it names none. Raises Invalid without a usable file."""
    try:
        _, context = config.list_kube_config_contexts(kubeconfig)
    except (config.ConfigException, OSError) as error:
        raise Invalid(f"no usable kubeconfig: {error}", reason="NoKubeconfig") from error
    return str(context["context"].get("namespace") or "default")
