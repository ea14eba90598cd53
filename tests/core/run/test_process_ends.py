"""How a process that wrote no ending is explained: cause and cure from its last words."""

from __future__ import annotations

from pathlib import Path

import pytest

from src.core.run.process import explain

_TRACEBACK = """loading
Traceback (most recent call last):
  File "a.py", line 3, in <module>
    import torch
{error}
"""


@pytest.mark.parametrize(
    ("printed", "quoted", "cure"),
    [
        (
            _TRACEBACK.format(error="ModuleNotFoundError: No module named 'torch'"),
            "No module named 'torch'”",
            "installation",
        ),
        (_TRACEBACK.format(error="MemoryError"), "Its last words: “MemoryError”", "Memory ran out"),
        (
            "RuntimeError: CUDA error: no kernel image\nCompile with TORCH_USE_CUDA_DSA\n",
            "no kernel image / Compile",
            "GPU",
        ),
        ("OSError: [Errno 28] No space left on device: 'x'\n", "No space left", "free some space"),
        ("PermissionError: [Errno 13] Permission denied: '/a b'\n", "/a b", "permissions of the path"),
        ("out of luck\n", "“out of luck”", "rule both out"),
        ("", "It printed nothing.", "rule both out"),
    ],
)
def test_exit_code_is_explained_by_the_last_words(
    tmp_path: Path, printed: str, quoted: str, cure: str
) -> None:
    log = tmp_path / "train.log"
    log.write_text("epoch 1\n" * 50 + printed, "utf-8")
    if not printed:
        log.write_text("", "utf-8")
    said, helps = explain(3, log)
    assert "exit code 3" in said and quoted in said and "Traceback" not in said and "line 3" not in said
    assert cure in helps and "Resume then goes on" in helps and "log" not in helps


def test_long_last_words_are_cut(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("ValueError: " + "x" * 5000, "utf-8")
    assert len(explain(1, log)[0]) < 800
