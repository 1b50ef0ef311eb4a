//! What a user logs in with: key files, the agent, and the order in which they are tried.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agent;
mod files;
mod login;
mod order;
mod putty;
mod support;
