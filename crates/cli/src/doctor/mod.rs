//! What `tow doctor` looks at on this machine, and how findings are shown.

mod client;
mod keys;
mod known_hosts;
mod machine;
mod settings;
mod show;

pub(crate) use self::{
    client::{Client, inventory, inventory_broken},
    show::{Findings, show, tally},
};
