//! On what was measured.

use std::{fs, path::Path, process::Command};

use serde::Serialize;

/// A machine and its programs.
#[derive(Serialize)]
pub(super) struct Machine {
    processor: String,
    threads: usize,
    memory_gib: f64,
    kernel: String,
    system: String,
    load: String,
    versions: Vec<(String, String)>,
}

impl Machine {
    /// This one.
    pub(super) fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let memory = after(&read("/proc/meminfo"), "MemTotal:", ':')
            .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
        Self {
            processor: known(after(&read("/proc/cpuinfo"), "model name", ':')),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory.unwrap_or_default() / f64::from(1 << 20),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            system: known(after(&read("/etc/os-release"), "PRETTY_NAME", '='))
                .trim_matches('"')
                .to_owned(),
            load: read("/proc/loadavg")
                .split(' ')
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
            versions: Vec::new(),
        }
    }

    /// Notes down the version that a program tells.
    pub(super) fn note(&mut self, name: &str, program: &Path, flag: &str) {
        let output = Command::new(program).arg(flag).output();
        let text = output
            .map(|output| [output.stdout, output.stderr].concat())
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().find(|line| !line.trim().is_empty());
        let line = line.unwrap_or("unknown").trim().to_owned();
        self.versions.push((name.to_owned(), line));
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{}, {} threads, {:.0} GiB, {}, Linux {}; load average at the start {}.\n",
            self.processor, self.threads, self.memory_gib, self.system, self.kernel, self.load
        )?;
        let shown: Vec<String> = self
            .versions
            .iter()
            .map(|(name, version)| format!("{name} ({version})"))
            .collect();
        writeln!(f, "Versions: {}.", shown.join(", "))
    }
}

/// What follows a name and a separator.
fn after(text: &str, name: &str, separator: char) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(separator)?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_tells() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: other\n";
        assert_eq!(
            after(text, "model name", ':').as_deref(),
            Some("Some CPU @ 2 GHz")
        );
        assert_eq!(
            after("PRETTY_NAME=\"D 12\"", "PRETTY_NAME", '=').as_deref(),
            Some("\"D 12\"")
        );
        assert_eq!(after(text, "flags", ':'), None);
    }
}
