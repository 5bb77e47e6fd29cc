-- The partition of the user is the first column of every key of preferences, inboxes, notifications, webhooks and
-- deliveries; parked events have the partition of their event.

ALTER TABLE subscriptions ADD COLUMN partition smallint;
UPDATE subscriptions SET partition = partition_of(user_id);
ALTER TABLE subscriptions
    ALTER COLUMN partition SET NOT NULL,
    DROP CONSTRAINT subscriptions_pkey,
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (partition, user_id);

ALTER TABLE inboxes ADD COLUMN partition smallint;
UPDATE inboxes SET partition = partition_of(user_id);
ALTER TABLE inboxes
    ALTER COLUMN partition SET NOT NULL,
    DROP CONSTRAINT inboxes_pkey,
    ADD CONSTRAINT inboxes_pkey PRIMARY KEY (partition, user_id);

ALTER TABLE notifications ADD COLUMN partition smallint;
UPDATE notifications SET partition = partition_of(user_id);
ALTER TABLE notifications
    ALTER COLUMN partition SET NOT NULL,
    DROP CONSTRAINT notifications_pkey,
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (partition, user_id, seq);

ALTER TABLE deliveries ADD COLUMN partition smallint;
-- The endpoint of an e-mail is the user.
UPDATE deliveries d SET partition = partition_of(coalesce(w.user_id, d.endpoint))
FROM deliveries one LEFT JOIN webhooks w ON w.id = one.endpoint
WHERE d.seq = one.seq;
ALTER TABLE deliveries
    ALTER COLUMN partition SET NOT NULL,
    DROP CONSTRAINT deliveries_pkey,
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (partition, seq),
    DROP CONSTRAINT deliveries_endpoint_id_key,
    ADD CONSTRAINT deliveries_endpoint_id_key UNIQUE (partition, endpoint, id);
DROP INDEX deliveries_of_endpoint;
CREATE INDEX deliveries_of_endpoint ON deliveries (partition, endpoint, seq);

ALTER TABLE webhooks ADD COLUMN partition smallint;
UPDATE webhooks SET partition = partition_of(user_id);
ALTER TABLE webhooks
    ALTER COLUMN partition SET NOT NULL,
    DROP CONSTRAINT webhooks_pkey,
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (partition, id);
DROP INDEX webhooks_of_user;
CREATE INDEX webhooks_of_user ON webhooks (partition, user_id);

ALTER TABLE parked_events
    DROP CONSTRAINT parked_events_pkey,
    ADD CONSTRAINT parked_events_pkey PRIMARY KEY (partition, component, key);
