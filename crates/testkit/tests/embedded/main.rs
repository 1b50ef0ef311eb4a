//! The embedded node, driven by the system's `ssh` and `sftp` and by a client of the library.

mod auth;
mod exec;
mod faults;
mod fleet;
mod flow;
mod forward;
mod library;
mod pty;
mod sftp;
mod signals;
mod support;
