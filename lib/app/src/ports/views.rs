//! Ports for read models and their generations.

pub mod generations;
pub mod read_models;
