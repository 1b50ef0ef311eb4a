//! The connection layer against embedded nodes: real SSH on loopback, and what can go wrong with it.

#![expect(clippy::unwrap_used, unreachable_pub, reason = "tests")]

mod jump;
mod run;
mod support;
