//! An SSH server on loopback, inside the test process, that is the real thing and can misbehave.
//!
//! A node speaks the SSH protocol, lets in whom it was told to, and runs real commands in a
//! private home directory: what `ssh` and `sftp` do with an OpenSSH server they do here too.
//! [`Faults`] make it fail in the ways networks and servers fail, at run time.
//!
//! A node never touches a process it did not start, never listens outside the address it was
//! given (loopback by default), and never keeps a file after it is gone. It is for tests and
//! demonstrations: it runs commands as the user of the process, whatever name logged in.

mod auth;
mod builder;
mod client;
mod commands;
mod connection;
mod error;
mod faults;
mod fleet;
mod forward;
mod groups;
mod handler;
mod home;
mod identity;
mod input;
mod keys;
mod node;
mod process;
mod pty;
mod session;
mod sftp;
mod shared;
mod signals;
mod stats;
mod stream;
mod streams;

pub use builder::EmbeddedBuilder;
pub use error::Error;
pub use faults::Faults;
pub use fleet::EmbeddedFleet;
pub use keys::{CertAuthority, TestKey};
pub use node::EmbeddedNode;
pub use stats::Stats;
