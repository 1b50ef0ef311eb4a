//! More output than any memory should hold.

use crate::ground::Ground;

/// The most memory that `tow` may use, in KiB.
const LIMIT: u64 = 64 * 1024;

#[test]
fn a_gigabyte_of_one_node_costs_a_fixed_buffer_while_another_is_slow() {
    let ground = Ground::shared();
    let line = "case $(hostname) in n1) head -c 1100000000 /dev/zero;; *) sleep 3; echo;; esac";
    // The shell waits for the one it started, and then tells the most that it ever held.
    let tell = "\"$@\" | wc -c & p=; until p=$(pgrep -x -P $! -d ' ' tow || pgrep -x -P $$ tow); \
                do sleep 0.01; done; while grep VmHWM /proc/$p/status 2>/dev/null; do sleep 0.1; \
                done; wait";
    let done = ground
        .tow(["exec", "-a", "-N", "--", line])
        .below(&["bash", "-c", tell, "bash"])
        .expect(0);
    let out = done.out();
    // A line without an end is broken where another node writes in between.
    let count = out
        .lines()
        .filter_map(|line| line.parse::<u64>().ok())
        .max();
    assert!(count >= Some(1_100_000_002), "{out}");
    let held = out.lines().filter_map(|line| line.strip_prefix("VmHWM:"));
    let held = held.filter_map(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    let most = held.max().unwrap();
    assert!(most < LIMIT, "{most} KiB");
}
