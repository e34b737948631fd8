"""Named streams and draws by counter: known numbers, independence, distributions, purposes."""

import math
import re

import numpy as np
import pytest

from perplab.scenarios.files import schema
from perplab.sim.compiler.cache import HOUSE
from perplab.sim.state.trader_rows import DRAW
from perplab.sim.streams import MOST_ROUNDS, PURPOSES, STEPS, generator, occasion, stream_key
from tests.probes import draw_many, key_chain

SPLITMIX_OF_1234567 = (
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
)
WEYL = 0x9E3779B97F4A7C15


def rng_of(key):
    """Return a fresh DRAW record array."""
    rng = np.zeros(1, DRAW)
    rng["key"] = key
    return rng


def draws(key, count, which=0):
    """Return so many draws of a stream."""
    rng, out = rng_of(key), np.zeros(count)
    with np.errstate(over="ignore"):
        draw_many(rng[0], out, which)
    return out


def reference_mix(word):
    """The finaliser of SplitMix64 in plain integers."""
    mask = 2**64 - 1
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & mask
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & mask
    return word ^ (word >> 31)


def test_uniform_draws_are_splitmix64():
    expected = [(word >> 11) / 2**53 for word in SPLITMIX_OF_1234567]
    assert draws(1234567, 5).tolist() == expected


def test_keys_are_a_hash_of_key_and_number():
    numbers = np.array([0, 1, 2, 1 << 40, (1 << 42) + 77, 123_456_789])
    out, key = np.zeros((len(numbers), 2), np.uint64), 987654321987654321
    with np.errstate(over="ignore"):
        key_chain(np.uint64(key), numbers, out)
    assert out[:, 0].tolist() == [
        reference_mix((key + WEYL * (int(n) + 1)) % 2**64) for n in numbers
    ]
    assert out[:, 1].tolist() == [reference_mix(int(n)) for n in numbers]


def test_a_draw_depends_on_key_and_count_alone():
    first = draws(42, 10)
    rng, out = rng_of(42), np.zeros(1)
    rng["draws"] = 7
    with np.errstate(over="ignore"):
        draw_many(rng[0], out, 0)
    assert out[0] == first[7] and int(rng["draws"][0]) == 8


def test_uniform_moments_and_range():
    sample = draws(stream_key(1, "test"), 200_000)
    assert sample.min() >= 0.0 and sample.max() < 1.0
    assert sample.mean() == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / len(sample)))
    counts = np.bincount((sample * 64).astype(int), minlength=64)
    assert ((counts - len(sample) / 64) ** 2).sum() / (len(sample) / 64) < 63 + 5 * math.sqrt(126)
    assert abs(np.corrcoef(sample[:-1], sample[1:])[0, 1]) < 4 / math.sqrt(len(sample))


def test_exponential_and_normal_moments():
    waits, gaussian = draws(stream_key(2, "a"), 200_000, 1), draws(stream_key(2, "b"), 200_000, 2)
    assert (
        waits.min() >= 0.0
        and waits.mean() == pytest.approx(1.0, abs=0.01)
        and waits.var() == pytest.approx(1.0, abs=0.03)
    )
    assert gaussian.mean() == pytest.approx(0.0, abs=0.01) and gaussian.std() == pytest.approx(
        1.0, abs=0.01
    )
    assert (gaussian**4).mean() == pytest.approx(3.0, abs=0.1) and np.isfinite(gaussian).all()


@pytest.mark.parametrize("count", [3, 7, 100])
def test_integers_below_are_even(count):
    sample = draws(stream_key(3, "c"), 100_000, count)
    counts = np.bincount(sample.astype(int), minlength=count)
    assert len(counts) == count and (sample == np.floor(sample)).all()
    assert ((counts - 100_000 / count) ** 2).sum() / (100_000 / count) < count - 1 + 5 * math.sqrt(
        2 * count
    )


def test_streams_of_neighbouring_traders_and_steps_are_unrelated():
    keys, numbers = np.zeros((2_000, 2), np.uint64), np.arange(2_000)
    with np.errstate(over="ignore"):
        key_chain(stream_key(1, "noise"), numbers, keys)
    firsts = np.array([draws(key, 2) for key in keys[:, 0]])
    for series in (firsts[:, 0], firsts[:, 1]):
        assert abs(np.corrcoef(series[:-1], series[1:])[0, 1]) < 4 / math.sqrt(2_000)
        assert series.mean() == pytest.approx(0.5, abs=0.03)
    assert abs(np.corrcoef(firsts[:, 0], firsts[:, 1])[0, 1]) < 4 / math.sqrt(2_000)
    assert len(set(keys[:, 0].tolist())) == 2_000


def test_streams_have_their_names():
    assert stream_key(1, "noise") == stream_key(1, "noise") != stream_key(1, "momentum")
    assert stream_key(1, "noise") != stream_key(2, "noise")
    assert generator(1, "spot", 0).random() == generator(1, "spot", 0).random()
    assert (
        len(
            {generator(1, "spot", block).random() for block in range(5)}
            | {generator(1, "spot").random()}
        )
        == 6
    )


@pytest.mark.parametrize("key", ["trader", "run"])
@pytest.mark.parametrize("rounds", [1, 40, 5_000])
def test_no_two_purposes_of_a_key_share_a_sub_stream(key, rounds):
    used = sorted(
        (part.start, part.stop)
        for purpose in PURPOSES
        if purpose.key == key
        for part in purpose.ranges(STEPS, rounds, 1_000)
    )
    assert all(end <= start for (_, end), (start, _) in zip(used, used[1:]))


def test_the_last_sub_stream_of_the_longest_run_fits_into_64_bits():
    last = max(purpose.first for purpose in PURPOSES) + occasion(STEPS - 1, MOST_ROUNDS)
    assert last + 1 < 1 << 63


def test_steps_of_the_longest_scenario_fit_into_a_range():
    days, dt = (annotation.__metadata__[0].metadata for annotation in (schema.Days, schema.Seconds))
    most_days = next(part.le for part in days if hasattr(part, "le"))
    least_dt = next(part.ge for part in dt if hasattr(part, "ge"))
    assert most_days * 86_400 / least_dt < STEPS


def test_purposes_are_the_only_numbers_of_sub_streams():
    """All calls of `key_at` name a purpose, but for `shuffle` (argument) and rows of traders."""
    calls = [
        (path.name, call)
        for path in (HOUSE / "sim").rglob("*.py")
        for call in re.findall(r"\bkey_at\((.+)\)", path.read_text())
        if path.name != "streams.py"
    ]
    names = "DECISION|WAITING_TIME|ADL_QUEUE|ORDER_OF_|SAMPLE_TIMES|INDEX_SOURCES|LAST_SECOND"
    others = [call for call in calls if not re.search(names, call[1])]
    assert {name for name, _ in others} <= {"initial_traders.py", "turns.py"} and len(others) == 2
