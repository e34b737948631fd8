"""The contestants run the market they say they run, and the ratios are taken within rounds."""

import random

import pytest

from benchmarks import contest, mesa_market
from benchmarks.bare import BareMarket
from benchmarks.clock import measure_steps
from benchmarks.mesa_market import MesaMarket, PlainBook
from benchmarks.perplab_market import counter, zero_intelligence_market
from benchmarks.zero_intelligence import SLOTS
from benchmarks.zero_intelligence_trader import ZeroIntelligence
from tests.reference_book import ReferenceBook
from tests.small_sweeps import pool_here


class Holder:
    """A trader's slots."""

    def __init__(self, number):
        self.number, self.slots = number, [None] * SLOTS


def send_both(book, reference, holder, draws):
    """Send one random message to Mesa's book and to the reference book."""
    side, slot, lots = draws.choice((1, -1)), draws.randrange(SLOTS), draws.randint(1, 10)
    order, resting = holder.number * SLOTS + slot, holder.slots[slot]
    if draws.random() < 0.3:
        book.match(holder, side, lots)
        reference.market(holder.number, side, lots, 10**6 if side > 0 else 0)
        return
    if resting is not None:
        book.leave(resting)
    reference.cancel(order)
    if draws.random() < 0.7:
        tick = (reference.best(-side) or 1000) - side * draws.randint(1, 20)
        holder.slots[slot] = [lots, side, tick, holder, slot]
        book.stand(holder.slots[slot])
        reference.limit(order, holder.number, side, tick, lots)


def test_mesas_book_is_the_reference_book():
    draws, book, reference = random.Random(5), PlainBook(), ReferenceBook()
    holders = [Holder(number) for number in range(20)]
    for _ in range(5_000):
        send_both(book, reference, draws.choice(holders), draws)
        for side in (1, -1):
            levels = [
                (tick, [order[0] for order in level.values()])
                for tick, level in book.levels[side].items()
            ]
            assert sorted(levels) == sorted(reference.depth(side))
            assert book.best(side) == (reference.best(side) or 0)


def test_the_same_market_has_the_same_book_everywhere():
    bare, plain, perplab = BareMarket(200), MesaMarket(200), zero_intelligence_market(200)
    live = {"bare": [], "mesa": [], "perplab": []}
    for _ in range(1_000):
        for market in (bare, plain, perplab):
            market.step()
        live["bare"].append((bare.nodes["lots"][: 200 * SLOTS] > 0).sum())
        live["mesa"].append(
            sum(len(level) for side in (1, -1) for level in plain.book.levels[side].values())
        )
        live["perplab"].append((perplab.tables["order"]["lots"] > 0).sum())
    means = [sum(counts[200:]) / 800 / 200 for counts in live.values()]
    assert min(means) > 0.9 and max(means) < 1.3 and max(means) - min(means) < 0.1
    assert counter(perplab)() == pytest.approx(20_000, rel=0.03)
    assert perplab.conservation_error_units == 0


def test_the_rule_keeps_the_contract():
    from perplab.agents.trader import check_trader

    check_trader(ZeroIntelligence)


def test_measuring_counts_all_messages_of_the_steps():
    market = mesa_market.MesaMarket(50)
    messages, cpu_seconds = measure_steps(market.step, market.messages, 0.02)
    assert messages == market.messages() > 0 and cpu_seconds >= 0.02


def test_ratios_are_taken_within_a_round():
    ratios = contest.ratios_of({"a": [10.0, 1.0, 4.0], "b": [5.0, 0.5, 1.0]})
    assert ratios == {"b/a": contest.Range(0.5, 0.25, 0.5)}


def test_who_cannot_take_part_says_why():
    absent = contest.Contestant("x", "nobody", "benchmarks.nobody", "measure")
    without = contest.Contestant("y", "half", "benchmarks.mesa_market", "measure_nothing")
    assert contest.why_missing(absent) == "no benchmarks.nobody"
    assert contest.why_missing(without) == "no benchmarks.mesa_market.measure_nothing"


def test_a_sweep_is_measured_from_its_warm_runs_on(tmp_path, monkeypatch):
    from benchmarks import sweeping

    monkeypatch.setattr(sweeping, "local_pool", pool_here)
    gap, done = sweeping.timed_sweep(tmp_path / "a", sweeping.WARM_RUNS + 4, 0.01, 1)
    assert (
        gap > 0
        and len(done) == sweeping.WARM_RUNS + 4
        and all(one["peak_bytes"] > 1e6 and one["simulated_seconds"] > 0 for one in done)
    )
