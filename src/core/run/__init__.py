"""The run folder is the interface: its files, its event log, its commands, and the process that works on it. Torch-free."""

from src.core.run.checkpoints import CheckpointEntry, CheckpointIndex
from src.core.run.commands import COMMANDS, CommandInbox
from src.core.run.create import create_run
from src.core.run.create_job import create_job
from src.core.run.events import ENDINGS, Event, EventTail, EventWriter, history
from src.core.run.folder import RunFolder, RunFolderError, default_runs_dir, workspace
from src.core.run.model_source import ModelError, ModelSource, find_model
from src.core.run.process import ChildProcess
from src.core.run.state import (
    STATES,
    TITLES,
    RunSummary,
    list_runs,
    process_alive,
    settle,
    summarise,
    summarise_events,
)

__all__ = [
    "COMMANDS",
    "ENDINGS",
    "STATES",
    "TITLES",
    "CheckpointEntry",
    "CheckpointIndex",
    "ChildProcess",
    "CommandInbox",
    "Event",
    "EventTail",
    "EventWriter",
    "ModelError",
    "ModelSource",
    "RunFolder",
    "RunFolderError",
    "RunSummary",
    "create_job",
    "create_run",
    "default_runs_dir",
    "find_model",
    "history",
    "list_runs",
    "process_alive",
    "settle",
    "summarise",
    "summarise_events",
    "workspace",
]  # fmt: skip
