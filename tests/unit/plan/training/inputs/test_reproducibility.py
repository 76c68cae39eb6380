"""Hashes that stand in statuses and in MLflow: they are the same in every release."""

from rollmodel.api.trainingjob import InputStatus, TrainingJobSpec
from rollmodel.plan.training.inputs.reproducibility import reproducibility, spec_hash

DIGEST = f"sha256:{'1' * 64}"
SPEC = TrainingJobSpec.model_validate(
    {
        "template": {"image": "registry.example.com/train:1", "command": ["python", "train.py"]},
        "parameters": [{"name": "rate", "value": "größe"}, {"name": "a", "value": ""}],
        "inputs": [{"name": "data", "uri": "s3://bucket/data", "digest": DIGEST}],
        "seed": 7,
    }
)


def test_the_hashes_never_change() -> None:
    """If this fails, no earlier run is found as the one that a new run repeats."""
    inputs = [InputStatus(name="data", uri="s3://bucket/data", version="v1", digest=DIGEST)]
    record = reproducibility(SPEC, inputs, DIGEST, None)
    assert record.hash == "sha256:6f2b74e8e6c64ea79c5c9659769aa7a08df26c2e4ab81cf8e8526aa98826d573"
    assert record.parameters_hash == "sha256:870268b9b000f71fd5ae2e0d740f90ba4b05df9454d0de20bfaebef335ad147c"
    assert record.inputs_digest == "sha256:167eafb1a9d8dfe402426bebd37f313b8aa297ca4fad19b7bccf6cd158587f89"
    assert spec_hash(SPEC) == "sha256:8f0c19a1bb230cde987760d14adcba28260fe5155b32ba66cf41671ccab9ff8a"
