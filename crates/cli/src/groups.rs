//! The commands by what they are for, as `tow`, `tow -h` and `tow help` list them: clap knows one
//! list only.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use crate::commands::Cli;

/// Headings and their commands; a command that stands nowhere comes under the last.
const GROUPS: [(&str, &[&str]); 3] = [
    ("Do something on nodes", &["exec"]),
    ("Look at nodes", &["status", "doctor", "node"]),
    ("Find your way", &["demo", "help"]),
];

/// The command line, with its commands in groups.
pub(crate) fn command() -> Command {
    let command = Cli::command();
    let list = list(&command);
    // Both braces stand for themselves only as a part of clap's own words.
    let template = [
        "{about-with-newline}\n{usage-heading} {usage}\n\n",
        &list,
        "Options:\n{options}{after-help}",
    ];
    command.help_template(template.concat())
}

fn list(command: &Command) -> String {
    let mut groups = GROUPS.map(|(heading, _)| (heading, String::new()));
    let shown = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let place = |name: &str| {
        let found = GROUPS.iter().position(|(_, names)| names.contains(&name));
        found.unwrap_or(GROUPS.len() - 1)
    };
    for command in shown {
        let (name, about) = (command.get_name(), command.get_about());
        let about = about.map(ToString::to_string).unwrap_or_default();
        let (_, lines) = &mut groups[place(name)];
        // Writing to a text can not fail.
        let _done = writeln!(lines, "  {name:<11} {about}");
    }
    let filled = groups.iter().filter(|(_, lines)| !lines.is_empty());
    filled
        .map(|(heading, lines)| [heading, ":\n", lines, "\n"].concat())
        .collect()
}
