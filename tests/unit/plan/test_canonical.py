"""One spelling per value, the same in every release."""

from rollmodel.plan.canonical import canonical_hash, canonical_json
from rollmodel.plan.deployment.objects.desired import APPLIED

from tests.support.simulation.rollouts import Cluster, spec


def test_equal_values_have_one_spelling() -> None:
    assert canonical_json({"b": [1, None, True], "a": {"ü": 0.5}}) == '{"a":{"\\u00fc":0.5},"b":[1,null,true]}'
    assert canonical_json({"b": [1, 2], "a": 3}, spaces=True) == '{"a": 3, "b": [1, 2]}'
    assert canonical_hash({"b": 1, "a": 2}) == canonical_hash({"a": 2, "b": 1})


def test_the_hash_of_an_applied_object_never_changes() -> None:
    """If this fails, an upgrade of the operator writes every child of every ModelDeployment once."""
    cluster = Cluster(spec())
    cluster.pass_until_quiet()
    service = cluster.children["Service", "churn"]
    assert service["metadata"]["annotations"][APPLIED] == "wmz5fbjr"
