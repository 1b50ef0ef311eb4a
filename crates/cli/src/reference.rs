//! All of the help as one page: `docs/reference/cli.md`.

use std::fmt::Write as _;

use clap::Command;

/// Columns of the text.
const WIDTH: usize = 96;

/// The page: what `tow` says of itself, its commands and its topics.
pub(crate) fn page(tow: Command, topics: &[(&str, &str)]) -> String {
    let mut page = String::from(
        "<!-- Made by `cargo xtask generate` from the program; not to be edited by hand. -->\n\n\
         # The command line\n\n\
         What `tow help` prints, all of it. The global options, shown first, go with every command.\n",
    );
    let mut tow = tow.term_width(WIDTH);
    tow.build();
    section(&mut page, &mut tow);
    for (topic, text) in topics {
        block(&mut page, &["tow help ", topic].concat(), text);
    }
    page
}

/// A command and those below it.
fn section(page: &mut String, command: &mut Command) {
    let help = command.render_long_help().to_string();
    let name = command.get_bin_name().unwrap_or(command.get_name());
    block(page, name, &help);
    for below in command.get_subcommands_mut().filter(|c| !c.is_hide_set()) {
        // They stand in the section of the whole already.
        let globals: Vec<_> = below
            .get_arguments()
            .filter(|argument| argument.is_global_set())
            .map(|argument| argument.get_id().clone())
            .collect();
        let mut without = globals
            .into_iter()
            .fold(below.clone(), |c, id| c.mut_arg(id, |arg| arg.hide(true)));
        section(page, &mut without);
    }
}

fn block(page: &mut String, title: &str, text: &str) {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    // Writing to a string does not fail.
    let _never = write!(page, "\n## {title}\n\n```text\n{}\n```\n", lines.join("\n"));
}
