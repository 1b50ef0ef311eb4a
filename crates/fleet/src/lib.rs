//! The fleet: where its nodes come from, what they are, and how work is spread over them.

pub mod exec;
pub mod facts;
pub mod fanout;
pub mod inventory;
