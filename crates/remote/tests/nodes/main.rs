//! The connection layer against embedded nodes: real SSH on loopback, and what can go wrong with it.

#![expect(clippy::unwrap_used, unreachable_pub, reason = "tests")]

mod adapters;
mod auth;
mod backpressure;
mod cancel;
mod conformance;
mod handshakes;
mod host_keys;
mod jump;
#[expect(
    dead_code,
    reason = "shared with the tests of identities, which need more of it"
)]
#[path = "../identity/support.rs"]
mod keys;
mod local;
mod lost;
mod openssh;
mod planned;
mod pool;
mod proxy;
mod sessions;
mod support;
