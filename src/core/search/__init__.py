"""Hyper-parameter search: what is searched, where a search is kept, and how its trials are run. Torch-free.

Optuna, which only a search needs, is imported by `storage`, `study` and `runner` alone.
"""

from src.core.search.config import SearchConfig, SearchError, SearchPlan, need_optuna, plan_of, read_plan
from src.core.search.folder import SearchFolder, default_searches_dir, list_searches
from src.core.search.space import Dimension, parse_word, read_space, searchable

__all__ = [
    "Dimension",
    "SearchConfig",
    "SearchError",
    "SearchFolder",
    "SearchPlan",
    "default_searches_dir",
    "list_searches",
    "need_optuna",
    "parse_word",
    "plan_of",
    "read_plan",
    "read_space",
    "searchable",
]  # fmt: skip
