//! What `tow status` shows.

mod cells;
mod columns;
mod show;

pub(crate) use self::{
    columns::{Key, SortKey},
    show::{Layout, Show},
};
