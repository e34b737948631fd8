"""Small markets for tests: whole ones, and worlds whose kernels are called one at a time."""

import hashlib
import math

import numpy as np

from perplab.agents.attacks.manipulation import Manipulator
from perplab.agents.carry.arbitrage import Arbitrage
from perplab.agents.directional import DirectionalLong, DirectionalShort
from perplab.agents.liquidity import LiquidityProvider
from perplab.agents.momentum import Momentum
from perplab.agents.noise import Noise
from perplab.agents.orders import lots_of, units_of
from perplab.agents.trader import (
    Trader,
    Trait,
    Traits,
    rule,
    write_cancel,
    write_hedge,
    write_limit,
    write_market,
    write_spot,
    write_transfer,
)
from perplab.sim.clearing.wallet import accrue_borrow, receive_incoming
from perplab.sim.model import PerpetualMarket
from perplab.sim.risk.fund_unwinding import unwind_fund
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.setup import AssetSetup, MarketSetup, Population, Setup
from perplab.sim.spot.processes import GeometricBrownian, Sentiment
from perplab.sim.spot.shocks import PathShock
from perplab.sim.state.build import build_tables
from perplab.sim.state.codes import CANCEL, HEDGE, LIMIT, MARKET_ORDER, SPOT, TRANSFER
from perplab.sim.state.recorder import BUFFERS
from perplab.sim.state.trader_rows import ORDER_ROW
from perplab.sim.streams import below, uniform
from perplab.sim.traders.connection import connect
from tests.probes import drive, finish, one_round, settle_at

SPOT_PRICE, TICK, LOT_UNITS = 20_000.0, 20_000, 10_000
USD = 1_000_000
SLOTS = 6
STEP_GOES_BY = -1

ACCOUNT_TRAITS = dict(
    wake_seconds=Trait(0, "s", "mean time between decisions", low=0),
    capital_usd=Trait(1_000_000, "quote currency", "money at the start", low=0),
    margin_share=Trait(1, "1", "share of it at the venue", low=0, high=1),
    borrow_share=Trait(0, "1", "spot it may owe, over capital", low=0),
    leverage=Trait(50, "1", "leverage set at the venue", low=1),
    isolated=Trait(
        0, "0 or 1", "whether each position has a isolated_margin of its own", low=0, high=1
    ),
)
IDLE = Traits(**ACCOUNT_TRAITS)
RECKLESS = Traits(
    **ACCOUNT_TRAITS,
    size_usd=Trait(2_000, "quote currency", "largest order", low=0),
    reach_ticks=Trait(60, "ticks", "furthest limit order from the mark", low=1),
)


@rule(IDLE)
def wait(me, accounts, positions, views, mine, rng, orders):
    """Do nothing."""
    return 0


class Idle(Trader):
    """A trader that only does what a test does in its name."""

    kind, traits, decide, slots = "idle", IDLE, wait, SLOTS


@rule(RECKLESS)
def flail(me, accounts, positions, views, mine, rng, orders):
    """Write one to three messages of any kind, right or wrong."""
    count, market = np.int64(0), below(rng, len(views))
    view, slots = views[market], len(mine)
    for _ in range(1 + below(rng, 3)):
        choice, side, flags = below(rng, 12), 1 - 2 * below(rng, 2), below(rng, 8)
        lots = 1 + below(rng, max(lots_of(view, me["size_usd"]), 1))
        tick = (
            int(view["mark"] / view["tick"])
            + below(rng, 2 * int(me["reach_ticks"]) + 1)
            - int(me["reach_ticks"])
        )
        if choice < 6:
            count = write_limit(
                orders,
                count,
                market,
                below(rng, slots),
                side,
                tick,
                lots,
                flags,
                90.0 * below(rng, 3),
            )
        elif choice < 9:
            count = write_market(orders, count, market, side, lots, flags & 2)
        elif choice < 10:
            count = write_cancel(orders, count, market, below(rng, slots))
        elif choice < 11:
            count = write_spot(orders, count, market, side, lots)
            if flags == 7:
                count = write_hedge(orders, count, market, 0.5 * (lots % 3), lots)
        else:
            units = int(units_of(view, me["capital_usd"]) * 0.3 * (uniform(rng) - 0.5))
            count = write_transfer(orders, count, market, units if units != 0 else 1)
    return count


class Reckless(Trader):
    """A trader that tries every message at random, as far as its money goes."""

    kind, traits, decide, slots = "reckless", RECKLESS, flail, SLOTS


def round_rules(name="binance", **changes):
    """Return a rulebook with round numbers: tick 1, lot .01, one tier of 1 %, no fees.

    Dots of keys written as `__`.
    """
    plain = {
        "contract.tick": 1.0,
        "contract.lot": 0.01,
        "fees.taker": 0.0,
        "fees.maker": 0.0,
        "liquidation.fee": 0.0,
        "margin.tiers": [[0, 0.01, 50]],
        "margin.maximum_leverage": 50,
        "fund.initial": 1_000.0,
        "fund.leverage": math.inf,
    }
    return load_rulebook(name).changed(
        plain | {key.replace("__", "."): value for key, value in changes.items()}
    )


def setup_of(populations, rulebooks=None, dt=60.0, volatility=0.0, **options):
    """Return a setup on one asset at 20,000.

    `rulebooks`: one a market, or ``(venue, rulebook)`` pairs.
    """
    rulebooks = [round_rules()] if rulebooks is None else rulebooks
    named = [pair if isinstance(pair, tuple) else (pair.name, pair) for pair in rulebooks]
    asset_options = {
        key: options.pop(key) for key in list(options) if key in AssetSetup.__dataclass_fields__
    }
    process = GeometricBrownian(initial_price=SPOT_PRICE, volatility=volatility)
    return Setup(
        dt=dt,
        assets=[AssetSetup(name="btc", process=process, **asset_options)],
        populations=populations,
        markets=[
            MarketSetup(venue=venue, asset="btc", rulebook=rulebook) for venue, rulebook in named
        ],
        **options,
    )


def small_market(populations, seed=1, **options):
    """Return a PerpetualMarket of `setup_of`."""
    return PerpetualMarket(setup_of(populations, **options), seed)


class World:
    """A market without its clock.

    `Idle` traders whose messages, rounds and settlements a test carries out itself.

    Tables are read and written by name: ``world["position"]["lots"][0, 0]``. With the default rules
    a lot at 20,000 is worth 200 of quote currency and one tick moves it by .01, or 10,000 units.
    """

    def __init__(self, *rulebooks, traders=6, prints=0, dt=60.0, seed=1, traits=None, **options):
        populations = [Population(name="idle", kind=Idle, number=traders, traits=traits or {})]
        self.setup = setup_of(
            populations, list(rulebooks) or None, dt=dt, print_trades=prints > 0, **options
        )
        self.tables, self.traits = build_tables(self.setup, seed)
        if prints:
            self.tables["print"] = np.zeros(prints, self.tables["print"].dtype)
        self.kernel_world, self._keep = connect(self.tables, self.traits, [Idle])
        self["asset"]["spot"] = self["view"]["spot"] = SPOT_PRICE
        for m in range(len(self["market"])):
            self.mark(SPOT_PRICE, m)

    def __getitem__(self, name):
        return self.tables[name]

    def call(self, function, *arguments):
        """Call a kernel with this world."""
        with PerpetualMarket._plain_arithmetic():
            return function(self.kernel_world, *arguments)

    def drive(self, senders, messages):
        """Submit messages; return their outcomes and the best prices after each."""
        outcomes, bests = np.zeros(len(senders), "i8"), np.zeros((len(senders), 2), "i8")
        self.call(drive, np.asarray(senders, "i8"), messages, outcomes, bests)
        return outcomes, bests

    def submit(self, i, kind, **fields):
        """Submit one message and return its outcome."""
        message = np.zeros(1, ORDER_ROW)
        for name, value in fields.items():
            message[name] = value
        message["kind"] = kind
        return int(self.drive([i], message)[0][0])

    def limit(self, i, side, tick, lots, slot=0, flags=0, market=0, expiry_seconds=0.0):
        return self.submit(
            i,
            LIMIT,
            side=side,
            tick=tick,
            lots=lots,
            slot=slot,
            flags=flags,
            market=market,
            expiry_seconds=expiry_seconds,
        )

    def market_order(self, i, side, lots, flags=0, market=0):
        return self.submit(i, MARKET_ORDER, side=side, lots=lots, flags=flags, market=market)

    def cancel(self, i, slot):
        return self.submit(i, CANCEL, slot=slot)

    def spot(self, i, side, lots):
        return self.submit(i, SPOT, side=side, lots=lots)

    def trade_spot(self, i, side, lots):
        """Send a spot order, end the trading of the step, and return what came of it."""
        before = self["run"]["outcomes"][0].copy()
        sent = self.spot(i, side, lots)
        self.call(finish)
        refused = np.flatnonzero(self["run"]["outcomes"][0] > before)
        return int(refused[-1]) if len(refused) else sent

    def hedge(self, i, share, band_lots=0, market=0):
        return self.submit(i, HEDGE, tick=round(share * 1e6), lots=band_lots, market=market)

    def transfer(self, i, units, market=0):
        return self.submit(i, TRANSFER, lots=units, market=market)

    def let_steps_go_by(self, steps=1):
        self.drive([STEP_GOES_BY] * steps, np.zeros(steps, ORDER_ROW))

    def trade(self, buyer, seller, lots, tick=TICK, market=0):
        """Let two traders trade; the seller's order rests in its last slot."""
        self.limit(seller, -1, tick, lots, slot=SLOTS - 1, market=market)
        self.limit(buyer, 1, tick, lots, slot=SLOTS - 1, market=market)

    def own(self, i, usd, v=0):
        """Set a trader's collateral."""
        self["account"]["collateral"][i, v] = round(usd * USD)

    def mark(self, price, m=0, index=None):
        """Set mark, and index, and the band around the mark."""
        view, market = self["view"][m], self["market"][m]
        market["previous_mark"] = view["mark"]
        view["mark"], view["index"] = price, price if index is None else index
        market["counterfactual_mark"] = price
        ticks = price / market["tick"]
        market["band_low"], market["band_high"] = (
            math.ceil(ticks * (1 - market["band"])),
            math.floor(ticks * (1 + market["band"])),
        )

    def round(self, number=0, v=0):
        """Carry out a liquidation round; return the number of positions worked on."""
        return int(self.call(one_round, v, number))

    def settle(self, m=0, seconds=28_800.0):
        self.call(settle_at, m, seconds)

    def unwind(self, elapsed, v=0):
        self.call(unwind_fund, v, elapsed)

    def receive(self, i, v=0):
        self.call(receive_incoming, i, v)

    def accrue(self, i, a=0):
        self.call(accrue_borrow, i, a)

    def collateral_usd(self, i, v=0):
        return int(self["account"]["collateral"][i, v]) / USD

    def lots(self, i, m=0):
        return int(self["position"]["lots"][i, m])

    def equity_usd(self, i, m=0):
        """Equity of a row with one position: collateral, isolated_margin and profit at the mark."""
        position, view = self["position"][i, m], self["view"][m]
        v = int(self["market"]["venue"][m])
        units = (
            int(self["account"]["collateral"][i, v])
            + int(position["isolated_margin"])
            + int(position["quote"])
        )
        return (units + int(position["lots"]) * view["mark"] * view["units_per_price"]) / USD

    @property
    def fund(self):
        """Row of the first venue's insurance fund."""
        return int(self["venue"]["fund_row"][0])

    @property
    def events(self):
        """Forced events so far."""
        return self["event"][: int(self["run"]["event_count"][0])]


def queue(tables, m, tick):
    """Return the numbers of the orders of a level in time priority."""
    level = tables["level"][m, tick - tables["market"]["window_low"][m]]
    found, number = [], int(level["head"])
    filled = tables["depth"][m, tick - tables["market"]["window_low"][m]] > 0
    while filled and number >= 0:
        found.append(number)
        number = int(tables["order"]["next"][number])
    return found


def occupied(bitmap_row):
    """Return the places of the set bits of a row of words."""
    return np.flatnonzero(np.unpackbits(bitmap_row.view(np.uint8), bitorder="little"))


def assert_book_is_sound(tables):
    """Check levels, queues, bitmaps, best prices and reserved lots of every market against the
    orders.
    """
    resting = tables["order"][tables["order"]["lots"] > 0]
    assert not np.any(tables["order"]["lots"] < 0)
    for m, (market, view) in enumerate(zip(tables["market"], tables["view"], strict=True)):
        here = resting[resting["market"] == m]
        ladder = np.bincount(
            here["tick"] - market["window_low"], here["lots"], len(tables["level"][m])
        ).astype("i8")
        assert np.array_equal(ladder, tables["depth"][m])
        assert np.array_equal(occupied(tables["word"][m]), np.flatnonzero(ladder))
        assert set(occupied(tables["summary_word"][m])) == set(np.flatnonzero(ladder) >> 6)
        assert_best_prices(here, view)
        assert_queues(tables, m, here)
        for side, name in ((1, "buy_lots"), (-1, "sell_lots")):
            owned = here[here["side"] == side]
            reserved = np.bincount(owned["owner"], owned["lots"], len(tables["position"])).astype(
                "i8"
            )
            assert np.array_equal(reserved, tables["position"][name][:, m])


def assert_best_prices(here, view):
    """Check the best prices of one market against its resting orders."""
    bids, asks = here["tick"][here["side"] > 0], here["tick"][here["side"] < 0]
    assert view["best_bid"] == (bids.max() if len(bids) else 0)
    assert view["best_ask"] == (asks.min() if len(asks) else 0)
    assert not len(bids) or not len(asks) or view["best_bid"] < view["best_ask"]


def assert_queues(tables, m, here):
    """Check that the queues of one market hold each resting order once, with its links."""
    orders, seen = tables["order"], []
    for tick in np.unique(here["tick"]):
        numbers = queue(tables, m, tick)
        assert [int(orders["previous"][number]) for number in numbers] == [-1, *numbers[:-1]]
        assert tables["level"]["tail"][m, tick - tables["market"]["window_low"][m]] == numbers[-1]
        assert all(orders["tick"][number] == tick for number in numbers)
        seen += numbers
    assert len(seen) == len(set(seen)) == len(here)


def assert_positions_are_sound(tables):
    """Check that longs equal shorts, open interest is what is held, and the list of held positions
    is exact.
    """
    lots, run = tables["position"]["lots"], tables["run"][0]
    assert not lots.sum(axis=0).any()
    assert np.array_equal(np.maximum(lots, 0).sum(axis=0), tables["view"]["open_interest"])
    held = tables["open_position"][: run["open_count"]]
    assert np.array_equal(np.sort(held), np.flatnonzero(lots.ravel()))
    assert np.array_equal(tables["position"]["open_index"].ravel()[held], np.arange(len(held)))
    assert (np.delete(tables["position"]["open_index"].ravel(), held) == -1).all()
    flat = tables["position"][lots == 0]
    assert not flat["quote"].any()


def digest(market):
    """Return a hash of the whole state but for the addresses in it and what buffers hold beyond
    their counts.
    """
    total, run = hashlib.sha256(), market.tables["run"][0]
    for name in sorted(set(market.tables) - {"kind"}):
        table = market.tables[name]
        total.update(
            name.encode() + (table[: run[BUFFERS[name][0]]] if name in BUFFERS else table).tobytes()
        )
    for rows in market.traits:
        total.update(rows.tobytes())
    return total.hexdigest()


def storm(
    seed=1,
    rulebooks=None,
    traders=12,
    isolated=0.0,
    leverage=50.0,
    capital_usd=400.0,
    fall=-0.06,
    dt=60.0,
    fund=200.0,
    **options,
):
    """Return a market of reckless, leveraged traders and two providers, through a fall of spot in
    its first minutes.
    """
    rulebooks = rulebooks or [load_rulebook("binance")]
    changes = {"contract.tick": 1.0, "contract.lot": 0.001, "fund.initial": fund}
    named = [pair if isinstance(pair, tuple) else (pair.name, pair) for pair in rulebooks]
    reckless = {
        "wake_seconds": dt,
        "capital_usd": capital_usd,
        "isolated": isolated,
        "leverage": leverage,
        "borrow_share": 0.5,
        "margin_share": 0.8,
        "size_usd": 8 * capital_usd,
    }
    providers = {
        "capital_usd": 20_000.0,
        "level_usd": 500.0,
        "inventory_limit_usd": 100_000.0,
        "spacing_bps": 5.0,
    }
    populations = [Population(name="reckless", kind=Reckless, number=traders, traits=reckless)]
    populations += [
        Population(
            name=f"providers {m}",
            kind=LiquidityProvider,
            number=2,
            traits=providers | {"market": m},
        )
        for m in range(len(named))
    ]
    shock = PathShock(at_hours=10 * dt / 3600, minutes=dt / 6, move=fall)
    return small_market(
        populations,
        seed,
        rulebooks=[(venue, rulebook.changed(changes)) for venue, rulebook in named],
        dt=dt,
        volatility=1.0,
        shocks=[shock],
        borrow_rate_per_year=0.2,
        half_spread_bps=0.5,
        fee_bps=1.0,
        **options,
    )


def zoo(seed=1, dt=60.0, fall=-0.08, populations=(), **options):
    """Return a small market with every kind of `agents`, and a fall of spot after an hour."""
    few = {
        Noise: dict(number=8, wake_seconds=120.0, size_usd=3_000.0),
        Momentum: dict(number=3, wake_seconds=120.0, entry_threshold=0.1),
        DirectionalLong: dict(
            number=10,
            wake_seconds=300.0,
            leverage=45.0,
            size_usd=20_000.0,
            entry_probability=0.7,
            tolerance_bps=1e6,
        ),
        DirectionalShort: dict(number=4, wake_seconds=300.0, leverage=20.0, entry_probability=0.7),
        Arbitrage: dict(number=3, wake_seconds=120.0),
        LiquidityProvider: dict(number=2, levels=4.0, level_usd=5_000.0, capital_usd=200_000.0),
        Manipulator: dict(
            number=1,
            attack_start_hours=1.0,
            attack_hours=0.5,
            build_seconds=1_800.0,
            perp_push_usd=-30_000.0,
            spot_push_usd=-50_000.0,
            borrow_share=1.0,
            unwind_seconds=1_200.0,
        ),
    }
    own = [
        Population(name=kind.kind, kind=kind, number=traits.pop("number"), traits=traits)
        for kind, traits in few.items()
    ]
    rules = load_rulebook("binance").changed(
        {"contract.tick": 1.0, "funding.interval_hours": 0.5, "fund.initial": 50_000.0}
    )
    shock = PathShock(at_hours=1.0, minutes=10.0, move=fall)
    return small_market(
        [*own, *populations],
        seed,
        rulebooks=[rules],
        dt=dt,
        volatility=0.6,
        shocks=[shock],
        sentiment=Sentiment(),
        borrow_rate_per_year=0.05,
        half_spread_bps=0.3,
        premium_samples=2,
        print_trades=True,
        **options,
    )
