"""Trackers: TensorBoard, MLflow, Weights & Biases. Each is fed from the event log of a run by a process of its own.

The training process starts the followers and reads what they complain of; it never waits for one in its loop. A follower that
fails ends, and costs the run one warning. Torch-free.
"""

from src.core.tracking.follow import follow, said_file, track, trackers_config
from src.core.tracking.sink import Sink, TrackerError

__all__ = ["Sink", "TrackerError", "follow", "said_file", "track", "trackers_config"]
