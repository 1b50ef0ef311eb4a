//! Why a connection was lost, kept where everything that used it can ask.

use std::sync::OnceLock;

use crate::error::RemoteError;

/// Why a connection was given up that is open and dead.
pub(super) const NO_ANSWER: &str = "it no longer answers";

/// Set once, by whoever notices first.
#[derive(Debug, Default)]
pub(super) struct Lost(OnceLock<String>);

impl Lost {
    /// Remembers why.
    pub(super) fn because(&self, reason: impl Into<String>) {
        // Only the first reason is the cause.
        let _later = self.0.set(reason.into());
    }

    /// The error for whoever was using the connection.
    pub(super) fn error(&self) -> RemoteError {
        self.error_or("the other side closed it")
    }

    /// The error for whoever was using the connection, where `otherwise` is known if not more.
    pub(super) fn error_or(&self, otherwise: &str) -> RemoteError {
        let reason = self.0.get().map_or(otherwise, String::as_str);
        RemoteError::Closed {
            reason: reason.to_owned(),
        }
    }
}
