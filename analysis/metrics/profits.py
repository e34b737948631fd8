"""Profit and loss by kind of trader."""


def profit_rows(summary, meta):
    """Return ``(who, profit, funding)`` of everybody, in USD: kinds of trader, the venue's fund and fees, the outside; each column sums to 0.

    Notes
    -----
    The outside is the spot market and the lender (and, with several venues, the other venues): what everybody else gained it lost, as in the
    ledger, whose total never changes. Funding that the traders have not among themselves went to the fund.
    """
    rows = [
        (kind.replace("_", " "), profit, summary["funding_by_kind"][kind])
        for kind, profit in summary["pnl_by_kind"].items()
    ]
    fund, fees = (
        (meta["fund_equity"] - meta["fund_initial"]) * meta["unit"],
        meta.get("venue_fees", 0) * meta["unit"],
    )
    rows += [
        ("insurance fund", fund, -sum(funding for *_, funding in rows)),
        ("venue, fees", fees, 0.0),
    ]
    return [*rows, ("outside: spot market, lender", -sum(profit for _, profit, _ in rows), 0.0)]
