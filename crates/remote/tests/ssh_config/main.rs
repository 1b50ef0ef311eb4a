//! Our evaluation of ssh_config held against the system's ssh: nasty files, and random ones.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod corpus;
mod oracle;
mod places;
mod random;
mod support;
mod timing;
