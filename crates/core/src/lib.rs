//! The words of the house: node ids, node sets, selections, commands, quoting, secrets, events.
//!
//! Pure values and functions. Nothing here opens a file, a socket or a process, and nothing here
//! knows how a node is reached.

pub mod command;
pub mod event;
pub mod id;
pub mod node;
pub mod nodeset;
pub mod quote;
pub mod secret;
pub mod selection;
