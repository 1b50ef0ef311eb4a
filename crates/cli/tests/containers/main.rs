//! `tow` against real machines: Debian with systemd, sshd and sudo, as `cargo xtask testbed up 3`
//! brings them up. `TOWLINE_TESTBED` names the state file of the bed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod auth;
mod become_;
mod disk;
mod end;
mod exec;
mod ground;
mod jump;
mod large;
mod lost;
mod many;
mod shells;
#[path = "../support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "some of it is only for the tests on embedded nodes"
)]
mod support;
