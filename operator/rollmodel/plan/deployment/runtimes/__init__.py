"""Model-server presets as data: image, ports, probes, metric names. One file each."""

from __future__ import annotations

from collections.abc import Mapping

from rollmodel.api.modeldeployment import RuntimePreset
from rollmodel.plan.deployment.runtimes.custom import CUSTOM
from rollmodel.plan.deployment.runtimes.kserve import KSERVE
from rollmodel.plan.deployment.runtimes.mlflow import MLFLOW
from rollmodel.plan.deployment.runtimes.mlserver import MLSERVER
from rollmodel.plan.deployment.runtimes.preset import Preset
from rollmodel.plan.deployment.runtimes.triton import TRITON
from rollmodel.plan.deployment.runtimes.vllm import VLLM

__all__ = ["PRESETS"]

PRESETS: Mapping[RuntimePreset, Preset] = {
    RuntimePreset.MLFLOW: MLFLOW,
    RuntimePreset.MLSERVER: MLSERVER,
    RuntimePreset.TRITON: TRITON,
    RuntimePreset.VLLM: VLLM,
    RuntimePreset.KSERVE: KSERVE,
    RuntimePreset.CUSTOM: CUSTOM,
}
