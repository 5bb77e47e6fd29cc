-- Notifications on their way out of the house. A row is written in the transaction of the notification itself,
-- so that nothing lies between "told" and "queued".

-- Where users want to be told by HTTP. Settings of theirs, and personal data: gone with their account.
CREATE TABLE webhooks (
    id             uuid    PRIMARY KEY,
    user_id        uuid    NOT NULL,
    url            text    NOT NULL,
    secret         integer NOT NULL DEFAULT 1,  -- which one: secrets are derived, and not stored
    previous_until bigint,                      -- until then the secret before signs as well
    created_at     bigint  NOT NULL,
    disabled_at    bigint                       -- it said 410
);
CREATE INDEX webhooks_of_user ON webhooks (user_id);

CREATE TABLE deliveries (
    seq         bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    way         text     NOT NULL CHECK (way IN ('webhook', 'email')),
    endpoint    uuid     NOT NULL,  -- a webhook; by e-mail, a user
    id          uuid     NOT NULL,  -- of the notification
    news        bytea    NOT NULL,  -- what it says, as JSON
    state       text     NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts    integer  NOT NULL DEFAULT 0,
    created_at  bigint   NOT NULL,  -- milliseconds since 1970, by this server's clock, as all times here
    next_at     bigint   NOT NULL,  -- when it is due; of one that is tried just now, when it is due after all
    finished_at bigint,
    status      smallint,           -- what was answered to the last attempt
    error       text,               -- what was wrong with it
    UNIQUE (endpoint, id)
);
CREATE INDEX deliveries_due ON deliveries (way, next_at) WHERE state = 'pending';
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint, seq);
CREATE INDEX deliveries_finished ON deliveries (finished_at) WHERE finished_at IS NOT NULL;
