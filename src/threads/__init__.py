"""QThread workers: each owns one child process or follows one folder. No torch here."""

from src.threads.resume import resume_run

__all__ = ["resume_run"]
