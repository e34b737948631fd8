"""Analysis of recorded runs: estimators, metrics, figures, studies, reports, the command line.

What belongs here reads records and stored runs; nothing here changes a market. The package imports
nothing by itself; its folders hand on their public names.
"""
