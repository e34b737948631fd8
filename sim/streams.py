"""Random numbers: one stream a name for what is drawn outside, a counter-based hash for what traders draw.

The k-th draw of trader i in step t is a hash of (seed, name, i, t, k). Nothing is stored between steps, so two treatments
of one seed see the same numbers however differently their traders act. The mixing function is the finaliser of
SplitMix64 (Steele, Lea and Flood, 2014, "Fast splittable pseudorandom number generators", OOPSLA), applied to a
Weyl sequence, which passes BigCrush.
"""

import math
import zlib

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel

_WEYL = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_SCALE = 1.0 / 9007199254740992.0
_ZERO, _ONE, _LAST = np.uint64(0), np.uint64(1), np.uint64(255)


def layers():
    """Return right edges and heights of the ziggurat's 256 layers; the first edge is that of a box as large as the tail's."""
    edge, area = 7.69711747013104972, 0.0039496598225815571993
    widths = [area * math.exp(edge), edge]
    while len(widths) < 256:
        widths.append(-math.log(area / widths[-1] + math.exp(-widths[-1])))
    widths.append(0.0)
    return np.array(widths), np.array([math.exp(-width) for width in widths])


_WIDTHS, _HEIGHTS = layers()


def generator(seed, name, *block):
    """Return the numpy Generator of the stream `name` (and `block`) of a run.

    Parameters
    ----------
    seed : int
    name : str
    *block : int
        Further keys, such as the number of a block of steps.

    Examples
    --------
    >>> generator(1, "spot").random() == generator(1, "spot").random()
    True
    """
    return np.random.default_rng(
        np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()), *block))
    )


def stream_key(seed, name):
    """Return the 64-bit key of the counter-based stream `name` of a run, as numpy.uint64."""
    return np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),)).generate_state(
        1, np.uint64
    )[0]


@hot_kernel
def mix(word):
    """Return the SplitMix64 finaliser of a 64-bit word."""
    word = (word ^ (word >> _S30)) * _FIRST
    word = (word ^ (word >> _S27)) * _SECOND
    return word ^ (word >> _S31)


@hot_kernel
def key_at(key, number):
    """Return the key of sub-stream `number` of `key`: a trader of a kind, a step of a trader."""
    return mix(key + _WEYL * np.uint64(number + 1))


@hot_kernel
def word_of(rng):
    """Return the next 64 random bits of a DRAW record and advance its counter."""
    rng["draws"] += 1
    return mix(rng["key"] + _WEYL * np.uint64(rng["draws"]))


@hot_kernel
def fraction(word):
    """Return the number in [0, 1) that the upper 53 bits of a word stand for."""
    return float(np.int64(word >> _S11)) * _SCALE


@hot_kernel
def uniform(rng):
    """Return the next uniform draw in [0, 1) of a DRAW record and advance its counter."""
    return fraction(word_of(rng))


@hot_kernel
def exponential(rng):
    """Return a draw from the exponential distribution of mean 1.

    Notes
    -----
    The ziggurat of Marsaglia and Tsang (2000, "The ziggurat method for generating random variables", J. Statistical
    Software 5(8)), 256 layers; the layer and the place in it come from different bits of one word.
    """
    word = word_of(rng)
    layer = word & _LAST
    x = fraction(word) * _WIDTHS[layer]
    return x if x < _WIDTHS[layer + _ONE] else outside_layer(rng, layer, x)


@kernel
def outside_layer(rng, layer, x):
    """Return an exponential draw whose first point fell outside the inner part of its layer (one in ninety)."""
    passed = 0.0
    while x >= _WIDTHS[layer + _ONE]:
        if layer == _ZERO:
            passed += _WIDTHS[1]
        elif _HEIGHTS[layer] + uniform(rng) * (_HEIGHTS[layer + _ONE] - _HEIGHTS[layer]) < math.exp(
            -x
        ):
            break
        word = word_of(rng)
        layer = word & _LAST
        x = fraction(word) * _WIDTHS[layer]
    return passed + x


@hot_kernel
def normal(rng):
    """Return a standard normal draw (Box and Muller, 1958; two uniforms each)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(rng)))
    return radius * math.cos(6.283185307179586 * uniform(rng))


@hot_kernel
def below(rng, count):
    """Return a uniform integer in [0, count)."""
    return np.int64(uniform(rng) * count)


@hot_kernel
def below_at(key, number, count):
    """Return what draw `number` (from 1) of the stream `key` gives as a uniform integer in [0, count)."""
    return np.int64(fraction(mix(key + _WEYL * np.uint64(number))) * count)


WAKE, ORDER_OF_ACTION, FIRST_ROUND = 1 << 40, 1 << 41, 1 << 42
