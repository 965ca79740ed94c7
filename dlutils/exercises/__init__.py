"""Exercises that answer back: one module per chapter, on the checker in `_core`.

In a notebook: `from dlutils.exercises import foundations as ex`, then `ex.softmax.check(softmax)`.
"""
