//! The embedded node, driven by the system's `ssh` and `sftp` and by a client of the library.

mod exec;
mod support;
