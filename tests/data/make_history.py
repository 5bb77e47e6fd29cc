#!/usr/bin/env python3
"""Generates history.csv, a small made-up bidding history, and history.expected.json, the result of its replay.

The outcome is computed by a naive model of the rules, which shares no code with the portal:

* a bid is at least the opening bid,
* and strictly above the bidder's own latest accepted bid in that auction;
* it may be below the highest bid;
* the highest bid wins, among equal ones the first.

Run it without arguments; it always writes the same files. `winners` has the winners of the replay's table; all
other members are those of `portal replay --json`.
"""

import csv
import json
import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
COLUMNS = ["auction", "item", "days", "opening_bid", "closing_price", "bid", "day_offset", "bidder"]
RANDOM = random.Random(20261122)


def price(cents):
    """Formats an amount: whole amounts without decimals."""
    return str(cents // 100) if cents % 100 == 0 else f"{cents // 100}.{cents % 100:02d}"


def competing_bids(days, opening_bid, bidders, bids):
    """Generates bids by several bidders: above, equal to and below the highest bid, and below the opening bid."""
    rows, highest = [], opening_bid
    offsets = [f"{RANDOM.random() * days:.{RANDOM.choice([1, 5, 5, 5])}f}" for _ in range(bids)]
    for offset in sorted(offsets, key=Decimal):
        kind = RANDOM.random()
        if kind < 0.45:
            amount = highest + RANDOM.randint(1, 900)
        elif kind < 0.60:
            amount = highest
        elif kind < 0.95:
            amount = RANDOM.randint(opening_bid, max(opening_bid, highest))
        else:
            amount = max(1, opening_bid - RANDOM.randint(1, 50))
        highest = max(highest, amount)
        rows.append((price(amount), offset, RANDOM.choice(bidders)))
    RANDOM.shuffle(rows)  # the file is not sorted by time
    return rows


def auctions():
    """Name, item, days, opening bid in cents, bids as (bid, day_offset, bidder) in the order of the file."""
    names = [f"bidder-{number:02d}" for number in range(1, 31)]
    yield "1001", "Brass telescope", 3, 9900, [("99", "0.715428", names[0])]
    # Equal highest bids: the earlier one wins, although it is later in the file.
    yield "1002", "Mantel clock, walnut", 5, 1000, [
        ("20", "3.5", names[1]), ("25.50", "4.25", names[2]), ("25.50", "4.2", names[3]),
        ("10", "0.1", names[4]), ("25.49", "4.9", names[1]), ("12", "1", names[4]),
    ]
    # Equal times in different notations: the order in the file decides.
    yield "1003", 'Fountain pen "Aurora"', 7, 500, [
        ("7", "2.5", names[5]), ("8", "2.50", names[6]), ("8", "2.5", names[7]), ("9", "2.500", names[5]),
        ("8.5", "02.5", names[5]), ("9", "6.1", names[7]), ("5", "0", names[8]),
    ]
    # Sorting these times as text or as binary fractions would give a different order.
    yield "1004", "Enamel teapot", 10, 100, [
        ("3", "10.0", names[9]), ("2", "9.5", names[9]), ("4", "9.50000000000000000002", names[10]),
        ("5", "9.50000000000000000001", names[10]), ("1", "0.9", names[11]), ("6", "9.75", names[11]),
    ]
    # Bids below the opening bid, before and after a valid bid.
    yield "1005", "Field camera", 3, 15000, [
        ("149.99", "0.2", names[12]), ("150", "0.4", names[12]), ("0.01", "0.6", names[13]),
        ("149.99", "0.8", names[12]), ("151.5", "2", names[13]),
    ]
    # Bids not above the bidder's own latest bid: equal and lower.
    yield "1006", "Atlas of the seas", 7, 2500, [
        ("25", "1.1", names[14]), ("25", "1.2", names[14]), ("40", "1.3", names[15]), ("30", "1.4", names[14]),
        ("29.99", "1.5", names[14]), ("40", "1.6", names[15]), ("40.01", "1.7", names[14]),
    ]
    for number, item, days, opening_bid, bidders, bids in [
        (1007, "Copper kettle", 7, 999, 6, 14), (1008, "Lithograph of a harbour", 5, 4500, 9, 20),
        (1009, "Wool carpet, 2 × 3 m", 10, 12000, 4, 17), (1010, "Box of marbles", 3, 1, 3, 16),
        (1011, "Barometer", 7, 7550, 12, 25), (1012, "Writing desk", 5, 30000, 8, 26),
    ]:
        yield str(number), item, days, opening_bid, competing_bids(days, opening_bid, RANDOM.sample(names, bidders), bids)


def cents(text):
    return int(Decimal(text) * 100)


def decide(opening_bid, bids):
    """Applies the naive model. Returns the winner as (bidder, cents), and counts."""
    accepted, counts = [], Counter()
    for bid, _, bidder in sorted(bids, key=lambda row: Decimal(row[1])):  # stable
        amount = cents(bid)
        own = [a for a, other in accepted if other == bidder]
        if amount < opening_bid:
            counts["below_opening_bid"] += 1
        elif own and amount <= own[-1]:
            counts["not_above_your_latest"] += 1
        else:
            before = max((a for a, _ in accepted), default=0)
            counts["accepted"] += 1
            counts["below_highest"] += amount < before
            counts["not_leading"] += amount <= before
            accepted.append((amount, bidder))
    best = max((a for a, _ in accepted), default=None)
    winner = next(((other, a) for a, other in accepted if a == best), None)
    return winner, counts


def main():
    total, winners, remaining, equal = Counter(), {}, [], 0
    for name, item, days, opening_bid, bids in auctions():
        (winner, amount), counts = decide(opening_bid, bids)
        total += counts
        total["bids"] += len(bids)
        winners[name] = {"bidder": winner, "pays": amount}
        recorded = amount + 250 if name == "1008" else amount  # one recorded price differs from the model
        equal += recorded == amount
        remaining.append([[name, item, days, price(opening_bid), price(recorded), *bid] for bid in bids])

    with open(HERE / "history.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        while remaining:  # mixes the rows of all auctions; the rows of one auction keep their order
            rows = RANDOM.choice(remaining)
            for _ in range(min(len(rows), RANDOM.randint(1, 6))):
                out.writerow(rows.pop(0))
            remaining = [rows for rows in remaining if rows]

    expected = {
        "auctions": len(winners),
        "bids": total["bids"],
        "accepted": total["accepted"],
        "refused": {reason: total[reason] for reason in ("below_opening_bid", "not_above_your_latest")},
        "accepted_below_highest": total["below_highest"],
        "accepted_not_leading": total["not_leading"],
        "winners_equal_to_closing_price": equal,
        "unfinished": 0,
        "malformed_rows": 0,
        "winners": winners,
    }
    (HERE / "history.expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
