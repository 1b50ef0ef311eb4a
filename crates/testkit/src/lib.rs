//! Nodes to test on: an embedded SSH server that can misbehave, and real container nodes.

pub mod container;
pub mod embedded;
