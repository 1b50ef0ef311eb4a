//! Ctrl-C and its kind: the first one ends the run in good order, the second at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// Listens for the signals that mean "stop". The first cancels `cancel` and calls `first`; the
/// second ends this process without further ado.
///
/// # Errors
/// When the signals can not be listened for.
pub(crate) fn listen(
    cancel: CancellationToken,
    first: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        let mut first = Some(first);
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            match first.take() {
                Some(first) => {
                    cancel.cancel();
                    first();
                }
                None => std::process::exit(i32::from(Exit::Interrupted.code())),
            }
        }
    });
    Ok(())
}
