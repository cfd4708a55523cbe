"""Runs one job inside a Blender executable (or a separate Python) and saves the outcome.

blender --background --python blender_entry.py -- JOB.pickle OUTCOME.pickle WORKER_PID
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]


def main(job_path: Path, outcome_path: Path, worker_pid: int) -> None:
    """Renders the job; this process is killed if the worker that started it ends."""
    sys.path.insert(0, str(PROJECT_DIR))
    from synrender.fanout.processes import end_with_parent

    end_with_parent(worker_pid)
    try:
        import gin  # noqa: F401
    except ImportError:
        # `Outcome` cannot be imported without gin-config, so this answer is a plain text.
        answer: object = (
            "gin-config is missing in Blender's Python; 'blender --background --python render.py' "
            "prints the command that installs it"
        )
    else:
        from synrender.fanout.worker import render_job

        answer = render_job(pickle.loads(job_path.read_bytes()))
    outcome_path.write_bytes(pickle.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # at a normal exit Blender can crash after all work is done


if __name__ == "__main__":
    arguments = sys.argv[sys.argv.index("--") + 1 :]
    main(Path(arguments[0]), Path(arguments[1]), int(arguments[2]))
