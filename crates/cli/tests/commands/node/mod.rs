//! `tow node`.

mod ls;
mod show;
mod trust;
