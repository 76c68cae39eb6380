"""MLflow's client is first imported when several threads want it at once; its modules import each other in circles."""

import subprocess
import sys

#: A thread begins to import; as soon as a part is there that others import first, more threads come.
SCRIPT = """
import asyncio, sys
from rollmodel.on_demand import init_on_demand
init_on_demand()
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.ports.registry import Connection

async def main():
    registry, nobody = Mlflow(), Connection("http://127.0.0.1:9")
    asks = [asyncio.ensure_future(registry.set_alias(nobody, "churn", "champion", "1"))]
    while "mlflow.exceptions" not in sys.modules:
        await asyncio.sleep(0.001)
    asks += [asyncio.ensure_future(registry.set_alias(nobody, "churn", "champion", "1")) for _ in range(5)]
    for answer in await asyncio.gather(*asks, return_exceptions=True):
        print(repr(answer))

asyncio.run(main())
"""


def test_threads_that_come_during_the_import_wait_for_it() -> None:
    environment = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True)
    assert len(set(done.stdout.splitlines())) == 1
    assert done.stdout.count("Unavailable") == 6
