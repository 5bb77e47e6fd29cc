-- What users want to be told, what they were told, and up to where.

CREATE TABLE notifier_checkpoints (
    partition smallint PRIMARY KEY,
    position  bigint NOT NULL  -- events up to here were told; moved in the transaction that stores what they say
);
-- A portal that was there before does not tell its whole history. (In a new one there are no partitions yet.)
INSERT INTO notifier_checkpoints (partition, position) SELECT id, head FROM partitions;

-- Kept by the notifier of the user's partition. Who is not here wants everything.
CREATE TABLE subscriptions (
    user_id     uuid PRIMARY KEY,
    auction_won boolean NOT NULL,
    highest_bid boolean NOT NULL,
    bid_doubled boolean NOT NULL
);

CREATE TABLE inboxes (
    user_id    uuid   PRIMARY KEY,
    last       bigint NOT NULL,           -- place of the newest notification
    read_up_to bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);                 -- updated with every notification: room on the same page

CREATE TABLE notifications (
    user_id uuid   NOT NULL,
    seq     bigint NOT NULL,              -- 1, 2, 3 … without a hole in each inbox; the oldest are removed
    id      uuid   NOT NULL,
    news    bytea  NOT NULL,              -- JSON
    PRIMARY KEY (user_id, seq)
);
