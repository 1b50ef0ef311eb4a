//! Known host keys as a whole: what is trusted, what is written, and that OpenSSH agrees.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod certificates;
mod check;
mod oracle;
mod pinning;
mod retrusting;
mod support;
