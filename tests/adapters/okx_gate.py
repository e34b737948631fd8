"""OKX and Gate: liquidation prices, the closing fee being part of the requirement."""

from perplab.sim.laws.liquidation import liquidation_price


def isolated(short, leverage, entry, mmr, taker):
    return {
        "liq": liquidation_price(entry, entry / leverage, -1 if short else 1, 1.0, mmr + taker, 0.0)
    }


ADAPTERS = {"liq_price_isolated": isolated}
