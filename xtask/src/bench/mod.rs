//! `cargo xtask bench`: what Towline costs, beside other tools, on this machine and in one run.

mod cases;
mod exec;
mod fleet;
mod install;
mod interrupt;
mod machine;
mod measure;
mod peers;
mod probe;
mod report;
mod sshd_log;
mod stats;
mod table;
mod tree;

use clap::Subcommand;

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum What {
    /// Measure `tow exec` beside pdsh, clush, pssh, ansible, bssh and plain ssh
    Exec(Box<exec::Args>),
    /// Run one command and write down what it cost
    #[command(hide = true)]
    Probe(probe::Args),
}

/// Runs the chore.
///
/// # Errors
/// When something could not be measured. A missed target is no error.
pub(crate) fn run(what: What) -> anyhow::Result<()> {
    match what {
        What::Exec(args) => exec::run(&args),
        What::Probe(args) => probe::run(&args),
    }
}
