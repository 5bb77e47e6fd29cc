-- Who users are, and by what they are known. `accounts` is the only table with personal data: its rows go when
-- their users are deleted, or never come to be. Times are milliseconds since 1970.

CREATE TABLE accounts (
    user_id       uuid    PRIMARY KEY,         -- the user, who exists once that command was decided
    email         text    NOT NULL,
    name          text    NOT NULL,
    password_hash text    NOT NULL,            -- PHC string, argon2id
    role          text    NOT NULL CHECK (role IN ('bidder', 'seller', 'operator')),
    state         text    NOT NULL CHECK (state IN ('provisional', 'active')),  -- active: the user exists
    command_id    uuid    NOT NULL,            -- the CreateUser that was sent
    created_at    bigint  NOT NULL,
    claims        integer NOT NULL DEFAULT 0   -- how often somebody wanted the address that was taken
);
CREATE UNIQUE INDEX accounts_email ON accounts (lower(email));
CREATE INDEX accounts_provisional ON accounts (created_at) WHERE state = 'provisional';

-- Tokens of people. A token itself is nowhere but with its owner.
CREATE TABLE sessions (
    token_hash bytea  PRIMARY KEY,             -- SHA-256
    user_id    uuid   NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Tokens of programs.
CREATE TABLE service_keys (
    key_hash   bytea   PRIMARY KEY,            -- SHA-256
    name       text    NOT NULL UNIQUE,
    role       text    NOT NULL CHECK (role IN ('bidder', 'seller', 'operator')),  -- the most it may act as
    per_second integer CHECK (per_second > 0), -- a limit of its own; none: that of users
    created_at bigint  NOT NULL,
    expires_at bigint,
    revoked_at bigint
);
