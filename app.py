#!/usr/bin/env python3
"""Lathe's one entry: without arguments the desktop, with a command the command line. ``app.py --help`` lists them."""

from __future__ import annotations

import multiprocessing
import sys


def main(words: list[str]) -> int:
    """Choose what this process is: the desktop, a command, or a job of either."""
    if not words or words[0] == "desktop":
        from src.ui.application import run_desktop

        return run_desktop(words[1:])
    if words[0] == "_job":
        from src.jobs.main import run_job

        return run_job(words[1:])
    from src.cli.main import run_command

    return run_command(words)


if __name__ == "__main__":  # loader processes import this file again
    multiprocessing.freeze_support()
    sys.exit(main(sys.argv[1:]))
