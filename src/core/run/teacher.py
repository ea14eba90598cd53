"""Whether a trained model can teach a training: found out from what its file says of itself, before anything is read or built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from src.core.config.training import RunConfig
from src.core.dataset.findings import Finding
from src.core.run.library import find_record
from src.core.run.model_source import ModelError

TEACHER = "distillation.teacher"
#: From what the file of a teacher says of itself, and its name, to what keeps it from teaching.
Differences = Callable[[Mapping[str, Any], str], list[Finding]]


def check_teacher(config: RunConfig, classes: list[str] | None, differences: Differences) -> list[Finding]:
    """Findings on the teacher of a configuration; none where it has none.

    Args:
        config: Of the training.
        classes: Of the training, in their order; None where they are not known yet.
        differences: What the task compares beyond problem and classes; not asked for the model of another problem.
    """
    options = config.distillation
    if not options.teacher:
        return []
    if not options.acts:
        return [Finding("warning", "teacher-idle", "There is a teacher, but both of its weights are 0: nothing is learnt from it.",
                        "Give one of them a weight, or leave the teacher empty.", ("distillation.weight",))]  # fmt: skip
    try:
        record = find_record(options.teacher)
    except ModelError as error:
        return [Finding("error", "teacher-missing", f"The teacher cannot be used: {error}", error.cure, (TEACHER,))]  # fmt: skip
    name, facts = record.name, record.facts
    if record.problem:
        return [Finding("error", "teacher-missing", f"The model of {name} cannot be used. {record.problem}",
                        "Choose another teacher.", (TEACHER,))]  # fmt: skip
    if facts.get("task", config.task) != config.task:
        return [Finding("error", "teacher-differs", f"The teacher {name} was trained for another problem ({facts['task']}).",
                        "Choose a model of this problem.", (TEACHER,))]  # fmt: skip
    found = []
    theirs = [str(c) for c in facts.get("classes") or []]
    if classes is not None and theirs and theirs != classes:
        text = (
            f"The teacher {name} knows the classes {', '.join(theirs)}; here they are {', '.join(classes)}."
        )
        cure = "Choose a teacher that was trained on the same classes in the same order."
        found.append(Finding("error", "teacher-classes", text, cure, (TEACHER,)))
    found += differences(facts, name)
    if options.feature_weight and config.training.compile:
        text = "The features of a compiled network cannot be compared with a teacher's."
        cure = "Turn “Compile the network” off, or set the weight of the features to 0."
        found.append(Finding("error", "teacher-compiled", text, cure, ("distillation.feature_weight",)))
    return found
