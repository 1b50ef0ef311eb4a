//! Every command of `tow`, run as a user runs it: the binary, with nodes to work on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod completion;
mod demo;
mod doctor;
mod exec;
mod help;
mod man;
mod node;
mod status;
#[path = "../support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "some of it is only for the tests on real machines"
)]
mod support;
