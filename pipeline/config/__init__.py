"""Configuration: the frame, reading YAML with line numbers, loading region x system x data."""

from pipeline.config.frame import Config
from pipeline.config.loading import Loaded, home, load, names

__all__ = ["Config", "Loaded", "home", "load", "names"]
