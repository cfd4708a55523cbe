"""What Ray reads from the environment at the moment when it is imported."""

from __future__ import annotations

import os
import secrets


def prepare_environment(address: str | None) -> None:
    """Call it before `cluster` is imported, which imports Ray.

    Args:
        address: of the cluster to join; None: this machine alone, where Ray's processes then
            listen on the loopback interface only. (Ray has this switch for macOS and Windows, whose
            firewalls ask about anything else; there is no other.) They also share a token of their
            own, since Ray would write one into the home folder, which there may not be.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # No warnings that do not concern us.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # of tasks that were given up
    if not address:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
