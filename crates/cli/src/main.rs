//! The binary `tow`: arguments in, events out. What it does is done by the crates below it.

mod args;
mod ask;
mod commands;
mod context;
mod demo;
mod descriptors;
mod doctor;
mod environment;
mod exit;
mod groups;
mod history;
mod interrupt;
mod reference;
mod render;
mod status;
mod survey;
mod terminal;

use std::process::ExitCode;

use clap::FromArgMatches;

use self::{commands::Cli, exit::Exit};

fn main() -> ExitCode {
    let mut matches = groups::command().get_matches();
    let cli = match Cli::from_arg_matches_mut(&mut matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let terminal = terminal::Terminal::new(cli.global.color);
    let exit = match commands::run(cli, &terminal) {
        Ok(exit) => exit,
        Err(error) => {
            terminal.error(&error);
            Exit::of_error(&error)
        }
    };
    exit.into()
}
