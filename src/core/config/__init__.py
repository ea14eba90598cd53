"""One typed configuration: the schema, its layers and its files. Torch-free."""

from src.core.config.conditions import Condition, unless, when, without_effect
from src.core.config.fields import Option, Section, option, options, section
from src.core.config.files import dump_yaml, file_layer, override_layer, preset_layer, presets, read_yaml
from src.core.config.layers import LAYERS, ConfigError, Layer, Resolved, flatten, nest, resolve
from src.core.config.training import RunConfig

__all__ = [
    "LAYERS", "Condition", "ConfigError", "Layer", "Option", "Resolved", "RunConfig", "Section", "dump_yaml", "file_layer",
    "flatten", "nest", "option", "options", "override_layer", "preset_layer", "presets", "read_yaml", "resolve", "section",
    "unless", "when", "without_effect",
]  # fmt: skip
