"""Networks, losses and metrics for segmentation: plain torch, usable without the rest of Lathe.

Public faces: `segmentation_models`, `losses`, `metrics`; `encoders` can be used without torch. Nothing is
imported here, so that `import src.models` costs nothing.
"""
