-- What each table and column is for. docs/reference/schema.md is generated from it, and a test fails when a table
-- or column has no comment. Migrations do not run this file. To see the comments in psql (\d+), run it once:
-- psql "$DATABASE_URL" -f sql/comments.sql. "Refers to" names the table that has a row with that id.
-- All times are milliseconds since 1970.

COMMENT ON TABLE partitions IS 'One row per partition. The source of truth begins here: an append moves the head.';
COMMENT ON COLUMN partitions.id IS 'Number of the partition, from 0.';
COMMENT ON COLUMN partitions.head IS 'Position of the newest event. An append succeeds only if it expects this value.';

COMMENT ON TABLE events IS 'All events, in order. Triggers refuse to change or delete a row.';
COMMENT ON COLUMN events.partition IS 'Partition of the aggregate. Refers to `partitions`.';
COMMENT ON COLUMN events.position IS 'Position in the partition, from 1, gap-free.';
COMMENT ON COLUMN events.aggregate IS 'Id of the user, auction, promoter settings or bar.';
COMMENT ON COLUMN events.version IS 'Version of the aggregate after the event, from 1, gap-free.';
COMMENT ON COLUMN events.kind IS 'Kind of the event, such as `bid_placed`.';
COMMENT ON COLUMN events.schema IS 'Schema version of the body.';
COMMENT ON COLUMN events.at IS 'Time of the command that caused the event.';
COMMENT ON COLUMN events.command_id IS 'Command that caused the event.';
COMMENT ON COLUMN events.actor IS 'User who sent the command. Null: an operator or the portal.';
COMMENT ON COLUMN events.body IS 'MessagePack map with field names.';

COMMENT ON TABLE command_outcomes IS 'Outcome of each decided command. Makes commands idempotent by id.';
COMMENT ON COLUMN command_outcomes.command_id IS 'Id of the command. A second outcome violates the primary key.';
COMMENT ON COLUMN command_outcomes.kind IS 'Kind of the command, such as `place_bid`.';
COMMENT ON COLUMN command_outcomes.key IS 'Id of the user, auction, promoter settings or bar that the command is for.';
COMMENT ON COLUMN command_outcomes.fingerprint IS 'Hash of the payload of the request. Detects a reused Idempotency-Key.';
COMMENT ON COLUMN command_outcomes.partition IS 'Partition that decided the command. Refers to `partitions`.';
COMMENT ON COLUMN command_outcomes.position IS 'Head of the partition when the command was decided.';
COMMENT ON COLUMN command_outcomes.at IS 'Time of the command.';
COMMENT ON COLUMN command_outcomes.outcome IS 'MessagePack: accepted, refused or failed, with details.';

COMMENT ON TABLE snapshots IS 'States of auctions with many events. A cache: rows can be deleted at any time.';
COMMENT ON COLUMN snapshots.partition IS 'Partition of the auction. Refers to `partitions`.';
COMMENT ON COLUMN snapshots.aggregate IS 'Id of the auction. Refers to `auctions`.';
COMMENT ON COLUMN snapshots.version IS 'Number of events of the auction that the state includes.';
COMMENT ON COLUMN snapshots.position IS 'Position in the partition up to which it includes them.';
COMMENT ON COLUMN snapshots.format IS 'Format of the body. Programs ignore other formats than their own.';
COMMENT ON COLUMN snapshots.body IS 'MessagePack with field names, followed by a hash.';

COMMENT ON TABLE users IS 'Inline projection: users that exist, without personal data.';
COMMENT ON COLUMN users.partition IS 'Partition of the user. Refers to `partitions`.';
COMMENT ON COLUMN users.id IS 'Id of the user.';
COMMENT ON COLUMN users.created_at IS 'Time at which the user was created.';
COMMENT ON COLUMN users.deleted_at IS 'Time at which the user was deleted. Null: not deleted.';

COMMENT ON TABLE deletions IS 'Inline projection: deleted users, and the progress of deleting what they left.';
COMMENT ON COLUMN deletions.partition IS 'Partition of the user. Refers to `partitions`.';
COMMENT ON COLUMN deletions.user_id IS 'The deleted user. Refers to `users`.';
COMMENT ON COLUMN deletions.attempt IS 'Number of times that the deletion was processed.';
COMMENT ON COLUMN deletions.retry_at IS 'Time before which missing bars are not sent again.';
COMMENT ON COLUMN deletions.finished IS 'Whether the bars of all partitions are finished.';

COMMENT ON TABLE barred_users IS 'Inline projection: deleted users that a partition refuses, and the progress of deleting what they left.';
COMMENT ON COLUMN barred_users.partition IS 'Partition that refuses the user. Refers to `partitions`.';
COMMENT ON COLUMN barred_users.user_id IS 'The deleted user. Refers to `users`.';
COMMENT ON COLUMN barred_users.attempt IS 'Number of times that the follow-up commands were sent.';
COMMENT ON COLUMN barred_users.retry_at IS 'Time before which they are not sent again.';
COMMENT ON COLUMN barred_users.finished IS 'Whether the user has no active bid and no open auction left in the partition.';

COMMENT ON TABLE auctions IS 'Inline projection: status and end of each auction.';
COMMENT ON COLUMN auctions.id IS 'Id of the auction.';
COMMENT ON COLUMN auctions.partition IS 'Partition of the auction. Refers to `partitions`.';
COMMENT ON COLUMN auctions.seller IS 'User who sells. Null: an operator. Refers to `users`.';
COMMENT ON COLUMN auctions.status IS '`open`, `closed` or `cancelled`.';
COMMENT ON COLUMN auctions.ends_at IS 'End of the auction, extensions included.';
COMMENT ON COLUMN auctions.seed_pending IS 'Whether the seed of its draws is still to be revealed.';

COMMENT ON TABLE bids IS 'Inline projection: bidder and state of each bid.';
COMMENT ON COLUMN bids.partition IS 'Partition of the auction. Refers to `partitions`.';
COMMENT ON COLUMN bids.id IS 'Id of the bid.';
COMMENT ON COLUMN bids.auction IS 'Auction of the bid. Refers to `auctions`.';
COMMENT ON COLUMN bids.bidder IS 'User who bids. Refers to `users`.';
COMMENT ON COLUMN bids.amount IS 'Amount in minor units, before doubling.';
COMMENT ON COLUMN bids.doubled IS 'Whether a draw doubled the bid.';
COMMENT ON COLUMN bids.state IS '`live`, `deleted`, `voided` or `retracted`.';

COMMENT ON TABLE secrets IS 'Random bytes that all processes share.';
COMMENT ON COLUMN secrets.name IS '`command_handles`, `draws` or `webhooks`: what the secret is for. `portal_id`: id of the portal, which is not secret.';
COMMENT ON COLUMN secrets.value IS 'The random bytes. Copy them with every backup. Delete `portal_id` before a portal is started on a copy.';

COMMENT ON TABLE parked_events IS 'Users and auctions with an event that a component cannot process.';
COMMENT ON COLUMN parked_events.component IS 'Component that cannot process the event.';
COMMENT ON COLUMN parked_events.key IS 'Id of the user or auction.';
COMMENT ON COLUMN parked_events.partition IS 'Partition of the event. Refers to `partitions`.';
COMMENT ON COLUMN parked_events.position IS 'Position of the first event that is not processed.';
COMMENT ON COLUMN parked_events.version IS 'Version of the user or auction at that event.';
COMMENT ON COLUMN parked_events.kind IS 'Kind of the event.';
COMMENT ON COLUMN parked_events.reason IS '`unreadable`, `panicked` or `refused`.';
COMMENT ON COLUMN parked_events.error IS 'Text of the error.';
COMMENT ON COLUMN parked_events.parked_at IS 'Time at which the event was parked.';
COMMENT ON COLUMN parked_events.requested_action IS 'What an operator requested: `retry` or `drop`. Null: nothing.';

COMMENT ON TABLE notifier_checkpoints IS 'Progress of the notifier in each partition.';
COMMENT ON COLUMN notifier_checkpoints.partition IS 'Number of the partition. Refers to `partitions`.';
COMMENT ON COLUMN notifier_checkpoints.position IS 'Newest event of which all notifications are stored. Moved in the transaction that stores them.';
COMMENT ON COLUMN notifier_checkpoints.last_outgoing IS 'Number of the newest row of `outgoing_notifications` of the partition.';

COMMENT ON TABLE outgoing_notifications IS 'Notifications on their way from the partition of their event to the inboxes. Deleted when they are placed.';
COMMENT ON COLUMN outgoing_notifications.partition IS 'Partition of the event. Refers to `partitions`.';
COMMENT ON COLUMN outgoing_notifications.user_partition IS 'Partition of the users.';
COMMENT ON COLUMN outgoing_notifications.number IS 'Number within the partition, ascending in the order of commits.';
COMMENT ON COLUMN outgoing_notifications.kind IS 'Kind of the notifications.';
COMMENT ON COLUMN outgoing_notifications.user_ids IS 'Users who are notified.';
COMMENT ON COLUMN outgoing_notifications.ids IS 'Id of the notification of each user.';
COMMENT ON COLUMN outgoing_notifications.content IS 'JSON of the notifications, which all users receive.';

COMMENT ON TABLE inbox_placements IS 'Progress of placing outgoing notifications in the inboxes of each partition of users.';
COMMENT ON COLUMN inbox_placements.partition IS 'Partition of the users. Refers to `partitions`.';
COMMENT ON COLUMN inbox_placements.version IS 'Number of changes of the row. A placement is stored only if the version is the expected one.';
COMMENT ON COLUMN inbox_placements.placed IS 'Newest number of `outgoing_notifications` that is placed, of each partition from 0.';

COMMENT ON TABLE subscriptions IS 'Notification preferences. Users without a row have the defaults.';
COMMENT ON COLUMN subscriptions.partition IS 'Partition of the user. Refers to `partitions`.';
COMMENT ON COLUMN subscriptions.user_id IS 'The user. Refers to `users`.';
COMMENT ON COLUMN subscriptions.changed_kinds IS 'Kinds of notifications that the user set to other than the default.';

COMMENT ON TABLE inboxes IS 'Newest and read notification of each user.';
COMMENT ON COLUMN inboxes.partition IS 'Partition of the user. Refers to `partitions`.';
COMMENT ON COLUMN inboxes.user_id IS 'The user. Refers to `users`.';
COMMENT ON COLUMN inboxes.last IS 'Sequence number of the newest notification.';
COMMENT ON COLUMN inboxes.read_up_to IS 'Sequence number up to which the user has read.';

COMMENT ON TABLE notifications IS 'Notifications. The newest ones of each user are kept (`notifier.inbox_size`).';
COMMENT ON COLUMN notifications.partition IS 'Partition of the user. Refers to `partitions`.';
COMMENT ON COLUMN notifications.user_id IS 'The user. Refers to `inboxes`.';
COMMENT ON COLUMN notifications.seq IS 'Sequence number in the inbox, from 1, gap-free.';
COMMENT ON COLUMN notifications.id IS 'Id of the notification.';
COMMENT ON COLUMN notifications.content IS 'JSON of the notification.';

COMMENT ON TABLE accounts IS 'Name, address and password of users who signed up. The only table with their personal data besides `webhooks`.';
COMMENT ON COLUMN accounts.user_id IS 'The user, who exists once the sign-up command is decided. Refers to `users`.';
COMMENT ON COLUMN accounts.email IS 'E-mail address. Unique without regard to case.';
COMMENT ON COLUMN accounts.name IS 'Name of the user.';
COMMENT ON COLUMN accounts.password_hash IS 'PHC string, argon2id.';
COMMENT ON COLUMN accounts.role IS '`bidder`, `seller` or `operator`.';
COMMENT ON COLUMN accounts.state IS '`provisional` or, once the user exists, `active`.';
COMMENT ON COLUMN accounts.command_id IS 'The sign-up command.';
COMMENT ON COLUMN accounts.created_at IS 'Time of the sign-up.';
COMMENT ON COLUMN accounts.duplicate_sign_ups IS 'Number of later sign-ups with the same address.';

COMMENT ON TABLE sessions IS 'Session tokens of users. Only the hash of a token is stored.';
COMMENT ON COLUMN sessions.token_hash IS 'SHA-256 of the token.';
COMMENT ON COLUMN sessions.user_id IS 'User who signed in. Refers to `accounts`.';
COMMENT ON COLUMN sessions.created_at IS 'Time of the sign-in.';
COMMENT ON COLUMN sessions.expires_at IS 'Time at which the token expires.';

COMMENT ON TABLE api_keys IS 'API keys of programs. Only the hash of a key is stored.';
COMMENT ON COLUMN api_keys.key_hash IS 'SHA-256 of the key.';
COMMENT ON COLUMN api_keys.name IS 'Name that an operator gave the key.';
COMMENT ON COLUMN api_keys.role IS 'Highest role that the program may act as.';
COMMENT ON COLUMN api_keys.per_second IS 'Rate limit of the key. Null: the limits of its users.';
COMMENT ON COLUMN api_keys.created_at IS 'Time at which the key was created.';
COMMENT ON COLUMN api_keys.expires_at IS 'Time at which the key expires. Null: never.';
COMMENT ON COLUMN api_keys.revoked_at IS 'Time at which the key was revoked. Null: not revoked.';

COMMENT ON TABLE webhooks IS 'URLs to which users have their notifications sent. Deleted with the account.';
COMMENT ON COLUMN webhooks.partition IS 'Partition of the user. Refers to `partitions`.';
COMMENT ON COLUMN webhooks.id IS 'Id of the webhook.';
COMMENT ON COLUMN webhooks.user_id IS 'User who created it. Refers to `users`.';
COMMENT ON COLUMN webhooks.url IS 'URL to call.';
COMMENT ON COLUMN webhooks.secret IS 'Number of the secret. The secret itself is derived, not stored.';
COMMENT ON COLUMN webhooks.previous_until IS 'Time until which the previous secret also signs.';
COMMENT ON COLUMN webhooks.created_at IS 'Time at which the webhook was created.';
COMMENT ON COLUMN webhooks.disabled_at IS 'Time at which the receiver answered 410. Null: enabled.';

COMMENT ON TABLE deliveries IS 'Outbox: notifications to send by webhook and e-mail. Written in the transaction of the notification.';
COMMENT ON COLUMN deliveries.partition IS 'Partition of the user who is notified. Refers to `partitions`.';
COMMENT ON COLUMN deliveries.seq IS 'Order of the deliveries.';
COMMENT ON COLUMN deliveries.channel IS '`webhook` or `email`.';
COMMENT ON COLUMN deliveries.endpoint IS 'Id of the webhook; for e-mail, of the user. Refers to `webhooks`.';
COMMENT ON COLUMN deliveries.id IS 'Id of the notification.';
COMMENT ON COLUMN deliveries.content IS 'JSON of the notification.';
COMMENT ON COLUMN deliveries.state IS '`pending`, `delivered` or `failed`.';
COMMENT ON COLUMN deliveries.attempts IS 'Number of attempts.';
COMMENT ON COLUMN deliveries.created_at IS 'Time at which the notification was stored, by the clock of Postgres.';
COMMENT ON COLUMN deliveries.due_at IS 'Time of the next attempt. During an attempt: when it is repeated if its process crashes.';
COMMENT ON COLUMN deliveries.finished_at IS 'Time at which it was delivered or failed. Null: pending.';
COMMENT ON COLUMN deliveries.status IS 'Status of the answer to the last attempt.';
COMMENT ON COLUMN deliveries.error IS 'Error of the last attempt.';

COMMENT ON TABLE migration_compatibility IS 'Which programs can use the database after a migration that they do not know.';
COMMENT ON COLUMN migration_compatibility.version IS 'Number of the migration, which adds its row itself.';
COMMENT ON COLUMN migration_compatibility.oldest_program IS 'Programs must know at least this migration.';
