//! The commands: one file each, and one line each here.

mod completion;
mod demo;
mod doctor;
mod exec;
mod help;
mod man;
mod node;
mod status;

use clap::{Parser, Subcommand};

use crate::{args::GlobalArgs, exit::Exit, terminal::Terminal};

/// Run commands on any set of machines reachable by SSH, and see how they are doing.
///
/// Nothing has to be installed on them. Which machines there are stands in towline.yaml, or is
/// said on the command line.
#[derive(Parser)]
#[command(
    name = "tow",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Start with: tow exec -w root@HOST -- uptime\nHelp on a command, or on exit-codes or selection: tow help NAME"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Commands,
}

/// What `tow` can do.
#[derive(Subcommand)]
pub(crate) enum Commands {
    /// Run a command on many nodes at once
    Exec(Box<exec::Args>),
    /// Nodes: list, show, trust their host keys
    #[command(subcommand)]
    Node(Box<node::Commands>),
    /// How nodes are doing, and what they can run
    Status(Box<status::Args>),
    /// Find what is wrong, here and on nodes, and how to mend it
    Doctor(Box<doctor::Args>),
    /// See a fleet being driven: three SSH nodes on loopback, made for the purpose
    Demo(demo::Args),
    /// Help on a command or a topic
    Help(help::Args),
    /// Print a completion script for a shell
    Completion(completion::Args),
    /// Write the manual pages
    #[command(hide = true)]
    Man(man::Args),
}

/// Runs what the command line says.
///
/// # Errors
/// When the command could not be begun. What failed on nodes is in the exit code.
pub(crate) fn run(cli: Cli, terminal: &Terminal) -> anyhow::Result<Exit> {
    let Cli { global, command } = cli;
    match command {
        Commands::Exec(args) => block_on(exec::run(*args, &global, terminal)),
        Commands::Node(command) => block_on(node::run(*command, &global, terminal)),
        Commands::Status(args) => block_on(status::run(*args, &global, terminal)),
        Commands::Doctor(args) => block_on(doctor::run(*args, &global, terminal)),
        Commands::Demo(args) => block_on(demo::run(&args, terminal)),
        Commands::Help(args) => help::run(&args),
        Commands::Completion(args) => completion::run(&args),
        Commands::Man(args) => man::run(&args),
    }
}

/// One thread for everything: handing work from thread to thread costs more than it gains for
/// what waits most of the time.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(16)
        .build()?;
    let done = runtime.block_on(work);
    // A look-up of a name may hang on for long; nobody waits for it any more.
    runtime.shutdown_background();
    done
}
