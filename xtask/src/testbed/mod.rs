//! `cargo xtask testbed`: real nodes on this machine, by hand.
#![expect(
    clippy::print_stdout,
    reason = "a chore talks to the person who runs it"
)]

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use towline_testkit::container::{Bed, BedError, BedNode, BedOptions, Image, layout};

/// What `up` ends with when this machine cannot run containers, so that a script can tell that from
/// a fault (`EX_UNAVAILABLE` of sysexits.h).
const CANNOT_START: i32 = 69;

/// Flags of this chore.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where image, key and state file are kept [default: ~/.cache/towline/testbed]
    #[arg(long, value_name = "DIR", global = true)]
    cache: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Bring up nodes, or what is missing of them; ends with 69 on a machine that cannot
    Up {
        /// How many at least
        #[arg(default_value_t = 3)]
        count: usize,
        /// What is in them [default: what the bed has, else small]
        #[arg(long)]
        image: Option<Kind>,
        /// The Debian archive to build the image from
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
    },
    /// Show the nodes and their faults
    Status,
    /// Take everything away but the cached image
    Down,
    /// Drop all packets of a node
    Cut {
        /// Its name: n1
        node: String,
        /// Drop only what this machine and the node send each other
        #[arg(long, conflicts_with = "only_through")]
        from_host: bool,
        /// Let only this other node connect to it
        #[arg(long, value_name = "NODE")]
        only_through: Option<String>,
    },
    /// Undo cut, in all its forms
    Heal {
        /// Its name: n1
        node: String,
    },
    /// Fill /srv/small of a node to the last byte
    Fill {
        /// Its name: n1
        node: String,
    },
    /// Undo fill
    Unfill {
        /// Its name: n1
        node: String,
    },
    /// Run a command in a node as root, not by SSH
    Exec {
        /// Its name: n1
        node: String,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Print the towline.yaml of the nodes
    Inventory,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// systemd, sshd, sudo, rsync, curl, iptables, containerd
    Small,
    /// The same and docker, nginx, git
    Full,
}

/// Runs the chore.
///
/// # Errors
/// What the bed says, with a hint where there is one.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let cache = match args.cache {
        Some(dir) => dir,
        None => default_cache()?,
    };
    let result = match args.action {
        Action::Up {
            count,
            image,
            mirror,
        } => {
            let image = image.map(|kind| match kind {
                Kind::Small => Image::Small,
                Kind::Full => Image::Full,
            });
            up(&BedOptions {
                count,
                image,
                cache_dir: cache,
                mirror,
            })
        }
        Action::Down => down(&cache),
        other => Bed::attach(&Bed::state_file_in(&cache)).and_then(|bed| with_bed(&bed, other)),
    };
    let Err(error) = result else { return Ok(()) };
    if let BedError::CannotStart { .. } = error {
        println!("{error}");
    }
    if let Some(hint) = error.hint() {
        println!("try: {hint}");
    }
    match error {
        BedError::CannotStart { .. } => std::process::exit(CANNOT_START),
        other => Err(other.into()),
    }
}

fn default_cache() -> anyhow::Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => std::env::home_dir()
            .context("no home folder: say --cache DIR")?
            .join(".cache"),
    };
    Ok(base.join("towline").join("testbed"))
}

fn up(options: &BedOptions) -> Result<(), BedError> {
    let begun = Instant::now();
    let bed = Bed::up(options, &mut |done| line(&done.step.to_string(), done.took))?;
    line("up", begun.elapsed());
    let inventory = bed.inventory_file();
    println!("\nInventory: {}", inventory.display());
    println!("State:     {}", bed.state_file().display());
    println!("\nTry:");
    println!(
        "  tow -C {} -F {} status -a",
        inventory.display(),
        bed.ssh_config_file().display()
    );
    println!("  ssh -F {} n1", bed.ssh_config_file().display());
    println!("Users: admin (sudo without a password), towline (sudo for some things), root, and");
    println!("ops (password {}, also for sudo).", bed.ops_password());
    println!("Tests: TOWLINE_TESTBED={}", bed.state_file().display());
    println!("End:   cargo xtask testbed down");
    Ok(())
}

fn down(cache: &std::path::Path) -> Result<(), BedError> {
    let begun = Instant::now();
    let removed = Bed::down(cache)?;
    let engine = if removed.engine {
        ", and its container engine"
    } else {
        ""
    };
    line(
        &format!("{} nodes removed{engine}", removed.nodes),
        begun.elapsed(),
    );
    Ok(())
}

fn line(what: &str, took: Duration) {
    println!("{what:<28} {:>7.2} s", took.as_secs_f64());
}

fn with_bed(bed: &Bed, action: Action) -> Result<(), BedError> {
    match action {
        Action::Status => status(bed),
        Action::Cut {
            node,
            from_host: true,
            ..
        } => bed.cut_from_host(bed.node(&node)?),
        Action::Cut {
            node,
            only_through: Some(via),
            ..
        } => bed.only_reachable_through(bed.node(&node)?, bed.node(&via)?),
        Action::Cut { node, .. } => bed.cut(bed.node(&node)?),
        Action::Heal { node } => {
            let node = bed.node(&node)?;
            bed.heal(node)?;
            bed.reachable_again(node)
        }
        Action::Fill { node } => bed.fill(bed.node(&node)?),
        Action::Unfill { node } => bed.unfill(bed.node(&node)?),
        Action::Exec { node, command } => exec(bed, bed.node(&node)?, &command),
        Action::Inventory => {
            let path = bed.inventory_file();
            let text =
                std::fs::read_to_string(&path).map_err(|source| BedError::File { path, source })?;
            print!("{text}");
            Ok(())
        }
        Action::Up { .. } | Action::Down => Ok(()),
    }
}

fn status(bed: &Bed) -> Result<(), BedError> {
    println!(
        "{:<6} {:<12} {:<8} {:<12} FAULTS",
        "NODE", "ADDRESS", "RUNS", "SSHD"
    );
    for node in bed.nodes() {
        let condition = bed.condition(node)?;
        let runs = if condition.running { "yes" } else { "no" };
        let sshd = if condition.sshd_greets {
            "answers"
        } else {
            "no answer"
        };
        let faults = match &condition.faults[..] {
            [] => "-".to_owned(),
            some => some.join(", "),
        };
        let address = node.address.to_string();
        println!(
            "{:<6} {address:<12} {runs:<8} {sshd:<12} {faults}",
            node.name
        );
    }
    println!("network {}, bridge {}", layout::SUBNET, layout::BRIDGE);
    Ok(())
}

/// Passes on what the command printed, and its exit code as our own.
fn exec(bed: &Bed, node: &BedNode, command: &[String]) -> Result<(), BedError> {
    let argv: Vec<&str> = command.iter().map(String::as_str).collect();
    let output = bed.exec(node, &argv)?;
    std::io::stdout().write_all(&output.stdout).ok();
    std::io::stderr().write_all(&output.stderr).ok();
    std::process::exit(output.status.code().unwrap_or(1))
}
