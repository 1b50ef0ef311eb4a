//! `tow completion`: scripts that let a shell complete command lines.

use clap::CommandFactory;

use super::Cli;
use crate::exit::Exit;

/// Print a completion script for a shell
#[derive(clap::Args)]
#[command(after_help = "\
To have it in every shell:
  bash   tow completion bash > ~/.local/share/bash-completion/completions/tow
  zsh    tow completion zsh > \"${fpath[1]}/_tow\"
  fish   tow completion fish > ~/.config/fish/completions/tow.fish")]
pub(crate) struct Args {
    /// For which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Prints the script.
#[expect(clippy::unnecessary_wraps, reason = "every command has the same form")]
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut command = Cli::command();
    clap_complete::generate(
        args.shell,
        &mut command,
        "tow",
        &mut std::io::stdout().lock(),
    );
    Ok(Exit::Ok)
}
