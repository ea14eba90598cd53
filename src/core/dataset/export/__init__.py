"""Export of any data set that Lathe reads: index masks, COCO JSON, YOLO segmentation.

Importing what was exported gives back every pixel, except what a format cannot say (YOLO: ignored pixels); that is
among the findings.
"""

from __future__ import annotations

from src.core.dataset.export.export import EXPORTS, Exported, export_dataset, source_config

__all__ = ["EXPORTS", "Exported", "export_dataset", "source_config"]
