//! File descriptors: how many nodes can be worked on at a time with those that this process may
//! have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use towline_fleet::fanout::Policy;

use crate::terminal::Terminal;

/// What is open whatever the number of nodes: the terminal, the event loop, look-ups of names, the
/// store of output that is to be folded.
const OTHERS: u64 = 64;

/// The policy for a run on so many nodes, with a smaller fan-out when so many at a time would need
/// more descriptors than this process may have. The limit is raised first as far as the system lets
/// anybody raise it.
pub(crate) fn bound(policy: Policy, nodes: usize, per_node: usize, terminal: &Terminal) -> Policy {
    let fanout = policy.fanout.min(nodes);
    let per_node = per_node.max(1);
    let wanted = OTHERS + u64::try_from(fanout * per_node).unwrap_or(u64::MAX);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut limit = current.unwrap_or(u64::MAX);
    if limit < wanted {
        let raised = maximum.map_or(wanted, |most| most.min(wanted));
        let asked = Rlimit {
            current: Some(raised),
            maximum,
        };
        if raised > limit && setrlimit(Resource::Nofile, asked).is_ok() {
            limit = raised;
        }
    }
    let fits = fit(limit, per_node);
    if fits >= fanout {
        return policy;
    }
    terminal.warn(&format!(
        "{fits} nodes at a time instead of {fanout}: this process may have only {limit} file \
         descriptors (ulimit -n)"
    ));
    Policy {
        fanout: fits,
        ..policy
    }
}

/// How many nodes fit a limit; never none, so that the reason is told where it fails.
fn fit(limit: u64, per_node: usize) -> usize {
    let free = usize::try_from(limit.saturating_sub(OTHERS)).unwrap_or(usize::MAX);
    (free / per_node).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_nodes_as_descriptors_allow() {
        assert_eq!(fit(1024, 2), 480);
        assert_eq!(fit(1024, 4), 240);
        assert_eq!(fit(20, 2), 1);
        assert!(fit(u64::MAX, 2) > 1_000_000);
    }
}
