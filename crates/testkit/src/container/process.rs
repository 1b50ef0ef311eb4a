//! Running tools of this machine: always an argument vector, always with a time limit.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::error::BedError;

/// No tool of the bed but the image's builder takes longer.
const USUAL_LIMIT: Duration = Duration::from_secs(120);

/// One call of a tool.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    program: String,
    args: Vec<OsString>,
    root: bool,
    input: Vec<u8>,
    limit: Duration,
}

impl Tool {
    pub(super) fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            root: false,
            input: Vec::new(),
            limit: USUAL_LIMIT,
        }
    }

    /// A tool that needs root: run through `sudo -n` when we are not.
    pub(super) fn as_root(program: &str) -> Self {
        Self {
            root: true,
            ..Self::new(program)
        }
    }

    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(super) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(super) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    pub(super) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end, whatever that is.
    pub(super) fn output(&self) -> Result<Output, BedError> {
        let mut child = self
            .limited_command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| self.spawn_error(source))?;
        // Inputs are smaller than a pipe's buffer. A tool that does not read them is no error here.
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(&self.input).ok();
        }
        child
            .wait_with_output()
            .map_err(|source| self.spawn_error(source))
    }

    /// Runs it; its stdout, or an error when it failed.
    pub(super) fn run(&self) -> Result<String, BedError> {
        let output = self.output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(self.failed(&output))
        }
    }

    /// Whether it ends well.
    pub(super) fn succeeds(&self) -> Result<bool, BedError> {
        Ok(self.output()?.status.success())
    }

    /// The same call as something that streams can be tied to: no input, no time limit.
    pub(super) fn command(&self) -> Command {
        let mut words = Vec::new();
        if self.root && !rustix::process::geteuid().is_root() {
            words.extend([OsStr::new("sudo"), OsStr::new("-n"), OsStr::new("--")]);
        }
        words.push(OsStr::new(&self.program));
        words.extend(self.args.iter().map(OsString::as_os_str));
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    }

    fn limited_command(&self) -> Command {
        let inner = self.command();
        let mut command = Command::new("timeout");
        command
            .args(["--foreground", "--kill-after=5"])
            .arg(self.limit.as_secs().to_string())
            .arg(inner.get_program())
            .args(inner.get_args());
        command
    }

    /// The error for an end that was not a good one.
    pub(super) fn failed(&self, output: &Output) -> BedError {
        BedError::Tool {
            command: self.to_string(),
            status: output.status,
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }
    }

    /// The error for output that nobody can make sense of.
    pub(super) fn unexpected(&self, output: &str) -> BedError {
        BedError::Output {
            command: self.to_string(),
            output: output.trim().to_owned(),
        }
    }

    pub(super) fn spawn_error(&self, source: std::io::Error) -> BedError {
        BedError::Spawn {
            program: self.program.clone(),
            source,
        }
    }
}

/// For people to read, never for a shell.
impl std::fmt::Display for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.program)?;
        for arg in &self.args {
            write!(f, " {}", arg.to_string_lossy())?;
        }
        Ok(())
    }
}

/// Whether a [`Tool::as_root`] has a chance.
pub(super) fn can_be_root() -> bool {
    rustix::process::geteuid().is_root() || Tool::as_root("true").succeeds().unwrap_or(false)
}

/// The tools of `wanted` that are in none of the usual folders of programs.
pub(super) fn missing_tools<'a>(wanted: &[&'a str]) -> Vec<&'a str> {
    const FOLDERS: [&str; 6] = [
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
    ];
    wanted
        .iter()
        .copied()
        .filter(|tool| {
            !FOLDERS
                .iter()
                .any(|folder| Path::new(folder).join(tool).is_file())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_goes_in_and_output_comes_out() {
        let text = Tool::new("tr")
            .args(["a-z", "A-Z"])
            .input("towline")
            .run()
            .unwrap();
        assert_eq!(text, "TOWLINE");
    }

    #[test]
    fn a_failure_carries_command_status_and_stderr() {
        let error = Tool::new("ls").arg("/does/not/exist").run().unwrap_err();
        let BedError::Tool {
            command,
            status,
            stderr,
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(command, "ls /does/not/exist");
        assert_eq!(status.code(), Some(2));
        assert!(stderr.contains("/does/not/exist"), "{stderr}");
    }

    #[test]
    fn what_hangs_is_ended() {
        let output = Tool::new("sleep")
            .arg("60")
            .limit(Duration::from_secs(1))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(124));
    }

    #[test]
    fn only_what_is_missing_is_named() {
        assert_eq!(
            missing_tools(&["sh", "no-such-tool-here"]),
            ["no-such-tool-here"]
        );
    }
}
