"""Arithmetic that several formulas share."""

import math


def clamp(value, low, high):
    """Return the number of [low, high] nearest to a value."""
    return min(max(value, low), high)


def decayed(average, sample, seconds, window):
    """Return an exponential average after `seconds` of a sample; without a window the sample."""
    if not window:
        return sample
    return average + (1.0 - math.exp(-seconds / window)) * (sample - average)


def cut(value, quantum):
    """Return a value cut towards zero to a multiple of a quantum; 0 leaves it."""
    if not quantum:
        return value
    return math.copysign(math.floor(abs(value) / quantum + 1e-9) * quantum, value)
