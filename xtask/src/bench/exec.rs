//! `cargo xtask bench exec`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who runs it"
)]

use std::path::PathBuf;

use clap::ValueEnum;

use super::{
    cases::{self, Setting, Tool},
    fleet::Fleet,
    install::{self, Built},
    interrupt,
    machine::Machine,
    measure::Bench,
    peers::PEERS,
    report::Report,
};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Case {
    /// `true` on many hosts to which no connection is open, beside every peer
    Cold,
    /// The same on a thousand hosts: memory, also with 1,024 file descriptors
    Many,
    /// One host to which no connection is open
    One,
    /// Commands over a connection that is open
    Warm,
    /// What Towline takes to start
    Start,
    /// Folding names of nodes
    Fold,
}

/// Measures `tow exec` beside other tools
///
/// Starts an sshd of its own on loopback, reached as 127.1.x.y, and builds Towline as it is shipped.
/// What is missing is installed: Debian packages by name, bssh from the Rust registry. The tools take
/// turns in every round; each run counts only if sshd saw its commands on every host and the tool
/// returned 0. CPU is user and system time of the tool and all it starts.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to measure [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CASE")]
    case: Vec<Case>,
    /// Hosts of the cold case
    #[arg(long, value_name = "N", default_value_t = 200)]
    hosts: usize,
    /// Hosts of the case `many`
    #[arg(long, value_name = "N", default_value_t = 1000)]
    many: usize,
    /// Hosts at a time, in the cold case
    #[arg(short = 'f', long, value_name = "N", default_value_t = 32)]
    fanout: usize,
    /// How often each tool is measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Tools to measure beside Towline, by name: bssh, pdsh, `xargs ssh`…; none [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    peers: Vec<String>,
    /// Print numbers for programs
    #[arg(long)]
    json: bool,
    /// Put the tables between the markers of this file too: docs/benchmarks.md
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Build nothing and measure this program; examples/warm beside it for the case `warm`
    #[arg(long, value_name = "PROGRAM")]
    tow: Option<PathBuf>,
}

/// Runs the benchmark.
///
/// # Errors
/// When something could not be measured.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    interrupt::listen()?;
    let mut notes = Vec::new();
    progress("installing what is missing");
    if let Err(error) = install::packages() {
        interrupt::check()?;
        notes.push(format!("Debian packages are missing: {error:#}"));
    }
    let tools = tools(args, &mut notes)?;
    let built = if let Some(tow) = &args.tow {
        Built::at(tow)?
    } else {
        progress("building Towline for release");
        install::towline()?
    };
    let mut report = Report::new(machine(&built, &tools), command_line());
    report.notes = notes;
    let fleet = Fleet::start()?;
    let setting = Setting {
        bench: Bench::new(&fleet)?,
        fleet: &fleet,
        built: &built,
        tools: &tools,
        hosts: args.hosts,
        many: args.many,
        fanout: args.fanout,
        rounds: usize::from(args.rounds),
        progress,
    };
    let mut failed = false;
    for case in Case::value_variants() {
        if args.case.is_empty() || args.case.contains(case) {
            // What was found out by other cases is shown all the same.
            if let Err(error) = measure(*case, &setting, &mut report) {
                interrupt::check()?;
                report.notes.push(format!("{case:?} failed: {error:#}"));
                failed = true;
            }
        }
    }
    drop(setting);
    drop(fleet);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    if let Some(file) = &args.write {
        report.write(file)?;
    }
    anyhow::ensure!(
        !failed,
        "not everything could be measured: see the notes above"
    );
    Ok(())
}

fn measure(case: Case, setting: &Setting<'_>, report: &mut Report) -> anyhow::Result<()> {
    match case {
        Case::Cold => cases::cold::measure(setting, report),
        Case::Many => cases::many::measure(setting, report),
        Case::One => cases::one::measure(setting, report),
        Case::Warm => cases::warm::measure(setting, report),
        Case::Start => cases::start::measure(setting, report),
        Case::Fold => cases::fold::measure(setting, report),
    }
}

/// The peers that are wanted and to be had. What is not to be had is noted.
fn tools(args: &Args, notes: &mut Vec<String>) -> anyhow::Result<Vec<Tool>> {
    for name in &args.peers {
        let known = name == "none"
            || PEERS
                .iter()
                .any(|peer| peer.name.starts_with(name.as_str()));
        let names = || {
            PEERS
                .iter()
                .map(|peer| peer.name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        anyhow::ensure!(known, "--peers {name}: there are {} and none", names());
    }
    let wanted = |name: &str| {
        args.peers.is_empty()
            || args
                .peers
                .iter()
                .any(|wanted| name.starts_with(wanted.as_str()))
    };
    let mut tools = Vec::new();
    for peer in PEERS.iter().filter(|peer| wanted(peer.name)) {
        let program = if peer.name == "bssh" {
            progress("building bssh, if that was not done before");
            install::bssh(&install::cache()?)
        } else {
            found(peer.program)
        };
        interrupt::check()?;
        match program {
            Ok(program) => tools.push(Tool { peer, program }),
            Err(error) => notes.push(format!("{} is not measured: {error:#}", peer.name)),
        }
    }
    Ok(tools)
}

fn found(program: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| anyhow::anyhow!("there is no {program} on the path"))
}

fn machine(built: &Built, tools: &[Tool]) -> Machine {
    let mut machine = Machine::here();
    machine.note("tow", &built.tow, "--version");
    machine.note("OpenSSH", "ssh".as_ref(), "-V");
    for tool in tools {
        machine.note(tool.peer.name, &tool.program, tool.peer.version);
    }
    machine
}

fn command_line() -> String {
    let mut words = vec!["cargo xtask".to_owned()];
    words.extend(std::env::args().skip(1));
    words.join(" ")
}

/// What is being done: for whoever waits.
fn progress(what: &str) {
    eprintln!("bench: {what}");
}
