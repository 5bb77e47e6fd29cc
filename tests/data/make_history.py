#!/usr/bin/env python3
"""Makes history.csv, a small made-up bidding history, and history.expected.json, what its replay comes to.

The outcome is computed by a naive model of the rules, which shares no code with the portal:

* a bid is at least the opening bid,
* and strictly above the bidder's own latest accepted bid in that auction;
* it may be below the highest bid;
* the highest bid wins, among equal ones the first.

Run it without arguments; it always writes the same files. `winners` is what the replay's table shows, all
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
    """As people write it: whole amounts without a point."""
    return str(cents // 100) if cents % 100 == 0 else f"{cents // 100}.{cents % 100:02d}"


def crowd(days, opening_bid, bidders, bids):
    """Many bidders who outbid each other, come in below, repeat themselves, or bid too little."""
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
    RANDOM.shuffle(rows)  # the file is in no order
    return rows


def auctions():
    """Name, item, days, opening bid in cents, bids as (bid, day_offset, bidder) in the order of the file."""
    people = [f"bidder-{number:02d}" for number in range(1, 31)]
    yield "1001", "Brass telescope", 3, 9900, [("99", "0.715428", people[0])]
    # Equal highest bids: the earlier one wins, although it comes later in the file.
    yield "1002", "Mantel clock, walnut", 5, 1000, [
        ("20", "3.5", people[1]), ("25.50", "4.25", people[2]), ("25.50", "4.2", people[3]),
        ("10", "0.1", people[4]), ("25.49", "4.9", people[1]), ("12", "1", people[4]),
    ]
    # Equal times, written in different ways: the order of the file decides.
    yield "1003", 'Fountain pen "Aurora"', 7, 500, [
        ("7", "2.5", people[5]), ("8", "2.50", people[6]), ("8", "2.5", people[7]), ("9", "2.500", people[5]),
        ("8.5", "02.5", people[5]), ("9", "6.1", people[7]), ("5", "0", people[8]),
    ]
    # Sorted as texts or as binary fractions, these come in another order.
    yield "1004", "Enamel teapot", 10, 100, [
        ("3", "10.0", people[9]), ("2", "9.5", people[9]), ("4", "9.50000000000000000002", people[10]),
        ("5", "9.50000000000000000001", people[10]), ("1", "0.9", people[11]), ("6", "9.75", people[11]),
    ]
    # Below the opening bid, before and after a bid that is not.
    yield "1005", "Field camera", 3, 15000, [
        ("149.99", "0.2", people[12]), ("150", "0.4", people[12]), ("0.01", "0.6", people[13]),
        ("149.99", "0.8", people[12]), ("151.5", "2", people[13]),
    ]
    # Not above one's own latest: the same again, and less.
    yield "1006", "Atlas of the seas", 7, 2500, [
        ("25", "1.1", people[14]), ("25", "1.2", people[14]), ("40", "1.3", people[15]), ("30", "1.4", people[14]),
        ("29.99", "1.5", people[14]), ("40", "1.6", people[15]), ("40.01", "1.7", people[14]),
    ]
    for number, item, days, opening_bid, bidders, bids in [
        (1007, "Copper kettle", 7, 999, 6, 14), (1008, "Lithograph of a harbour", 5, 4500, 9, 20),
        (1009, "Wool carpet, 2 × 3 m", 10, 12000, 4, 17), (1010, "Box of marbles", 3, 1, 3, 16),
        (1011, "Barometer", 7, 7550, 12, 25), (1012, "Writing desk", 5, 30000, 8, 26),
    ]:
        yield str(number), item, days, opening_bid, crowd(days, opening_bid, RANDOM.sample(people, bidders), bids)


def cents(text):
    return int(Decimal(text) * 100)


def decide(opening_bid, bids):
    """The naive model: the winner as (bidder, cents), and counts."""
    accepted, counts = [], Counter()
    for bid, _, bidder in sorted(bids, key=lambda row: Decimal(row[1])):  # stable
        amount = cents(bid)
        own = [a for a, who in accepted if who == bidder]
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
    winner = next(((who, a) for a, who in accepted if a == best), None)
    return winner, counts


def main():
    total, winners, waiting, equal = Counter(), {}, [], 0
    for name, item, days, opening_bid, bids in auctions():
        (winner, amount), counts = decide(opening_bid, bids)
        total += counts
        total["bids"] += len(bids)
        winners[name] = {"bidder": winner, "pays": amount}
        recorded = amount + 250 if name == "1008" else amount  # as if the record were wrong
        equal += recorded == amount
        waiting.append([[name, item, days, price(opening_bid), price(recorded), *bid] for bid in bids])

    with open(HERE / "history.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        while waiting:  # the auctions' rows are mixed; each auction's own keep their order
            rows = RANDOM.choice(waiting)
            for _ in range(min(len(rows), RANDOM.randint(1, 6))):
                out.writerow(rows.pop(0))
            waiting = [rows for rows in waiting if rows]

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
