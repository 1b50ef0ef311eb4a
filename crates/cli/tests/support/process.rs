//! The binary, run without a terminal.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, OnceLock},
    time::Instant,
};

use jsonschema::Validator;
use rustix::process::{Pid, Signal, kill_process};
use towline_core::event::{Envelope, Event, NodeResult, Report};

use super::{PATIENCE, Screen};

/// A command line to be run.
pub(crate) struct Tow {
    program: Vec<String>,
    folder: Option<PathBuf>,
    env: BTreeMap<String, String>,
    stdin: Option<Vec<u8>>,
}

impl Tow {
    pub(super) fn new<W: AsRef<str>>(program: &Path, words: impl IntoIterator<Item = W>) -> Self {
        let mut all = vec![program.to_string_lossy().into_owned()];
        all.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        Self {
            program: all,
            folder: None,
            env: BTreeMap::new(),
            stdin: None,
        }
    }

    /// The same with more words.
    pub(crate) fn and<W: AsRef<str>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|word| word.as_ref().to_owned());
        self.program.extend(words);
        self
    }

    /// The working folder.
    pub(crate) fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folder = Some(path.into());
        self
    }

    /// A variable; nothing is inherited.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// What stands on standard input; nothing, if not called.
    pub(crate) fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// Runs it below another program: `["prlimit", "--nofile=64"]`.
    pub(crate) fn below(mut self, program: &[&str]) -> Self {
        let words = program.iter().map(|&word| word.to_owned());
        self.program.splice(0..0, words);
        self
    }

    /// As a command in a session of its own, so that it finds no terminal where the tests have
    /// one. `setsid` becomes the program: the process is the same.
    pub(super) fn command(&self, setsid: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command
            .args(setsid)
            .args(&self.program)
            .env_clear()
            .envs(&self.env);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    /// Starts it.
    pub(crate) fn start(self) -> Running {
        let mut command = self.command(&[]);
        let stdin = match &self.stdin {
            None => Stdio::null(),
            Some(_) => Stdio::piped(),
        };
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if let (Some(mut pipe), Some(text)) = (child.stdin.take(), self.stdin) {
            // One that does not read to the end is its own affair.
            std::thread::spawn(move || drop(pipe.write_all(&text)));
        }
        let heard = [
            Heard::listen(child.stdout.take().unwrap()),
            Heard::listen(child.stderr.take().unwrap()),
        ];
        Running { child, heard }
    }

    /// Starts it on a terminal of so many columns.
    pub(crate) fn on_terminal(self, columns: u16) -> Screen {
        Screen::start(&self, columns)
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Done {
        self.start().done()
    }

    /// Runs it to its end, which has to be `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Done {
        let done = self.run();
        assert_eq!(done.code, Some(code), "{}", done.transcript());
        done
    }
}

/// A program under way.
pub(crate) struct Running {
    child: Child,
    heard: [Arc<Heard>; 2],
}

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits until this stands on standard output.
    #[track_caller]
    pub(crate) fn await_stdout(&self, text: &str) {
        self.heard[0].wait_for(text);
    }

    /// Waits until this stands on standard error.
    #[track_caller]
    pub(crate) fn await_stderr(&self, text: &str) {
        self.heard[1].wait_for(text);
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn done(mut self) -> Done {
        let [stdout, stderr] = self.heard.each_ref().map(|heard| heard.rest());
        // Both streams are at their end by now, so the program is, or nearly so.
        let status = self.child.wait().unwrap();
        Done {
            code: status.code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already, unless a test failed.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// What has come of a stream so far.
#[derive(Default)]
pub(super) struct Heard {
    text: Mutex<(Vec<u8>, bool)>,
    more: Condvar,
}

impl Heard {
    pub(super) fn listen(mut stream: impl Read + Send + 'static) -> Arc<Self> {
        let heard = Arc::new(Self::default());
        let to = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            loop {
                // A terminal that was hung up ends with an error.
                let length = stream.read(&mut buffer).unwrap_or(0);
                let mut text = to.text.lock().unwrap();
                text.0.extend_from_slice(&buffer[..length]);
                text.1 = length == 0;
                to.more.notify_all();
                if text.1 {
                    return;
                }
            }
        });
        heard
    }

    /// Waits until `wanted` has come.
    #[track_caller]
    pub(super) fn wait_for(&self, wanted: &str) {
        let is_there = |text: &[u8]| String::from_utf8_lossy(text).contains(wanted);
        let (text, ended) = self.wait(|text, ended| ended || is_there(text));
        assert!(
            is_there(&text),
            "no {wanted:?} {} in:\n{}",
            if ended { "to its end" } else { "in time" },
            String::from_utf8_lossy(&text)
        );
    }

    /// Everything, once it has ended.
    #[track_caller]
    pub(super) fn rest(&self) -> Vec<u8> {
        let (text, ended) = self.wait(|_, ended| ended);
        assert!(ended, "no end of:\n{}", String::from_utf8_lossy(&text));
        text
    }

    fn wait(&self, until: impl Fn(&[u8], bool) -> bool) -> (Vec<u8>, bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut text = self.text.lock().unwrap();
        while !until(&text.0, text.1) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            text = self.more.wait_timeout(text, left).unwrap().0;
        }
        text.clone()
    }
}

/// The committed schema of `tow exec --output json`.
pub(crate) fn events_schema() -> &'static Validator {
    static SCHEMA: OnceLock<Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| schema(include_str!("../../../../schema/events.schema.json")))
}

/// The committed schema of `tow status --output json`.
pub(crate) fn status_schema() -> &'static Validator {
    static SCHEMA: OnceLock<Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| schema(include_str!("../../../../schema/status.schema.json")))
}

fn schema(text: &str) -> Validator {
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

/// How a program ended, and all it wrote.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Done {
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Standard error as one line: where it was broken depends on the length of names.
    pub(crate) fn said(&self) -> String {
        let err = self.err();
        err.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The lines of standard output in alphabetical order: nodes finish in any.
    pub(crate) fn sorted(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.out().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// All of it as one text, for people and snapshots.
    pub(crate) fn transcript(&self) -> String {
        let mut text = String::new();
        match self.code {
            Some(code) => writeln!(text, "exit code {code}").unwrap(),
            None => text.push_str("ended by a signal\n"),
        }
        for (name, stream) in [("stdout", self.out()), ("stderr", self.err())] {
            if !stream.is_empty() {
                write!(text, "--- {name}\n{stream}").unwrap();
                if !stream.ends_with('\n') {
                    text.push('\n');
                }
            }
        }
        text
    }

    /// Standard output, where it is `--output json`. Every line is held against the schema.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Envelope> {
        let parse = |line: &str| {
            let value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            events_schema()
                .validate(&value)
                .unwrap_or_else(|e| panic!("not as schema/events.schema.json says: {e}: {line}"));
            serde_json::from_value(value).unwrap_or_else(|e| panic!("{e}: {line}"))
        };
        self.out().lines().map(parse).collect()
    }

    /// What became of a node, where standard output is `--output json`.
    #[track_caller]
    pub(crate) fn result(&self, node: &str) -> NodeResult {
        let mut found = self
            .events()
            .into_iter()
            .filter_map(|line| match line.event {
                Event::NodeFinished(result) if result.node.as_str() == node => Some(result),
                _ => None,
            });
        let first = found.next().unwrap_or_else(|| panic!("{node} never ended"));
        assert!(found.next().is_none(), "{node} ended twice");
        first
    }

    /// The report, where standard output is `--output json`.
    #[track_caller]
    pub(crate) fn report(&self) -> Report {
        match self.events().pop().map(|line| line.event) {
            Some(Event::Report(report)) => report,
            other => panic!("the last line is no report: {other:?}"),
        }
    }
}
