"""(a) the bare yardstick: the zero-intelligence market as a compiled loop with only a book.

No ledger, margin, mark, funding, records or views: the cost of messages and matching alone. The
book is a ladder of ticks with a bitmap of occupied levels. Each level is a circular linked list of
orders, oldest first, closed by the level's own node.

There are two forms, which differ only in their draws. *Apart*, the yardstick, makes the draws of
(b)'s rule with the same functions of `perplab.sim.streams`, and one for the trader. *Packed* takes
every quantity of a message from one 64-bit word, the fastest way known to us.
"""

import functools

import numpy as np

from benchmarks.clock import measure_steps, warm_up
from benchmarks.zero_intelligence import (
    ACTING_SHARE,
    MOST_LOTS,
    REACH_TICKS,
    REFERENCE_TICK,
    SLOTS,
    WINDOW_TICKS,
)
from perplab.sim.compiler.hints import highest_bit, lowest_bit
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.state.trader_rows import DRAW
from perplab.sim.streams import below, uniform

NODE = np.dtype([("lots", "i4"), ("place", "i4"), ("previous", "i4"), ("next", "i4")])
STATE = np.dtype(
    [
        ("key", "u8"),
        ("draws", "i8"),
        ("best_bid", "i8"),
        ("best_ask", "i8"),
        ("trades", "i8"),
        ("traded_lots", "i8"),
        ("refused", "i8"),
        ("self_trades", "i8"),
    ]
)
TOP = WINDOW_TICKS - 1
REFERENCE = WINDOW_TICKS // 2
_WEYL, _FIRST, _SECOND = (
    np.uint64(word) for word in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
_S27, _S30, _S31, _ONE = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(1)
_S16, _S35, _S36, _S38, _S40, _LOW16 = (np.uint64(word) for word in (16, 35, 36, 38, 40, 0xFFFF))


@hot_kernel
def draw(state):
    """Return the next 64-bit word of the state's counter-based stream (SplitMix64)."""
    state["draws"] += 1
    word = state["key"] + _WEYL * np.uint64(state["draws"])
    word = (word ^ (word >> _S30)) * _FIRST
    word = (word ^ (word >> _S27)) * _SECOND
    return word ^ (word >> _S31)


@hot_kernel
def level_below(words, place):
    """Return the highest occupied level at or below an index; index 0 counts as occupied."""
    block = place >> 6
    word = words[block] & ((~np.uint64(0)) >> np.uint64(63 - (place & 63)))
    while word == 0:
        block -= 1
        word = words[block]
    return (block << 6) + highest_bit(word)


@hot_kernel
def level_above(words, place):
    """Return the lowest occupied level at or above an index; the last one counts as occupied."""
    block = place >> 6
    word = words[block] & ((~np.uint64(0)) << np.uint64(place & 63))
    while word == 0:
        block += 1
        word = words[block]
    return (block << 6) + lowest_bit(word)


@hot_kernel
def leave(nodes, words, state, first_level, order):
    """Unlink an order from its level, and clear the level in the bitmap if it is now empty."""
    previous, following = nodes[order]["previous"], nodes[order]["next"]
    nodes[previous]["next"] = following
    nodes[following]["previous"] = previous
    nodes[order]["lots"] = 0
    if previous == following:
        place = np.int64(previous) - first_level
        words[place >> 6] &= ~(_ONE << np.uint64(place & 63))
        if place == state["best_bid"]:
            state["best_bid"] = level_below(words, place)
        elif place == state["best_ask"]:
            state["best_ask"] = level_above(words, place)


@hot_kernel
def stand(nodes, words, state, first_level, order, buys, place, lots):
    """Append an order to its level."""
    level = first_level + place
    last = nodes[level]["previous"]
    nodes[order]["lots"] = lots
    nodes[order]["place"] = place
    nodes[order]["previous"] = last
    nodes[order]["next"] = level
    nodes[last]["next"] = order
    nodes[level]["previous"] = order
    words[place >> 6] |= _ONE << np.uint64(place & 63)
    if buys:
        state["best_bid"] = max(state["best_bid"], place)
    else:
        state["best_ask"] = min(state["best_ask"], place)


@hot_kernel
def send_limit(nodes, words, state, first_level, order, buys, distance, lots):
    """Replace the order in a slot with one at a distance from the opposite best price."""
    if buys:
        place = (state["best_ask"] if state["best_ask"] < TOP else REFERENCE) - distance
    else:
        place = (state["best_bid"] if state["best_bid"] > 0 else REFERENCE) + distance
    if nodes[order]["lots"] > 0:
        leave(nodes, words, state, first_level, order)
    if place <= 0 or place >= TOP:
        state["refused"] += 1
    else:
        stand(nodes, words, state, first_level, order, buys, place, lots)


@hot_kernel
def send_market(nodes, words, state, first_level, trader, buys, lots):
    """Match an order against the opposite side until it is filled or that side is empty."""
    while lots > 0:
        place = state["best_ask"] if buys else state["best_bid"]
        if place == 0 or place == TOP:
            return
        order = np.int64(nodes[first_level + place]["next"])
        resting = np.int64(nodes[order]["lots"])
        if order // SLOTS == trader:
            state["self_trades"] += 1
            leave(nodes, words, state, first_level, order)
            continue
        filled = min(lots, resting)
        state["trades"] += 1
        state["traded_lots"] += filled
        lots -= filled
        if filled == resting:
            leave(nodes, words, state, first_level, order)
        else:
            nodes[order]["lots"] = resting - filled


@hot_kernel
def live_slot(nodes, trader, place):
    """Return the trader's first live slot at or after a drawn one (cyclically), or -1."""
    for step in range(SLOTS):
        order = trader * SLOTS + ((place + step) & (SLOTS - 1))
        if nodes[order]["lots"] > 0:
            return order
    return -1


@hot_kernel
def act_packed(nodes, words, state, first_level, traders):
    """Decode a trader and its message from one word, and execute the message."""
    word = draw(state)
    trader = np.int64(((word >> _S40) * np.uint64(traders)) >> np.uint64(24))
    quarter, buys = np.int64((word >> _S36) & np.uint64(3)), (word >> _S35) & _ONE == _ONE
    lots = 1 + np.int64((((word >> _S16) & _LOW16) * np.uint64(MOST_LOTS)) >> _S16)
    if quarter == 3:
        send_market(nodes, words, state, first_level, trader, buys, lots)
        return
    place = np.int64((word >> _S38) & np.uint64(3))
    live = live_slot(nodes, trader, place) if quarter == 2 else np.int64(-1)
    if live >= 0:
        leave(nodes, words, state, first_level, live)
    else:
        distance = 1 + np.int64(((word & _LOW16) * np.uint64(REACH_TICKS)) >> _S16)
        send_limit(nodes, words, state, first_level, trader * SLOTS + place, buys, distance, lots)


@hot_kernel
def act_apart(nodes, words, state, rng, first_level, traders):
    """Draw a trader and its message, one draw per quantity as a rule does, and execute it."""
    trader = below(rng, traders)
    quarter, buys = below(rng, 4), uniform(rng) < 0.5
    if quarter == 3:
        send_market(nodes, words, state, first_level, trader, buys, 1 + below(rng, MOST_LOTS))
        return
    place = below(rng, SLOTS)
    live = live_slot(nodes, trader, place) if quarter == 2 else np.int64(-1)
    if live >= 0:
        leave(nodes, words, state, first_level, live)
    else:
        distance = 1 + below(rng, REACH_TICKS)
        send_limit(
            nodes,
            words,
            state,
            first_level,
            trader * SLOTS + place,
            buys,
            distance,
            1 + below(rng, MOST_LOTS),
        )


@kernel
def run_packed(nodes, words, states, traders, messages):
    """Execute messages with one draw per message."""
    for _ in range(messages):
        act_packed(nodes, words, states[0], traders * SLOTS, traders)


@kernel
def run_apart(nodes, words, states, draws, traders, messages):
    """Execute messages with one draw per quantity."""
    for _ in range(messages):
        act_apart(nodes, words, states[0], draws[0], traders * SLOTS, traders)


class BareMarket:
    """Arrays of a bare market; `step` runs one step in one compiled call."""

    def __init__(self, traders, seed=1, apart=False):
        self.traders, self.acting, self.apart = traders, int(traders * ACTING_SHARE), apart
        self.nodes = np.zeros(traders * SLOTS + WINDOW_TICKS, NODE)
        levels = np.arange(traders * SLOTS, len(self.nodes))
        self.nodes["previous"][levels] = self.nodes["next"][levels] = levels
        self.words = np.zeros(WINDOW_TICKS // 64, "u8")
        self.sent = 0
        self.words[0], self.words[-1] = 1, 1 << 63
        self.states = np.zeros(1, STATE)
        self.states["key"], self.states["best_ask"] = seed, TOP
        self.draws = np.zeros(1, DRAW)
        self.draws["key"] = seed

    def step(self):
        """Run one step."""
        self.run(1)

    def run(self, steps):
        """Run many steps in one compiled call."""
        messages = self.acting * steps
        self.sent += messages
        if self.apart:
            run_apart(self.nodes, self.words, self.states, self.draws, self.traders, messages)
        else:
            run_packed(self.nodes, self.words, self.states, self.traders, messages)

    def messages(self):
        """Return the number of messages so far."""
        return self.sent

    def best(self):
        """Return best bid and ask in ticks; 0 where a side is empty."""
        bid, ask = int(self.states["best_bid"][0]), int(self.states["best_ask"][0])
        shift = REFERENCE_TICK - REFERENCE
        return bid and bid + shift, 0 if ask == TOP else ask + shift


@functools.cache
def settled(traders, apart):
    """Return this process's bare market with that many traders and a settled book."""
    market = BareMarket(traders, apart=apart)
    warm_up(market.step, market.messages, traders)
    return market


def measure(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of the yardstick, one compiled call per step."""
    market = settled(traders, True)
    return measure_steps(market.step, market.messages, seconds)


def measure_packed(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of the packed form, one compiled call per step."""
    market = settled(traders, False)
    return measure_steps(market.step, market.messages, seconds)


def measure_in_blocks(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of the yardstick, a hundred steps per call."""
    market = settled(traders, True)
    return measure_steps(lambda: market.run(100), market.messages, seconds)
