//! The container engine's command line, as far as the bed needs it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::BedError;
use super::layout::LABEL;
use super::process::Tool;

/// One container of the bed, as the engine lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) running: bool,
    pub(super) image: String,
}

/// An engine, by its socket. The user's `DOCKER_HOST` and contexts are not asked: the bed's faults
/// need an engine on this very machine.
#[derive(Debug, Clone)]
pub(super) struct Docker {
    socket: PathBuf,
}

impl Docker {
    pub(super) fn at(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn call(&self) -> Tool {
        let mut host = std::ffi::OsString::from("unix://");
        host.push(&self.socket);
        Tool::as_root("docker").arg("--host").arg(host)
    }

    /// Whether an engine answers there. A socket file alone says nothing.
    pub(super) fn answers(&self) -> Result<bool, BedError> {
        if !self.socket.exists() {
            return Ok(false);
        }
        self.call()
            .args(["version", "--format", "{{.Server.Version}}"])
            .limit(Duration::from_secs(10))
            .succeeds()
    }

    /// The bed's containers, running or not, by name.
    pub(super) fn containers(&self) -> Result<Vec<Container>, BedError> {
        let tool = self
            .call()
            .args(["ps", "--all", "--no-trunc"])
            .args(["--filter", &format!("label={LABEL}=bed")])
            .args(["--format", "{{.ID}}\t{{.Names}}\t{{.State}}\t{{.Image}}"]);
        let text = tool.run()?;
        let mut found = text
            .lines()
            .map(|line| parse_container(line).ok_or_else(|| tool.unexpected(line)))
            .collect::<Result<Vec<_>, _>>()?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// The process id, on this machine, of a running container's first process.
    pub(super) fn pid(&self, container: &str) -> Result<u32, BedError> {
        let tool = self
            .call()
            .args(["inspect", "--format", "{{.State.Pid}}", container]);
        let text = tool.run()?;
        match text.trim().parse() {
            Ok(0) | Err(_) => Err(BedError::NotUp {
                reason: format!("container {container} does not run"),
            }),
            Ok(pid) => Ok(pid),
        }
    }

    /// A command in a container, as root.
    pub(super) fn exec(&self, container: &str) -> Tool {
        self.call().args(["exec", "--interactive", container])
    }

    pub(super) fn has_image(&self, tag: &str) -> Result<bool, BedError> {
        self.call()
            .args(["image", "inspect", "--format", "{{.Id}}", tag])
            .succeeds()
    }
}

fn parse_container(line: &str) -> Option<Container> {
    let mut fields = line.split('\t');
    let mut next = || fields.next().filter(|field| !field.is_empty());
    Some(Container {
        id: next()?.to_owned(),
        name: next()?.to_owned(),
        running: next()? == "running",
        image: next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_container_is_understood() {
        let line = "0a1b\ttowline-bed-n1\trunning\ttowline-testbed:small-12ab";
        assert_eq!(
            parse_container(line),
            Some(Container {
                id: "0a1b".into(),
                name: "towline-bed-n1".into(),
                running: true,
                image: "towline-testbed:small-12ab".into(),
            })
        );
        let stopped = "0a1b\ttowline-bed-n1\texited\tx";
        assert!(!parse_container(stopped).unwrap().running);
        assert_eq!(parse_container("0a1b\ttowline-bed-n1"), None);
    }
}
