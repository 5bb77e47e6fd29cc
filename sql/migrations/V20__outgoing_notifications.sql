-- The notifier writes in two steps: outgoing notifications in the partition of the events, then inboxes in the
-- partition of the users. Notifications of before are placed already, so the new tables begin empty.

ALTER TABLE notifier_checkpoints ADD COLUMN last_outgoing bigint NOT NULL DEFAULT 0;

CREATE TABLE outgoing_notifications (
    partition      smallint NOT NULL,
    user_partition smallint NOT NULL,
    number         bigint   NOT NULL,  -- from notifier_checkpoints.last_outgoing: ascending in the order of commits
    kind           text     NOT NULL,
    user_ids       uuid[]   NOT NULL,  -- users who receive the same, in the order of their notifications
    ids            uuid[]   NOT NULL,  -- of the notification of each user
    content        bytea    NOT NULL,
    PRIMARY KEY (partition, user_partition, number)
) WITH (toast_tuple_target = 8160);  -- random ids do not compress, and a row is read once

-- Progress of placing the notifications to the users of a partition.
CREATE TABLE inbox_placements (
    partition smallint PRIMARY KEY,
    version   bigint   NOT NULL DEFAULT 0,    -- number of changes of this row
    placed    bigint[] NOT NULL DEFAULT '{}'  -- newest number that is placed, of each partition from 0
) WITH (fillfactor = 50);                     -- updated with every placement: room on the same page
