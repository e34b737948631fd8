"""Studies over many seeds, each a program that prints tables: ``python -m
perplab.analysis.studies.NAME``. Figures of one run belong in `metrics`, estimators in `estimators`.
Nothing is handed on here: a module that runs as a program must not be imported before.
"""

__all__ = []
