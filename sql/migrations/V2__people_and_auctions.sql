-- What decisions and processes look up by something else than an aggregate's id. Written in the
-- transaction of the events it follows from.

CREATE TABLE users (
    id         uuid   PRIMARY KEY,
    created_at bigint NOT NULL,
    deleted_at bigint
);

-- Every append compares the newest of these with what its decisions knew.
CREATE TABLE deletions (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id uuid   NOT NULL UNIQUE
);

CREATE TABLE auctions (
    id        uuid     PRIMARY KEY,
    partition smallint NOT NULL,
    seller    uuid,
    status    text     NOT NULL CHECK (status IN ('open', 'closed', 'cancelled')),
    ends_at   bigint   NOT NULL   -- milliseconds since 1970, extensions included
);
CREATE INDEX auctions_open ON auctions (partition, ends_at) WHERE status = 'open';

CREATE TABLE bids (
    id      uuid    PRIMARY KEY,
    auction uuid    NOT NULL,
    bidder  uuid    NOT NULL,
    amount  bigint  NOT NULL,     -- face amount in minor units
    doubled boolean NOT NULL,
    state   text    NOT NULL CHECK (state IN ('live', 'deleted', 'voided', 'retracted'))
);

-- Random bytes that all processes of a portal share.
CREATE TABLE secrets (
    name  text  PRIMARY KEY,
    value bytea NOT NULL
);
