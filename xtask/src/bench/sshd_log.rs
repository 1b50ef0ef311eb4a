//! What an sshd with `LogLevel VERBOSE` wrote down: the proof of what a tool did, told by the other
//! side.

use std::collections::{BTreeSet, HashMap};

/// What was done in a stretch of the log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Commands that were started.
    pub(super) commands: usize,
    /// The addresses on which they were.
    pub(super) hosts: BTreeSet<String>,
}

/// Reads a stretch of the log.
pub(super) fn read(log: &str) -> Seen {
    let mut seen = Seen::default();
    // Two connections to different hosts may come from one port at the same time; on which of them
    // a command was run can not be told, so both count.
    let mut from: HashMap<&str, (Vec<&str>, bool)> = HashMap::new();
    for line in log.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [
                "Connection",
                "from",
                _,
                "port",
                theirs,
                "on",
                ours,
                "port",
                ..,
            ] => {
                from.entry(theirs).or_default().0.push(ours);
            }
            [
                "Starting",
                "session:",
                "command",
                ..,
                "port",
                theirs,
                "id",
                _,
            ] => {
                seen.commands += 1;
                from.entry(theirs).or_default().1 = true;
            }
            _ => {}
        }
    }
    for (hosts, _) in from.values().filter(|(_, ran)| *ran) {
        seen.hosts.extend(hosts.iter().map(|&host| host.to_owned()));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_commands_and_where_they_were() {
        let log = "\
Server listening on 0.0.0.0 port 22001.
Connection from 127.0.0.1 port 40002 on 127.1.0.1 port 22001 rdomain \"\"
Connection from 127.0.0.1 port 40004 on 127.1.0.2 port 22001 rdomain \"\"
Accepted key ED25519 SHA256:x found at /tmp/x/authorized_keys:1
Connection from 127.0.0.1 port 40004 on 127.1.0.3 port 22001 rdomain \"\"
Accepted publickey for root from 127.0.0.1 port 40004 ssh2: ED25519 SHA256:x
Starting session: command for root from 127.0.0.1 port 40004 id 0
Starting session: command for root from 127.0.0.1 port 40004 id 1
Close session: user root from 127.0.0.1 port 40004 id 0
Connection closed by 127.0.0.1 port 40002 [preauth]
";
        let seen = read(log);
        // From port 40002 nobody logged in.
        assert_eq!(seen.commands, 2);
        assert_eq!(
            seen.hosts.into_iter().collect::<Vec<_>>(),
            ["127.1.0.2", "127.1.0.3"]
        );
    }
}
