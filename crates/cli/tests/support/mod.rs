//! What the tests of the command line have in common: a world of its own for each test, with a
//! home folder, a key and embedded nodes, and the real binary run in it.

mod process;
mod terminal;
mod world;

pub(crate) use self::{
    process::{Done, Tow},
    terminal::Screen,
    world::World,
};

use std::time::Duration;

/// How long anything may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Holds what a program did against a snapshot, without what differs from run to run.
///
/// `snapshot!(world, done)` keeps it in a file, `snapshot!(world, done, @"…")` in place.
macro_rules! snapshot {
    ($world:expr, $done:expr $(, @$text:literal)?) => {
        $world.filters().bind(|| insta::assert_snapshot!($done.transcript() $(, @$text)?))
    };
}

pub(crate) use snapshot;
