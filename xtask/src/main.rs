//! The project's own chores: `cargo xtask --help`.

use std::{io::Write, process::ExitCode};

use clap::Parser;

mod bench;
mod generate;
mod picture;
mod testbed;
mod tidy;
mod tow;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
enum Chore {
    /// What Towline costs, beside pdsh, clush, pssh, ansible and others
    #[command(subcommand)]
    Bench(bench::What),
    /// Write the files that are made from the code: schemas and references
    Generate(generate::Args),
    /// Make the terminal picture of the README anew, from a real run of `tow demo`
    Picture(picture::Args),
    /// Real nodes to test on: systemd, sshd and friends in containers on a private bridge
    Testbed(testbed::Args),
    /// Check what the compiler does not: rooms, file sizes, prints, command lines, test files
    Tidy(tidy::Args),
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Bench(what) => bench::run(what),
        Chore::Generate(args) => generate::run(args),
        Chore::Picture(args) => picture::run(args),
        Chore::Testbed(args) => testbed::run(args),
        Chore::Tidy(args) => tidy::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // No backtrace: these errors are for whoever typed the command.
            let _nobody_reads = writeln!(std::io::stderr(), "cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
