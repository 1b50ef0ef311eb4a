//! Real nodes: Debian with systemd, sshd, sudo and containerd, each in a container of its own, on a
//! private bridge of this machine.
//!
//! [`Bed::up`] makes everything that is missing (engine, image, bridge, nodes) and returns when all
//! nodes answer; a second call finds it all there. Tests take a bed that is up by [`Bed::attach`]
//! and borrow nodes by [`Bed::lease`], which puts right whatever faults they made.
//!
//! Everything here blocks and calls tools (`docker`, `nsenter`, `iptables`); from async code use
//! `spawn_blocking`. Nothing is printed and no environment is read. What is started carries a label
//! or stands under [`layout::RUNTIME_DIR`], and nothing else is ever touched.

mod bed;
mod daemon;
mod docker;
mod error;
mod fault;
mod firewall;
mod image;
pub mod layout;
mod lease;
mod lifecycle;
mod login;
mod network;
mod node;
mod process;
mod ready;
mod state;

pub use bed::{Bed, BedOptions, Removed};
pub use error::BedError;
pub use fault::Condition;
pub use image::Image;
pub use lease::{NodeLease, NodeShare};
pub use node::BedNode;
pub use state::{Progress, Step};
