"""Exercises that answer back: a folder a chapter, in it one module a notebook, on the checker in `_core`.

In a notebook: `from dlutils.exercises.foundations import perceptron as ex`, then `ex.margin.check(margin)`. A module's
place is that of its notebook without the numbers: `projects/nlp/sentiment_analysis.py` for
`04_projects/nlp/01_sentiment_analysis.ipynb`.
"""
