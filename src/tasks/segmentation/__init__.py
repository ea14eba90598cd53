"""Semantic segmentation of images: every pixel gets a class."""
