//! Ctrl-C and its like: everything that waits looks here, so that what was started is ended and
//! temporary folders are removed on the way out.

use std::{
    process::{Child, ExitStatus},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static SEEN: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// How often a wait looks.
const LOOK: Duration = Duration::from_millis(20);

/// From now on signals that would end this process are only noted.
///
/// # Errors
/// When the system does not allow it.
pub(super) fn listen() -> anyhow::Result<()> {
    let seen = Arc::clone(SEEN.get_or_init(Arc::default));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&seen)).context("listening for signals")?;
    }
    Ok(())
}

/// Whether such a signal came.
pub(super) fn seen() -> bool {
    SEEN.get().is_some_and(|seen| seen.load(Ordering::Relaxed))
}

/// An error once such a signal came.
///
/// # Errors
/// Then.
pub(super) fn check() -> anyhow::Result<()> {
    if seen() {
        bail!("interrupted; what was started is ended, and nothing was written");
    }
    Ok(())
}

/// Waits for a child that ends by itself, and ends it when a signal or the deadline comes.
///
/// # Errors
/// When a signal came or it took too long.
pub(super) fn wait(child: &mut Child, patience: Duration) -> anyhow::Result<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            check()?;
            return Ok(status);
        }
        let late = Instant::now() >= deadline;
        if late || seen() {
            end(child);
            check()?;
            bail!("not done after {patience:?}; it was ended");
        }
        std::thread::sleep(LOOK);
    }
}

/// Asks a child to end, and does not take no for an answer.
pub(super) fn end(child: &mut Child) {
    let pid = rustix::process::Pid::from_child(child);
    // It may have ended already: then there is nothing to be told.
    let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    let _gone = child.kill();
    let _gone = child.wait();
}
