"""Trained models over images of any size: as trained or by a sliding window, in bands, batched over images.

Torch and numpy; knows no task. `Predictor.stream` is the door; a task's ``loaded.py`` makes the `LoadedModel`.
"""
