//! A process of its own that runs one command and writes down what it cost: nothing else is below
//! it, so the kernel's account of its children is the account of that command.

use std::{
    ffi::OsString,
    fs::File,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, kill_process, set_child_subreaper,
    set_parent_process_death_signal, setrlimit, wait,
};
use serde::{Deserialize, Serialize};

use super::{
    interrupt,
    tree::{self, Count},
};

/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(5);

/// The proportional count is so dear that it would take a processor for itself.
const LOOK_PROPORTIONAL: Duration = Duration::from_millis(40);

/// What is run, and how it is looked at.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where what it cost is written
    #[arg(long)]
    pub(super) result: PathBuf,
    /// Where its standard output goes
    #[arg(long)]
    pub(super) stdout: PathBuf,
    /// Where its standard error goes
    #[arg(long)]
    pub(super) stderr: PathBuf,
    /// How often it is run, one after the other
    #[arg(long, default_value_t = 1)]
    pub(super) repeat: usize,
    /// File descriptors it may have
    #[arg(long)]
    pub(super) nofile: Option<u64>,
    /// Look at its memory
    #[arg(long)]
    pub(super) memory: bool,
    /// Look at its memory with shared pages divided up
    #[arg(long, conflicts_with = "memory")]
    pub(super) proportional: bool,
    /// The command
    #[arg(last = true, required = true)]
    pub(super) command: Vec<OsString>,
}

/// What a command cost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Cost {
    /// The first exit code that was not 0; 128 and the signal's number after a signal.
    pub(super) exit: i32,
    /// From its start to its end, in milliseconds; one for each time it was run.
    pub(super) wall_ms: Vec<f64>,
    /// User and system time of it and all it started, in milliseconds, all runs together.
    pub(super) cpu_ms: f64,
    /// The most memory that it and all it started held at one time, in KiB; 0 when not looked at.
    pub(super) memory_kib: u64,
    /// The most processes there were at one time; 0 when not looked at.
    pub(super) processes: usize,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    interrupt::listen()?;
    // ControlMasters and their like leave their parent: they come to us instead of to init.
    set_child_subreaper(Some(rustix::process::getpid())).context("becoming the subreaper")?;
    set_parent_process_death_signal(Some(Signal::TERM)).context("tying us to the benchmark")?;
    if let Some(limit) = args.nofile {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(Resource::Nofile, limit).context("setting the limit of descriptors")?;
    }
    let done = AtomicBool::new(false);
    let mut cost = Cost::default();
    let peak = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(args, &done));
        let ran = repeat(args, &mut cost);
        done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        let peak = watcher.join().unwrap_or_default();
        ran.map(|()| peak)
    })?;
    reap_the_rest();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("asking what it cost")?;
    let milliseconds = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs()).as_secs_f64() * 1e3
            + Duration::from_micros(time.tv_usec().unsigned_abs()).as_secs_f64() * 1e3
    };
    cost.cpu_ms = milliseconds(usage.user_time()) + milliseconds(usage.system_time());
    cost.memory_kib = peak.memory;
    cost.processes = peak.processes;
    serde_json::to_writer(File::create(&args.result)?, &cost)?;
    Ok(())
}

fn repeat(args: &Args, cost: &mut Cost) -> anyhow::Result<()> {
    let (program, arguments) = args.command.split_first().context("no command")?;
    let stdout = File::create(&args.stdout)?;
    let stderr = File::create(&args.stderr)?;
    for _ in 0..args.repeat {
        let begun = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        let status = child.wait()?;
        cost.wall_ms.push(begun.elapsed().as_secs_f64() * 1e3);
        interrupt::check()?;
        if cost.exit == 0 {
            cost.exit = exit_code(status);
        }
    }
    Ok(())
}

fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    let signalled = || 128 + status.signal().unwrap_or_default();
    status.code().unwrap_or_else(signalled)
}

/// Looks at the memory until all is done, and ends everything when a signal comes.
fn watch(args: &Args, done: &AtomicBool) -> tree::Held {
    let (count, pause) = if args.proportional {
        (Some(Count::Proportional), LOOK_PROPORTIONAL)
    } else {
        (args.memory.then_some(Count::Resident), LOOK)
    };
    let mut peak = tree::Held::default();
    while !done.load(Ordering::Relaxed) {
        if interrupt::seen() {
            end_all(Signal::TERM);
        }
        if let Some(count) = count {
            let held = tree::held(count);
            peak.processes = peak.processes.max(held.processes);
            peak.memory = peak.memory.max(held.memory);
            // What a single process held between two looks is known to the kernel.
            if count == Count::Resident
                && let [only] = tree::children()[..]
            {
                peak.memory = peak.memory.max(tree::high_water(only).unwrap_or_default());
            }
        }
        std::thread::park_timeout(pause);
    }
    peak
}

/// What stayed behind is ended and counted in: a tool pays for what it leaves running.
fn reap_the_rest() {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut signal = Signal::TERM;
    loop {
        end_all(signal);
        match wait(WaitOptions::NOHANG) {
            Err(_) => return,
            Ok(Some(_)) => {}
            Ok(None) => {
                if Instant::now() > deadline {
                    signal = Signal::KILL;
                }
                std::thread::sleep(LOOK);
            }
        }
    }
}

fn end_all(signal: Signal) {
    for pid in tree::descendants() {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _gone = kill_process(pid, signal);
        }
    }
}
