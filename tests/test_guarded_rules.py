"""Rules that misbehave, each really run: the run ends by a sentence, nobody else's money moves."""

import pathlib
import re
import signal
import sys
import textwrap

import numpy as np
import pytest

from perplab.agents.trader import check_trader
from perplab.sim.compiler.loop_budget import MOST_ITERATIONS, MOST_LINES
from perplab.sim.errors import RuleError
from perplab.sim.setup import Population, resolve_kind
from tests.markets import Idle, digest, small_market

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = """\
from perplab import Trader, Trait, Traits, rule, write_cancel, write_limit, write_market
from perplab.sim.streams import uniform
import numba
import rule_helpers

TRAITS = Traits(
    wake_seconds=Trait(60, "s", "mean time between decisions", low=0),
    size_usd=Trait(5_000, "quote currency", "order size", low=0),
    capital_usd=Trait(20_000, "quote currency", "initial capital", low=0),
    memory={{"calls": 0.0}},
)

@numba.njit
def poke(rows, place, name):
    rows[place][name] = 5
    return 0

@numba.njit
def forever(count):
    while count >= 0:
        count = (count + 1) % 7
    return count

@numba.njit
def deeper(count):
    if count < 0:
        return 0
    return deeper(count + 1) + 1

@rule(TRAITS)
def decide(me, accounts, positions, views, mine, rng, orders):
    me["calls"] += 1.0
    {body}

class Own(Trader):
    kind, traits, decide, slots = "own", TRAITS, decide, 2
    trusted = {trusted}
"""
HELPERS = """\
import numba

@numba.njit
def steal(accounts, place):
    accounts[place]["cash"] += 1_000_000
    return 0
"""
LOOPED = f"went through loops more than {MOST_ITERATIONS:,} times"
ENDLESS = f"ran more than {MOST_LINES:,} lines in a decision"
TWICE = "for i in range(10**5):\n    for k in range(10**5):\n        me['calls'] += 1.0\nreturn 0"
OUTSIDE = "out of bounds"
BODY_LINE = 33
MISBEHAVING = {
    'accounts[0]["collateral"] += 5\nreturn 0': "changed collateral of accounts",
    'accounts[1]["collateral"] -= 5\nreturn 0': OUTSIDE,
    'accounts[-7]["cash"] -= 5\nreturn 0': OUTSIDE,
    'accounts[10**12]["cash"] -= 5\nreturn 0': OUTSIDE,
    'return int(accounts[1]["cash"] * 0)': OUTSIDE,
    'return poke(positions, 0, "lots")': "changed lots of positions",
    'return poke(positions, 3, "lots")': OUTSIDE,
    "return rule_helpers.steal(accounts, 0)": "changed cash of accounts",
    "return rule_helpers.steal(accounts, 1)": OUTSIDE,
    'views[0]["mark"] = 1.0\nreturn 0': "changed mark of views",
    'views["funding_law"][0]["cap"] = 1.0\nreturn 0': "changed funding_law of views",
    'mine[1]["lots"] = 5\nreturn 0': "changed lots of mine",
    'mine[2]["lots"] = 5\nreturn 0': OUTSIDE,
    'me["size_usd"] = 1e9\nreturn 0': "changed its trait size_usd",
    'rng["key"] = 1\nreturn 0': "changed the key of its random draws",
    'orders[128]["lots"] = 1\nreturn 0': OUTSIDE,
    'for k in range(10**6):\n    orders[k]["lots"] = 1\nreturn 0': OUTSIDE,
    "return write_market(orders, -200, 0, 1, 1, 0)": "returned a count outside its buffer",
    "return 129": "returned a count outside its buffer",
    "return write_market(orders, 0, 1, 1, 1, 0)": "invalid order in row 0: market was 1",
    "return write_cancel(orders, 0, 0, 2)": "invalid order in row 0: slot was 2",
    "k = 0\nwhile k >= 0:\n    k = (k + 1) % 3\nreturn 0": LOOPED,
    TWICE: LOOPED,
    "return forever(3)": LOOPED,
    "return 1 // int(me['calls'] - 1.0)": "raised ZeroDivisionError",
}


@pytest.fixture
def own_kind(tmp_path, monkeypatch):
    """Return a function from the body of a rule to a kind in a file of its own."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rule_helpers", raising=False)
    (tmp_path / "rule_helpers.py").write_text(HELPERS)

    def kind(body, trusted=False):
        path = tmp_path / f"own_rule_{len(list(tmp_path.iterdir()))}.py"
        path.write_text(FILE.format(body=textwrap.indent(body, "    ").strip(), trusted=trusted))
        return resolve_kind(f"{path}:Own")

    return kind


def market_with(kind):
    """Return a small market in which the kind has neighbours on both sides of its rows."""
    return small_market(
        [
            Population(name="before", kind=Idle, number=2),
            Population(name="own", kind=kind, number=2),
            Population(name="after", kind=Idle, number=2),
        ]
    )


def money_of(market):
    """Return a copy of all accounts, positions and traits."""
    tables = [market.tables[name].copy() for name in ("account", "position", "order", "view")]
    return [table.tobytes() for table in tables]


def error_of(market):
    """Return the text of the RuleError with which a market's first step ends."""
    with pytest.raises(RuleError) as caught:
        market.run(200)
    return str(caught.value)


@pytest.mark.parametrize("body", MISBEHAVING)
def test_a_misbehaving_rule_ends_the_run_and_touches_nothing(own_kind, body):
    kind = own_kind(body)
    market = market_with(kind)
    before = money_of(market)
    text = error_of(market)
    assert re.match(r"the rule of Own \(trader [23], step \d+\) ", text), text
    assert MISBEHAVING[body] in text and "\n" not in text
    assert re.search(r"(own_rule_\d+|rule_helpers)\.py:\d+", text), text
    accounts, positions, orders, _ = money_of(market)
    assert [accounts, positions, orders] == before[:3]
    assert market.conservation_error_units == 0
    with pytest.raises(RuleError):
        market.step()


def test_the_sentence_names_the_line_that_writes(own_kind):
    text = error_of(market_with(own_kind('spare = 1\naccounts[0]["cash"] = spare\nreturn 0')))
    line = FILE[: FILE.index("{body}")].count("\n") + 2
    assert re.search(rf"own_rule_\d+\.py:{line}\)$", text)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return deeper(1)", "RecursionError|calls itself"),
        ("while True:\n    me['calls'] += 1.0", ENDLESS),
        ("f = lambda x: x + 1\nreturn f(-1)", "defines a function"),
    ],
)
def test_what_cannot_be_guarded_is_refused(own_kind, body, words):
    with pytest.raises(RuleError, match=words):
        market_with(own_kind(body)).run(5)


GOOD = """\
if uniform(rng) < 0.3:
    return write_cancel(orders, 0, 0, 1)
count, view = 0, views[0]
for slot in range(len(mine)):
    if mine[slot]["lots"] == 0:
        tick = int(view["mark"] / view["tick"]) - 5 + slot
        count = write_limit(orders, count, 0, slot, 1 - 2 * slot, tick, 3, 0, 0.0)
return write_market(orders, count, 0, 1 if uniform(rng) < 0.5 else -1, 2, 0)
"""


def test_a_good_rule_gives_the_same_bytes_guarded_trusted_and_plain(own_kind, plain, tmp_path):
    digests = set()
    for trusted in (False, True):
        market = market_with(kind := own_kind(GOOD, trusted))
        market.run(300)
        assert market.tables["run"]["trades"][0] > 10
        assert all(market.traits[1]["calls"] > 100)
        digests.add(digest(market))
    file = pathlib.Path(sys.modules[kind.__module__].__file__)
    program = (
        "from tests.test_guarded_rules import *; sys.path.append(sys.argv[1]);"
        f" m = market_with(resolve_kind('{file.with_name('own_rule_1.py')}:Own'));"
        " m.run(300); print(digest(m))"
    )
    assert digests == {plain.said(program, tmp_path).strip()}


def test_plain_rules_misbehave_in_the_same_words(own_kind, plain, tmp_path):
    words = {body: text.replace(LOOPED, ENDLESS) for body, text in MISBEHAVING.items()}
    files = [sys.modules[own_kind(body).__module__].__file__ for body in words]
    program = textwrap.dedent("""
        from tests.test_guarded_rules import *
        sys.path.append(sys.argv[1])
        for file in sys.argv[2:]:
            print(error_of(market_with(resolve_kind(f"{file}:Own"))))
    """)
    texts = plain.said(program, tmp_path, *files).splitlines()
    wrong = [text for text, part in zip(texts, words.values(), strict=True) if part not in text]
    assert wrong == []


def test_check_trader_sees_helpers_that_write_outside(own_kind):
    with pytest.raises(RuleError, match="out of bounds"):
        check_trader(own_kind("return rule_helpers.steal(accounts, 1)"), draws=5)


def test_memory_is_written_and_a_trusted_rule_has_no_guard(own_kind):
    market = market_with(own_kind('accounts[0]["borrow_limit"] += 1\nreturn 0', trusted=True))
    market.run(20)
    assert np.all(market.tables["account"]["borrow_limit"][2:4] > 0)


def test_signals_are_handled_during_a_decision_and_end_it_only_if_their_handler_raises(own_kind):
    body = "for k in range(9 * 10**6):\n    me['calls'] = (me['calls'] + 1.0) % 7.0\nreturn 0"
    market, handled = market_with(own_kind(body)), []
    before = signal.signal(signal.SIGALRM, lambda *_: handled.append(market.steps))
    try:
        market.run(1)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        market.run(2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(handled) > 3
