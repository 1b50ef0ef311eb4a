//! What the tests of the command line have in common: a world of its own for each test, with a
//! home folder, a key and embedded nodes, and the real binary run in it.

mod process;
mod terminal;
mod world;

pub(crate) use self::{
    process::{Done, Running, Tow, events_schema, status_schema},
    terminal::Screen,
    world::World,
};

use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until something holds.
#[track_caller]
pub(crate) fn wait_until(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it never came to hold");
        // tidy: allow-sleep there is nothing to wait on in another process
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Holds what a program did against a snapshot, without what differs from run to run.
///
/// `snapshot!(world, done)` keeps it in a file, `snapshot!(world, done, @"…")` in place.
macro_rules! snapshot {
    ($world:expr, $done:expr $(, @$text:literal)?) => {
        $world.filters().bind(|| insta::assert_snapshot!($done.transcript() $(, @$text)?))
    };
}

pub(crate) use snapshot;
