//! Why the system's ssh client took no host key, as far as it says.

use std::fmt;

use towline_core::event::FailureKind;

/// Why ssh took no host key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostKeyProblem {
    /// None is known, and none is to be trusted on first use.
    Unknown,
    /// Another one is known.
    Changed {
        /// The one that is offered.
        offered: String,
        /// Where the known one stands.
        known: String,
    },
    /// It is revoked.
    Revoked,
}

impl HostKeyProblem {
    /// The kind, for programs.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Unknown => FailureKind::HostKeyUnknown,
            Self::Changed { .. } | Self::Revoked => FailureKind::HostKeyChanged,
        }
    }

    /// What to do, `node` being the host's name in the fleet.
    #[must_use]
    pub fn hint(&self, node: &str) -> String {
        match self {
            Self::Unknown => format!("see its fingerprint, and trust it: tow node trust {node}"),
            Self::Changed { .. } => format!(
                "someone may be listening in, or the machine was set up anew; \
                 when you know that it was, trust the new key: tow node trust {node}"
            ),
            Self::Revoked => "give the host a new key".to_owned(),
        }
    }
}

impl fmt::Display for HostKeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("is not known"),
            Self::Changed { offered, known } => {
                write!(
                    f,
                    "has changed: it offers {offered}, another one is known ({known})"
                )
            }
            Self::Revoked => f.write_str("is revoked"),
        }
    }
}
