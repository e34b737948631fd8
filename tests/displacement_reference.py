"""The law of displacement a second time, in ordinary Python: spot, its depth, and who earned what.

It imports nothing of the simulator. It is given the exogenous path and, for each step, the traders'
flow with what they paid, which the exact ledger has as lots and money.
"""

import math

from scipy.integrate import quad

DAY = 86_400.0


def book(displaced, curvature):
    """Return the flow over depth between the undisplaced price and a displacement."""
    return displaced + displaced * abs(displaced) / (2 * curvature)


def displacement_at(flow, curvature):
    """Return the inverse of `book`: the root of a quadratic equation."""
    root = math.sqrt(curvature**2 + 2 * curvature * abs(flow)) - curvature
    return root if flow > 0 else -root


def mean_price(depth, curvature, slope, start, flow):
    """Return the mean of exp(displacement + permanent impact) along a flow, by quadrature."""

    def price(x):
        return math.exp(displacement_at(book(start, curvature) + x / depth, curvature) + slope * x)

    turn = -book(start, curvature) * depth
    inside = [turn] if min(0, flow) < turn < max(0, flow) else None
    return quad(price, 0, flow, points=inside, epsabs=0, epsrel=1e-13, limit=400)[0] / flow


class Account:
    """Cash, and lots at the reference price, of one who trades in spot."""

    def __init__(self):
        self.cash = self.held = 0.0

    def buy(self, flow, price, seller):
        """Buy a flow from a seller at a price over the reference price."""
        self.trade(flow, flow * price, seller)

    def trade(self, flow, paid, other):
        """Take a flow from another for an amount paid."""
        self.held, self.cash = self.held + flow, self.cash - paid
        other.held, other.cash = other.held - flow, other.cash + paid

    def worth(self, price):
        """Return cash and holdings at a price over the reference price."""
        return self.cash + self.held * price


class Spot:
    """Spot with its makers, late buyers, latent traders, and the traders who face them."""

    def __init__(self, keys, price, slope):
        self.keys, self.reference, self.slope = keys, price, slope
        self.permanent = self.displaced = self.thinness = 0.0
        self.mean, self.volatility, self.attention = math.log(price), 0.0, 0.0
        self.traders, self.makers, self.late, self.latent = (Account() for _ in range(4))
        self.spot = price

    @property
    def depth(self):
        return self.keys["depth"] * math.exp(-self.thinness)

    def inverse(self, flow):
        return displacement_at(flow, self.keys["curvature"])

    def book(self, displaced):
        return book(displaced, self.keys["curvature"])

    def step(self, exogenous, flow, paid, programme, dt):
        """Move spot by a step: traders' flow and what they paid for it, then a programme's."""
        self.traders.trade(flow, paid, self.makers)
        before = self.inverse(self.book(self.displaced) + flow / self.depth)
        if programme:
            part = programme * self.reference / self.spot
            mean = mean_price(self.depth, self.keys["curvature"], self.slope, before, part)
            mean *= math.exp(self.slope * flow - self.displaced) * self.spot / self.reference
            self.traders.buy(part, mean, self.makers)
            flow += part
        self.permanent += self.slope * flow
        self.displaced = self.inverse(self.book(self.displaced) + flow / self.depth)
        price = math.exp(exogenous + self.permanent + self.displaced) / self.reference
        self._relieve(price, dt)
        self.spot = math.exp(exogenous + self.permanent + self.displaced)
        self._look(dt)

    def _relieve(self, price, dt):
        """Let latent traders and late buyers take over from the makers, and late ones sell."""
        keys, start = self.keys, self.displaced
        rest = start * math.exp(-dt / keys["seconds"])
        self.latent.buy(self.depth * (self.book(rest) - self.book(start)), price, self.makers)
        bought = self._late_purchase(rest, price, dt)
        self.late.buy(bought, price, self.makers)
        self.displaced = self.inverse(self.book(rest) + bought / self.depth)
        part = 1 - math.exp(-dt / DAY)
        self.latent.buy(part * self.late.held, price, self.late)
        excess = self.makers.held + self.depth * self.book(self.displaced)
        self.latent.buy(part * excess, price, self.makers)

    def _late_purchase(self, rest, price, dt):
        keys = self.keys
        if not keys["late_seconds"]:
            return 0.0
        seen = 1 - math.exp(-dt / keys["late_seconds"])
        self.attention += seen * (abs(rest) - self.attention)
        haste = (self.attention / keys["late_displacement"]) ** 2
        sooner = rest * math.exp(-haste * dt / keys["seconds"])
        wanted = self.depth * (self.book(sooner) - self.book(rest))
        money = keys["late_capital"] + min(self.late.worth(price), 0)
        low, high = -money - self.late.held, money - self.late.held
        return min(max(wanted, min(low, 0)), max(high, 0))

    def _look(self, dt):
        """Thin the book by what is seen of spot and by the makers' losses."""
        keys, price = self.keys, self.spot / self.reference
        seen = 1 - math.exp(-dt / keys["sight_seconds"])
        away = math.log(self.spot) - self.mean
        self.mean += seen * away
        speed = abs(away) / keys["sight_seconds"] ** 0.5
        self.volatility += seen * (speed - self.volatility)
        ratio = max(speed, self.volatility) / keys["calm_volatility"]
        left = 1 + self.makers.worth(price) / keys["makers_capital"]
        wanted = keys["thin_power"] * math.log(max(ratio, 1))
        wanted -= math.log(min(max(left, keys["least_depth"]), 1))
        wanted = min(wanted, -math.log(keys["least_depth"]))
        self.thinness = max(wanted, self.thinness - 2 * dt / keys["seconds"])
