-- Users and auctions that a service does not handle any more, from one of their events on, because it
-- cannot handle that one. The events themselves are in the table of events.

CREATE TABLE parked_events (
    service   text     NOT NULL,
    key       uuid     NOT NULL,
    partition smallint NOT NULL,
    position  bigint   NOT NULL,   -- of the event that cannot be handled
    version   bigint   NOT NULL,
    kind      text     NOT NULL,
    reason    text     NOT NULL CHECK (reason IN ('unreadable', 'panicked', 'refused')),
    error     text     NOT NULL,
    parked_at bigint   NOT NULL,   -- milliseconds since 1970
    asked     text     CHECK (asked IN ('retry', 'drop')),
    PRIMARY KEY (service, key)
);
