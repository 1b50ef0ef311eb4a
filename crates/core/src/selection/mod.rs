//! Which nodes an operation is for: `web-[01-20],@db!zone=b`.
//!
//! [`Expr`] is what a user writes, [`Universe`] the nodes and groups it is read against, [`select`]
//! brings the two together. [`Request`] is all the flags of a command line at once. Nothing here
//! asks a name server or opens a file; the guide to the language is `docs/guides/selection.md`.

mod error;
mod expr;
mod hostfile;
mod parse;
mod request;
mod select;
mod similar;
mod target;
mod universe;

pub use error::{EmptyReason, SelectError};
pub use expr::{Comparison, Expr, GroupPattern, SetOp};
pub use hostfile::{HostfileError, HostfileTrouble, parse_hostfile};
pub use parse::ParseError;
pub use request::{Pick, Request, resolve};
pub use select::select;
pub use target::{InvalidTarget, parse_target};
pub use universe::{AdHoc, Universe, UniverseError};
