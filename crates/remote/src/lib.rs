//! One connection layer: the [`host::Host`] trait, its adapters, host keys, client configuration,
//! the pool, and the running of commands.
//!
//! Never prints, never reads the user's environment: what it needs comes in as values.

pub mod error;
pub mod host;
pub mod identity;
pub mod known_hosts;
pub mod local;
pub mod openssh;
pub mod plan;
pub mod pool;
pub mod proxy;
pub mod route;
pub mod run;
pub mod ssh;
pub mod ssh_config;
