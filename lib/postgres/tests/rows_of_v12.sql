-- Rows under the names of migration 12. The test of migrations replaces the names in braces.
INSERT INTO partitions (id, head)
SELECT n, CASE n WHEN 0 THEN 1 ELSE 0 END FROM generate_series(0, {partitions} - 1) AS n;
INSERT INTO notifier_checkpoints (partition, position) VALUES (0, 1);
INSERT INTO events (partition, position, aggregate, version, kind, schema, at, command_id, body)
VALUES (0, 1, '{auction}', 1, 'auction_created', 1, {at}, '{auction}', '\x{event}');
INSERT INTO auctions (id, partition, status, ends_at, owes_seed)
VALUES ('{auction}', 0, 'open', {end}, true), (gen_random_uuid(), 0, 'open', {end}, false);
INSERT INTO commands (command_id, kind, key, fingerprint, partition, position, at, outcome)
VALUES ('{command}', 'place_bid', '{auction}', 7, 0, 1, {at}, '\x{outcome}');
INSERT INTO parked_events (service, key, partition, position, version, kind, reason, error, parked_at, asked) VALUES
    ('panicked', '{auction}', 0, 1, 1, 'auction_created', 'panicked', 'an error', {at}, 'retry'),
    ('refused', '{auction}', 0, 1, 1, 'auction_created', 'refused', 'an error', {at}, 'drop'),
    ('unreadable', '{auction}', 0, 1, 1, 'auction_created', 'unreadable', 'an error', {at}, NULL);
INSERT INTO deletions (user_id, attempt, again_at) VALUES ('{user}', 2, 77);
INSERT INTO accounts (user_id, email, name, password_hash, role, state, command_id, created_at, claims)
VALUES ('{user}', 'ada@example.org', 'Ada', '', 'bidder', 'active', '{user}', 1, 3);
INSERT INTO service_keys (key_hash, name, role, per_second, created_at)
VALUES ('\x{api_key}', 'warehouse', 'operator', 5, 1);
INSERT INTO subscriptions (user_id, auction_won, highest_bid, bid_doubled)
VALUES ('{user}', false, true, false), (gen_random_uuid(), true, true, true);
INSERT INTO inboxes (user_id, last) VALUES ('{user}', 1);
INSERT INTO notifications (user_id, seq, id, news) VALUES ('{user}', 1, '{notification}', '{{"a":1}}');
INSERT INTO webhooks (id, user_id, url, created_at) VALUES ('{webhook}', '{user}', 'https://a.example/', 1);
INSERT INTO deliveries (way, endpoint, id, news, created_at, next_at) VALUES
    ('webhook', '{webhook}', '{notification}', '{{"a":1}}', 1, 5),
    ('email', '{user}', '{notification}', '{{"a":1}}', 1, 5);
