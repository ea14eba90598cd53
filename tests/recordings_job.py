"""Lathe's jobs with the task of `recordings` among the others: ``recordings_job.py _job check CONFIG``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
    from src.jobs.main import run_job
    from src.tasks.catalog import TASKS
    from tests.recordings import RECORDINGS

    TASKS[RECORDINGS.id] = RECORDINGS
    sys.exit(run_job(sys.argv[2:]))
