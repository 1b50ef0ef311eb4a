//! Which host key belongs to which machine: `known_hosts`, read once per run and written with care.
//!
//! Matching follows OpenSSH 9.2, which the tests use as their oracle. Where it is stricter, it says so:
//!
//! - A key revoked for the bare name is revoked for every port of that host. OpenSSH warns, then takes it.
//! - A host for which a certificate authority is listed is never pinned on first use: its plain key would
//!   be a way around the authority. OpenSSH pins it.
//! - A host certificate without principals vouches for nobody. In OpenSSH 9.2 it vouches for everybody.
//!
//! Nothing here asks, prints or opens a connection. There is no way to accept any key whatever.

mod authority;
mod error;
mod file;
mod host;
mod line;
mod pattern;
mod pin;
mod policy;
mod retrust;
mod review;
mod store;
mod verdict;

pub use authority::CertificateFault;
pub use error::{HostKeyError, KnownHostsError};
pub use host::{HostName, InvalidHostName};
pub use line::LineFault;
pub use pin::Pinned;
pub use policy::{Decision, HostKeyPolicy, decide};
pub use retrust::Replaced;
pub use review::Review;
pub use store::{KnownHosts, Options};
pub use verdict::{BadLine, KnownKey, Location, OfferedKey, TrustedBy, Verdict};
