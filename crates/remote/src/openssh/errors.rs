//! What went wrong, from what ssh says: the one place where text decides, as ssh has one exit
//! code for everything. Its messages are not translated, and the samples below are recorded.

use std::{fs, io, path::Path};

use super::{Client, Proxy};
use crate::error::{AuthAttempt, AuthResult, HostKeyProblem, RemoteError, Stage};

/// The file for what ssh says.
pub(super) const SAID: &str = "said";

/// The file for what a proxy command says.
pub(super) const PROXY_SAID: &str = "proxy";

/// The file for what the ssh of a jump host says, the nearest to the node being the first.
pub(super) fn said_at(depth: usize) -> String {
    match depth {
        0 => SAID.to_owned(),
        depth => format!("{SAID}-{depth}"),
    }
}

fn read(folder: &Path, name: &str) -> String {
    let said = fs::read(folder.join(name)).unwrap_or_default();
    String::from_utf8_lossy(&said).into_owned()
}

/// How much ssh has said until now, in bytes.
pub(super) fn said_so_far(folder: &Path) -> usize {
    read(folder, SAID).len()
}

/// Why the far end of a forward was not reached, if ssh has said so since `from`.
pub(super) fn open_failed(folder: &Path, from: usize) -> Option<String> {
    let said = read(folder, SAID);
    let since = said.get(from..)?;
    let (_, reason) = since
        .lines()
        .find_map(|line| line.split_once(": open failed: "))?;
    Some(reason.to_owned())
}

/// The last line that ssh said.
pub(super) fn last_word(folder: &Path) -> Option<String> {
    let said = read(folder, SAID);
    lines(&said).last().map(|line| (*line).to_owned())
}

/// Why ssh did not log in.
pub(super) fn explain(client: &Client, folder: &Path) -> RemoteError {
    explain_at(client, folder, 0, None)
}

fn explain_at(client: &Client, folder: &Path, depth: usize, beyond: Option<&str>) -> RemoteError {
    let said = read(folder, &said_at(depth));
    let error = judge(client, &said, beyond);
    // What stands in between ended; the reason is there.
    if !matches!(error, RemoteError::Dropped { .. }) {
        return error;
    }
    match &client.proxy {
        Proxy::Nothing => error,
        Proxy::Command(_) => {
            let said = read(folder, PROXY_SAID);
            let reason = match said.trim() {
                "" => "it ended, or said something that is not SSH".to_owned(),
                text => text.to_owned(),
            };
            RemoteError::ProxyCommand { reason }
        }
        Proxy::Jump(jump) => {
            if lines(&read(folder, &said_at(depth + 1))).is_empty() {
                // The jump host did its part.
                return error;
            }
            let address = client.address();
            RemoteError::Proxy {
                proxy: jump.address(),
                source: Box::new(explain_at(jump, folder, depth + 1, Some(&address))),
            }
        }
    }
}

/// The lines that tell of trouble.
fn lines(said: &str) -> Vec<&str> {
    let harmless =
        |line: &&str| !line.is_empty() && !line.starts_with("Warning: Permanently added");
    said.lines().map(str::trim).filter(harmless).collect()
}

fn judge(client: &Client, said: &str, beyond: Option<&str>) -> RemoteError {
    let lines = lines(said);
    let after = |mark: &str| {
        let found = lines.iter().find_map(|line| line.split_once(mark));
        found.map(|(_, rest)| rest.to_owned())
    };
    let says = |mark: &str| lines.iter().any(|line| line.contains(mark));
    let address = client.address();
    if let Some(problem) = host_key_problem(&lines) {
        return RemoteError::HostKeyRefused { address, problem };
    }
    if let Some(accepts) = after("Permission denied (") {
        let accepts = accepts.trim_end_matches(").").split(',');
        return denied(client, &lines, accepts.map(str::to_owned).collect());
    }
    if says("Too many authentication failures") {
        return denied(client, &lines, Vec::new());
    }
    if let (Some(reason), Some(beyond)) = (after(": open failed: "), beyond) {
        return RemoteError::Channel {
            what: format!("connection to {beyond}"),
            reason,
            later: false,
        };
    }
    if let Some(rest) = after("Could not resolve hostname ") {
        let reason = rest.split_once(": ").map_or("", |(_, reason)| reason);
        let kind = if reason.starts_with("Temporary failure") {
            io::ErrorKind::TimedOut
        } else {
            io::ErrorKind::NotFound
        };
        return RemoteError::Resolve {
            host: client.hostname.clone(),
            source: io::Error::new(kind, reason),
        };
    }
    if let Some(rest) = after("connect to host ") {
        return not_connected(client, &rest);
    }
    if says("timed out") {
        return too_late(client, Stage::Handshake);
    }
    if let Some(rest) = after("Unable to negotiate with ") {
        let reason = rest.split_once(": ").map_or(rest.as_str(), |(_, why)| why);
        return RemoteError::Protocol {
            address,
            reason: reason.to_owned(),
        };
    }
    let broken = [
        "Connection closed by",
        "Connection reset by",
        // Of the banner exchange, where a proxy command has ended already.
        ": Broken pipe",
        "exchange_identification",
    ];
    if broken.iter().any(|mark| says(mark)) {
        return RemoteError::Dropped {
            address,
            stage: Stage::Handshake,
            source: None,
        };
    }
    let last = lines.last().map(|line| (*line).to_owned());
    let reason = last.unwrap_or_else(|| "it ended without a word".to_owned());
    if says("onfiguration option") || says("keyword ") || says("extra arguments") {
        return RemoteError::Config { reason, hint: None };
    }
    RemoteError::OpenSsh { reason }
}

fn host_key_problem(lines: &[&str]) -> Option<HostKeyProblem> {
    let says = |mark: &str| lines.iter().any(|line| line.contains(mark));
    if says("REVOKED HOST KEY") || says("is marked as revoked") || says("is revoked") {
        return Some(HostKeyProblem::Revoked);
    }
    if says("HOST IDENTIFICATION HAS CHANGED") {
        // "The fingerprint for the TYPE key sent by the remote host is", then the fingerprint.
        let offered = lines
            .iter()
            .zip(lines.iter().skip(1))
            .find_map(|(line, next)| {
                let rest = line.strip_prefix("The fingerprint for the ")?;
                let (kind, _) = rest.split_once(" key")?;
                Some([kind, " ", next.trim_end_matches('.')].concat())
            });
        let known = lines.iter().find_map(|line| {
            let rest = line.strip_prefix("Offending ")?;
            rest.split_once(" in ").map(|(_, place)| place.to_owned())
        });
        return Some(HostKeyProblem::Changed {
            offered: offered.unwrap_or_else(|| "a key".to_owned()),
            known: known.unwrap_or_else(|| "the place is not told".to_owned()),
        });
    }
    let unknown = says("host key is known for") || says("Host key verification failed");
    unknown.then_some(HostKeyProblem::Unknown)
}

fn denied(client: &Client, lines: &[&str], accepts: Vec<String>) -> RemoteError {
    let all = "what the system's ssh client has".to_owned();
    let mut attempts = vec![AuthAttempt {
        what: all.clone(),
        result: AuthResult::Refused,
    }];
    let marks = [
        "Load key",
        "sign_and_send_pubkey",
        "Identity file",
        "signing failed",
    ];
    let told = lines
        .iter()
        .filter(|line| marks.iter().any(|mark| line.contains(mark)));
    attempts.extend(told.map(|line| AuthAttempt {
        what: all.clone(),
        result: AuthResult::Unusable(line.trim_start_matches("Warning: ").to_owned()),
    }));
    RemoteError::AuthDenied {
        user: client.user.clone(),
        address: client.address(),
        attempts,
        accepts,
    }
}

fn not_connected(client: &Client, said: &str) -> RemoteError {
    let address = client.address();
    let reason = said.rsplit_once(": ").map_or(said, |(_, reason)| reason);
    match reason {
        "Connection refused" => RemoteError::Refused { address },
        "Connection timed out" | "Operation timed out" => too_late(client, Stage::Tcp),
        _ => RemoteError::Unreachable {
            address,
            source: io::Error::other(reason.to_owned()),
        },
    }
}

fn too_late(client: &Client, stage: Stage) -> RemoteError {
    RemoteError::ConnectTimeout {
        address: client.address(),
        after: client.connect_timeout,
        stage,
    }
}

#[cfg(test)]
mod tests;
