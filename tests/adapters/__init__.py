"""From a vector's inputs to its outputs with the simulation's functions.

One module per venue, one function per kind of vector.
"""
