"""The command line ``perplab``: arguments, messages, terminal tables, exit codes.

What belongs here parses options, calls `perplab.scenarios` and `perplab.analysis`, and prints; it
computes nothing. The package imports nothing by itself, so that ``perplab --help`` is fast.
"""
