"""How an option is described once, for the schema, the dialog, the YAML file and the manual."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from src.core.config.conditions import Condition, bound


class Section(BaseModel):
    """Base of every configuration section: unknown keys are errors, assignment is validated."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, protected_namespaces=())


def option(
    default: Any,
    label: str,
    help: str,
    *,
    unit: str = "",
    advanced: bool = False,
    group: str = "",
    path: Literal["", "file", "folder", "file_or_none"] = "",
    choices_from: str = "",
    applies: Sequence[Condition] = (),
    choice_labels: dict[str, str] | None = None,
    **constraints: Any,
) -> Any:
    """Declare one option.

    Attributes:
        default: Value when no layer sets it. A callable is used as a factory.
        label: Two to four words, shown beside the field.
        help: One sentence: what the option does, and when it does nothing.
        unit: Physical unit or noun of the number ("px", "epochs").
        advanced: Hidden until the person asks for all settings.
        group: Heading under which the dialog places the option.
        path: The string names a file or a folder (the dialog offers a chooser).
        choices_from: Name of a list that is known only at run time ("encoders").
        applies: Conditions (`when`, `unless`) under which the option has an effect; all of them must hold.
        choice_labels: Words for the values of a choice.
        constraints: Bounds as pydantic takes them (ge, gt, le, lt, min_length, ...).
    """
    extra: dict[str, Any] = {
        "label": label,
        "unit": unit,
        "advanced": advanced,
        "group": group,
        "path": path,
        "choices_from": choices_from,
        "applies": tuple(applies),
        "choice_labels": choice_labels or {},
    }
    if callable(default):
        return Field(
            default_factory=default, description=help, json_schema_extra={"lathe": extra}, **constraints
        )
    return Field(default, description=help, json_schema_extra={"lathe": extra}, **constraints)


@dataclass(frozen=True)
class Option:
    """What a form or a manual needs to know of one leaf of the schema.

    Attributes:
        key: Dotted name from the root, as in YAML and in ``key=value``.
        kind: ``bool``, ``int``, ``float``, ``str``, ``choice``, ``list`` or ``size``.
        choices: The values of a ``choice``.
        optional: ``None`` is a value.
        conditions: All of them must hold for the option to have an effect; with full names.
        minimum, maximum: Bounds, which belong to the values unless ``exclusive_minimum`` or ``exclusive_maximum`` says otherwise.
    """

    key: str
    kind: str
    default: Any
    label: str
    help: str
    unit: str = ""
    advanced: bool = False
    group: str = ""
    path: str = ""
    choices: tuple[Any, ...] = ()
    choices_from: str = ""
    choice_labels: dict[str, str] | None = None
    conditions: tuple[Condition, ...] = ()
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False

    @property
    def section(self) -> str:
        """First part of the key: the tab on which the option stands."""
        return self.key.split(".", 1)[0]


def _strip_optional(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        kept = [a for a in get_args(annotation) if a is not type(None)]
        optional = len(kept) < len(get_args(annotation))
        return (kept[0] if len(kept) == 1 else annotation), optional
    return annotation, False


def _kind(annotation: Any) -> tuple[str, tuple[Any, ...]]:
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    if annotation is bool:
        return "bool", ()
    if annotation is int:
        return "int", ()
    if annotation is float:
        return "float", ()
    if get_origin(annotation) is list:
        return "list", ()
    if get_origin(annotation) is tuple:
        return "size", ()
    return "str", ()


def _bounds(info: FieldInfo) -> tuple[float | None, float | None, bool, bool]:
    low = high = None
    open_low = open_high = False
    for item in info.metadata:
        if getattr(item, "ge", None) is not None:
            low = item.ge
        if getattr(item, "gt", None) is not None:
            low, open_low = item.gt, True
        if getattr(item, "le", None) is not None:
            high = item.le
        if getattr(item, "lt", None) is not None:
            high, open_high = item.lt, True
    return low, high, open_low, open_high


def options(model: type[BaseModel]) -> list[Option]:
    """All leaves of a schema in the order of their declaration; sections are walked through.

    Raises:
        ValueError: A condition speaks of an option that does not exist.
    """
    return list(_options(model))


@functools.lru_cache(maxsize=64)  # a window asks again at every edit
def _options(model: type[BaseModel]) -> tuple[Option, ...]:
    found = _leaves(model, "", "", ())
    known = {o.key for o in found}
    return tuple(replace(o, conditions=bound(o.conditions, o.key, known)) for o in found)


def _leaves(
    model: type[BaseModel], prefix: str, group: str, conditions: tuple[Condition, ...]
) -> list[Option]:
    found: list[Option] = []
    for name, info in model.model_fields.items():
        annotation, optional = _strip_optional(info.annotation)
        extra = info.json_schema_extra
        meta: dict[str, Any] = extra.get("lathe", {}) if isinstance(extra, dict) else {}  # type: ignore[assignment]
        applies = (*conditions, *meta.get("applies", ()))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            heading = meta.get("group") or group or info.title or ""
            found += _leaves(annotation, f"{prefix}{name}.", heading, applies)
            continue
        kind, choices = _kind(annotation)
        low, high, open_low, open_high = _bounds(info)
        default = info.get_default(call_default_factory=True, validated_data={})
        found.append(
            Option(
                key=prefix + name,
                kind=kind,
                default=None if default is PydanticUndefined else default,
                label=meta.get("label") or name.replace("_", " ").capitalize(),
                help=info.description or "",
                unit=meta.get("unit", ""),
                advanced=meta.get("advanced", False),
                group=meta.get("group") or group,
                path=meta.get("path", ""),
                choices=choices,
                choices_from=meta.get("choices_from", ""),
                choice_labels=meta.get("choice_labels") or {},
                conditions=applies,
                optional=optional,
                minimum=low,
                maximum=high,
                exclusive_minimum=open_low,
                exclusive_maximum=open_high,
            )
        )
    return found


def section(model: type[BaseModel], group: str, applies: Sequence[Condition] = ()) -> Any:
    """Declare a nested section whose options stand under the heading ``group``; ``applies`` holds for each of them."""
    extra: dict[str, Any] = {"group": group, "applies": tuple(applies)}
    return Field(default_factory=model, json_schema_extra={"lathe": extra})
