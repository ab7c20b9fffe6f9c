"""Tells Early Help teams what their council's own protocol makes due, by when, and which clause says so.

This is the front door: a council's plugin imports from here and from nowhere deeper.
"""

from ehscheduler.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = ["__version__", "hookimpl"]
