//! Generated pages of `docs/reference` that need the programs or several crates. Other pages are generated in
//! `lib/app`, `lib/http`, `lib/postgres` and `lib/redis`.

mod cli;
mod configuration;
mod redis_keys;
mod wire_bodies;
mod wire_format;
