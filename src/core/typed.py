"""Commands that are told to a person, as they can be typed: a path with a space in it is quoted."""

from __future__ import annotations

import os
import shlex
import subprocess


def typed(*words: object) -> str:
    """``app.py train 'my data/lathe.yaml'``: the words after ``app.py``, quoted as the shells of this system have it."""
    plain = ["app.py", *(str(word) for word in words)]
    return subprocess.list2cmdline(plain) if os.name == "nt" else shlex.join(plain)
