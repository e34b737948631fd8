"""Random numbers: named numpy streams outside the compiled step, a counter-based hash inside it.

The k-th draw of trader i in step t is a hash of (seed, population, i, t, k). Nothing is stored
between steps, so two treatments of one seed see the same numbers (common random numbers), however
differently their traders act. The hash is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014,
"Fast splittable pseudorandom number generators", OOPSLA) of a Weyl sequence; it passes BigCrush.

A *key* has numbered sub-streams (`key_at`). Which numbers serve which purpose is stated once, in
`PURPOSES`: the ranges of one key do not meet.
"""

import math
import operator
import secrets
import zlib
from typing import NamedTuple

import numpy as np

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.errors import Fault, ParameterError

_WEYL = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_SCALE = 1.0 / 9007199254740992.0
_ZERO, _ONE, _LAST = np.uint64(0), np.uint64(1), np.uint64(255)

STEPS = 1 << 40
"""Length of a range of sub-streams: more steps than a run can have."""
MOST_ROUNDS = 1 << 20
"""Most liquidation rounds in a step."""
ROUND = 4 * STEPS
"""Distance from the ranges of a liquidation round to those of the next; round 0 is the step."""

DECISION, WAITING_TIME, ADL_QUEUE = 0, STEPS, 3 * STEPS
"""First sub-streams of a trader's key."""
ORDER_OF_WAKES, SAMPLE_TIMES, ORDER_OF_TURNS, INDEX_SOURCES = 0, STEPS, 2 * STEPS, 16 * STEPS
LAST_SECOND = INDEX_SOURCES + STEPS
"""First sub-streams of the run's key."""


class Purpose(NamedTuple):
    """What a key is drawn for, and the numbers of the sub-streams that serve it.

    Attributes
    ----------
    key : {"trader", "run"}
    first : int
        Number of the first sub-stream.
    per : {"step", "step and round", "market"}
        What the number is counted by, from `first` on.
    meaning : str
    """

    key: str
    first: int
    per: str
    meaning: str

    def ranges(self, steps, rounds, markets):
        """Return the ranges of numbers in use, for a run of that many steps, rounds and markets."""
        if self.per == "market":
            return [range(self.first, self.first + markets)]
        in_rounds = range(rounds + 1) if self.per == "step and round" else [0]
        starts = [self.first + ROUND * round_index for round_index in in_rounds]
        return [range(start, start + steps) for start in starts]


PURPOSES = (
    Purpose("trader", DECISION, "step and round", "what a rule draws at a wake or a turn"),
    Purpose("trader", WAITING_TIME, "step", "time to the next wake"),
    Purpose("trader", ADL_QUEUE, "step", "rank in an ADL queue of random order"),
    Purpose("run", ORDER_OF_WAKES, "step", "order of the traders who wake"),
    Purpose("run", SAMPLE_TIMES, "step", "when the premium is sampled within a step"),
    Purpose("run", ORDER_OF_TURNS, "step and round", "order of the fast class"),
    Purpose("run", INDEX_SOURCES, "market", "key of an index's sources, drawn from by step"),
    Purpose("run", LAST_SECOND, "market", "key of an asset's last second, drawn from by step"),
)


def layers():
    """Return right edges and heights of the ziggurat's 256 layers.

    The first edge is that of a box with the area of the base layer and its tail.
    """
    edge, area = 7.69711747013104972, 0.0039496598225815571993
    widths = [area * math.exp(edge), edge]
    while len(widths) < 256:
        widths.append(-math.log(area / widths[-1] + math.exp(-widths[-1])))
    widths.append(0.0)
    return np.array(widths), np.array([math.exp(-width) for width in widths])


_WIDTHS, _HEIGHTS = layers()


LARGEST_SEED = 2**63 - 1
"""Seeds are stored as int64."""
DRAWN_BITS = 53
"""Bits of a drawn seed: any program reads such a number from JSON exactly."""


def stated_seed(seed, key="seed", largest=LARGEST_SEED):
    """Return a seed as an int.

    Parameters
    ----------
    seed : int
    key : str
        The key of the fault.
    largest : int

    Raises
    ------
    ParameterError
        If it is not a whole number from 0 to `largest`; True and 1.0 are none.

    Examples
    --------
    >>> stated_seed(np.int64(7))
    7
    """
    try:
        number = -1 if isinstance(seed, (bool, np.bool_)) else operator.index(seed)
    except TypeError:
        number = -1
    if 0 <= number <= largest:
        return number
    shown = seed if number.bit_length() <= 128 else f"a number of {number.bit_length()} bits"
    raise ParameterError(Fault(key, shown, f"a whole number from 0 to {largest}"))


def seed_or_drawn(seed, key="seed"):
    """Return a seed as an int (see `stated_seed`), or a new random one for None."""
    return secrets.randbits(DRAWN_BITS) if seed is None else stated_seed(seed, key)


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
        np.random.SeedSequence(stated_seed(seed), spawn_key=(zlib.crc32(name.encode()), *block))
    )


def stream_key(seed, name):
    """Return the 64-bit key of the counter-based stream `name` of a run, as numpy.uint64."""
    sequence = np.random.SeedSequence(stated_seed(seed), spawn_key=(zlib.crc32(name.encode()),))
    return sequence.generate_state(1, np.uint64)[0]


@hot_kernel
def mix(word):
    """Return the SplitMix64 finaliser of a 64-bit word."""
    word = (word ^ (word >> _S30)) * _FIRST
    word = (word ^ (word >> _S27)) * _SECOND
    return word ^ (word >> _S31)


@hot_kernel
def key_at(key, number):
    """Return the key of sub-stream `number` (at least 0) of `key`; see `PURPOSES`."""
    return mix(key + _WEYL * np.uint64(number + 1))


@hot_kernel
def occasion(step, round_index):
    """Return the offset of a liquidation round of a step; round 0 is the step itself."""
    return step + ROUND * round_index


@hot_kernel
def word_of(rng):
    """Return the next 64 random bits of a DRAW record and advance its counter."""
    rng["draws"] += 1
    return mix(rng["key"] + _WEYL * np.uint64(rng["draws"]))


@hot_kernel
def fraction(word):
    """Return the upper 53 bits of a word as a number in [0, 1)."""
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
    The ziggurat of Marsaglia and Tsang (2000, "The ziggurat method for generating random
    variables", J. Statistical Software 5(8)), 256 layers; the layer and the position in it come
    from different bits of one word.
    """
    word = word_of(rng)
    layer = word & _LAST
    x = fraction(word) * _WIDTHS[layer]
    return x if x < _WIDTHS[layer + _ONE] else outside_layer(rng, layer, x)


@kernel
def outside_layer(rng, layer, x):
    """Return an exponential draw whose first point missed the inner part of its layer (1 in 90)."""
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
    """Return draw `number` (from 1) of the stream `key` as a uniform integer in [0, count)."""
    return np.int64(fraction(mix(key + _WEYL * np.uint64(number))) * count)
