"""What Ray 2.60 has no option for; where a version differs inside, Ray's own way stays.

Ray is imported late: `cluster` sets its environment first.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

NODE_POLL_S = 0.02
NODE_LIMIT_S = 30


def silence_worker_deaths() -> None:
    """Keeps Ray from printing a paragraph on each worker that dies: we say what there is to say.

    ``log_to_driver=False`` silences the workers alone.
    """
    import ray

    if hasattr(ray._private.worker, "listen_error_messages"):
        ray._private.worker.listen_error_messages = lambda *args, **kwargs: None


@contextlib.contextmanager
def lean_start() -> Iterator[None]:
    """Within it, Ray starts on this machine in 0.8 s instead of 2 to 3.

    Three of its processes stay away: a dashboard without pages, an autoscaler, which would hold up
    the shutdown for a second besides, and what forwards the workers' output, to which nobody
    listens. And whether the node is there is asked often: Ray asks once a second, for the first
    time just before it is.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(AttributeError):
            for owner, name, value in _lean_replacements():
                stack.enter_context(mock.patch.object(owner, name, value))
        yield


def _lean_replacements() -> list[tuple[Any, str, Any]]:
    import ray

    parameter, services = ray._private.parameter, ray._private.services
    get_node = services.get_node

    class LeanParams(parameter.RayParams):
        def __init__(self, **params: Any) -> None:
            super().__init__(**params | {"no_monitor": True, "include_log_monitor": False})

    def get_node_soon(gcs_address: str, node_id: str) -> dict[str, Any]:
        with contextlib.suppress(AttributeError):
            _wait_for_node(gcs_address, node_id)
        return get_node(gcs_address, node_id)

    return [
        (parameter, "RayParams", LeanParams),
        (services, "start_api_server", lambda *args, **kwargs: (None, None)),
        (services, "get_node", get_node_soon),
    ]


def _wait_for_node(gcs_address: str, node_id: str) -> None:
    import ray

    state = ray._private.state.GlobalState()
    state._initialize_global_state(ray._private.services._get_gcs_client_options(gcs_address))
    end = time.monotonic() + NODE_LIMIT_S
    while time.monotonic() < end:
        if any(node["NodeID"] == node_id for node in state.node_table()):
            return
        time.sleep(NODE_POLL_S)
