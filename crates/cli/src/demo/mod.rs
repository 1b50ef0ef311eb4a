//! What `tow demo` shows: three nodes of its own, and a walk through them with this very binary.

mod nodes;
mod stage;
mod tour;

pub(crate) use self::{nodes::Nodes, stage::Stage, tour::walk};
