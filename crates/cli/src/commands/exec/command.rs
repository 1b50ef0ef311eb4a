//! The command of `tow exec`, made of words and flags.

use std::{io::Write, path::Path};

use anyhow::Context as _;
use tempfile::NamedTempFile;
use towline_core::command::{Command, CommandError, Mark, PtySize, Stdin};

use super::Args;
use crate::{environment::Environment, exit::misuse};

/// The command as a value, but for what it reads.
///
/// # Errors
/// When it can not be said to any shell.
pub(super) fn command(args: &Args, words: &[String]) -> anyhow::Result<Command> {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
    let mut command = Command::typed(words).timeout(args.fanout.command_timeout);
    command.env = args
        .env
        .iter()
        .map(|(n, v)| (n.clone(), v.clone().into_bytes()))
        .collect();
    command.cwd = args.cwd.clone().map(String::into_bytes);
    command.pty = args.pty.then(PtySize::default);
    // What can not be put on the wire is said before anything is connected.
    command.wire(&Mark::new(0)).map_err(|error| {
        let long = matches!(error, CommandError::TooLong { .. });
        let hint = "put it into a file: tow exec … --stdin FILE -- sh -s";
        misuse(error, long.then(|| hint.to_owned()))
    })?;
    Ok(command)
}

/// What the command reads, and the file that holds it for as long as it is needed.
///
/// # Errors
/// When it can not be read.
pub(super) fn input(
    args: &Args,
    environment: &Environment,
) -> anyhow::Result<(Stdin, Option<NamedTempFile>)> {
    let mut kept = None;
    let stdin = match &args.stdin {
        None => Stdin::Null,
        Some(path) if path.as_os_str() == "-" => {
            if args.selection.nodes.iter().any(|expr| expr == "-") {
                let hint = "put one of the two into a file: --hostfile FILE or --stdin FILE";
                let message = "-w - and --stdin - both read standard input";
                return Err(misuse(message, Some(hint.to_owned())));
            }
            let file = keep(&environment.spool()).context("keeping standard input")?;
            let path = file.path().to_owned();
            kept = Some(file);
            Stdin::File(path)
        }
        Some(path) => {
            readable(path)
                .map_err(|error| misuse(format!("--stdin {}: {error}", path.display()), None))?;
            Stdin::File(path.clone())
        }
    };
    Ok((stdin, kept))
}

/// Every node reads standard input from its beginning, so it has to be kept somewhere.
fn keep(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder)?;
    std::io::copy(&mut std::io::stdin().lock(), &mut file)?;
    file.flush()?;
    Ok(file)
}

fn readable(path: &Path) -> std::io::Result<()> {
    match std::fs::File::open(path)?.metadata()?.is_dir() {
        true => Err(std::io::ErrorKind::IsADirectory.into()),
        false => Ok(()),
    }
}
