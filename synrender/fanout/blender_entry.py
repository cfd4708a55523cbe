"""Runs one job inside a Blender executable (or a separate Python) and saves the outcome.

blender --background --python blender_entry.py -- OUTCOME WORKER_PID < JOB
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]


def main(outcome_path: Path, worker_pid: int) -> None:
    """Renders the job; this process is killed if the worker that started it ends."""
    sys.path.insert(0, str(PROJECT_DIR))
    from synrender.fanout.processes import end_with_parent

    end_with_parent(worker_pid)
    try:
        import gin  # noqa: F401
    except ImportError:
        # `Outcome` cannot be imported without gin-config.
        message = (
            "gin-config is missing in Blender's Python; 'blender --background --python render.py' "
            "prints the command that installs it"
        )
        answer = json.dumps({"status": "node", "message": message})
    else:
        from synrender.fanout.job import outcome_to_json
        from synrender.fanout.worker import render_job

        answer = outcome_to_json(render_job(pickle.load(sys.stdin.buffer)))
    outcome_path.write_text(answer, encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # at a normal exit Blender can crash after all work is done


if __name__ == "__main__":
    arguments = sys.argv[sys.argv.index("--") + 1 :]
    main(Path(arguments[0]), int(arguments[1]))
