//! What was tried to prove who we are, for the error that tells that nothing helped.

use std::fmt;

/// One way that was tried, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthAttempt {
    /// The key, agent or password, by a name that a user knows.
    pub what: String,
    /// What became of it.
    pub result: AuthResult,
}

/// What became of one way to prove who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthResult {
    /// The server did not take it.
    Refused,
    /// The server took it and wants another one as well.
    Partial,
    /// The server does not take this kind.
    NotOffered,
    /// It could not be used; why.
    Unusable(String),
    /// The agent could not be used; why.
    AgentFailed(String),
    /// The server ended the connection first: many do after some refusals.
    HungUp,
}

impl AuthAttempt {
    /// Whether the agent is what failed.
    #[must_use]
    pub fn is_agent_failure(&self) -> bool {
        matches!(self.result, AuthResult::AgentFailed(_))
    }
}

impl fmt::Display for AuthAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match &self.result {
            AuthResult::Refused => write!(f, "{what} (refused)"),
            AuthResult::Partial => write!(f, "{what} (taken, but more is wanted)"),
            AuthResult::NotOffered => write!(f, "{what} (not allowed by the server)"),
            AuthResult::Unusable(why) | AuthResult::AgentFailed(why) => {
                write!(f, "{what} ({why})")
            }
            AuthResult::HungUp => write!(f, "{what} (the server hung up)"),
        }
    }
}
