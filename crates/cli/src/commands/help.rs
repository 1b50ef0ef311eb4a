//! `tow help`: commands and topics.

use std::io::Write;

use clap::CommandFactory;

use super::Cli;
use crate::{
    exit::{Exit, misuse},
    groups, reference,
};

/// Help on a command or a topic
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A command, or one of: exit-codes, selection
    words: Vec<String>,
    /// Print everything as one page of Markdown
    #[arg(long, hide = true, conflicts_with = "words")]
    markdown: bool,
}

/// The topics that are no command.
const TOPICS: [(&str, &str); 2] = [
    ("exit-codes", include_str!("help/exit-codes.txt")),
    ("selection", include_str!("help/selection.txt")),
];

/// Prints help.
///
/// # Errors
/// When there is no such command or topic.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    if args.markdown {
        out.write_all(reference::page(Cli::command(), &TOPICS).as_bytes())?;
        return Ok(Exit::Ok);
    }
    if let [topic] = args.words.as_slice()
        && let Some((_, text)) = TOPICS.iter().find(|(name, _)| name == topic)
    {
        out.write_all(text.as_bytes())?;
        return Ok(Exit::Ok);
    }
    let mut command = groups::command();
    command.build();
    let mut found = &mut command;
    for word in &args.words {
        found = found.find_subcommand_mut(word).ok_or_else(|| {
            let hint = "tow help lists the commands; topics are exit-codes and selection";
            misuse(
                format!("there is no help on {word:?}"),
                Some(hint.to_owned()),
            )
        })?;
    }
    writeln!(out, "{}", found.render_long_help())?;
    Ok(Exit::Ok)
}
