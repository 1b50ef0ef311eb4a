//! One connection layer: the [`host::Host`] trait, its adapters, host keys, client configuration, the pool.
//!
//! Never prints, never reads the user's environment: what it needs comes in as values.

pub mod known_hosts;
pub mod ssh_config;
