"""The conserved totals of a state."""


def total_units(tables):
    """Return the conserved totals of a state.

    Parameters
    ----------
    tables : dict of str to numpy.ndarray

    Returns
    -------
    money : int, units
        Constant over a run.
    spot : list of int
        Lots by asset, each constant over a run.
    perpetual : list of int
        Net position lots by market, each 0.

    Notes
    -----
    Sums are Python integers, so the check itself cannot overflow.
    """

    def total(table, *fields):
        return sum(int(value) for field in fields for value in tables[table][field].ravel())

    money = (
        total("account", "collateral", "incoming", "cash")
        + total("position", "isolated_margin", "quote")
        + total("venue", "fees", "liquidators")
        + total("asset", "outside_cash")
    )
    spot = [
        sum(int(x) for x in tables["holding"]["lots"][:, a]) + int(asset["outside_lots"])
        for a, asset in enumerate(tables["asset"])
    ]
    perpetual = [
        sum(int(x) for x in tables["position"]["lots"][:, m]) for m in range(len(tables["market"]))
    ]
    return money, spot, perpetual
