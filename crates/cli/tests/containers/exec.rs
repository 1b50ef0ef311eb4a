//! Commands on three machines.

use crate::ground::Ground;

#[test]
fn identical_answers_are_folded_into_one() {
    let ground = Ground::shared();
    let line = "echo begun; echo oops >&2; test $(hostname) != n2";
    let done = ground.tow(["exec", "-a", "-b", "--", line]).expect(5);
    let out = done.out();
    assert!(out.contains("\nn[1,3] (2)\n"), "{out}");
    assert!(out.contains("\nn2 failed: exit code 1\n"), "{out}");
    assert_eq!(out.matches("begun\n").count(), 2, "{out}");
    assert!(done.err().contains("2 ok, 1 failed"), "{}", done.err());
}

#[test]
fn each_node_says_its_own_name() {
    let ground = Ground::shared();
    let done = ground.tow(["exec", "-a", "--", "hostname"]).expect(0);
    assert_eq!(done.sorted(), ["n1: n1", "n2: n2", "n3: n3"]);
}

#[test]
fn the_highest_code_of_all_nodes_can_be_the_code_of_tow() {
    let ground = Ground::shared();
    let line = "h=$(hostname); exit ${h#n}";
    let done = ground.tow(["exec", "-a", "-S", "--", line]).expect(3);
    assert!(done.err().contains("3 failed"), "{}", done.err());
}

#[test]
fn every_node_reads_all_of_what_stands_on_standard_input() {
    let ground = Ground::shared();
    let text: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let done = ground
        .tow(["exec", "-a", "-b", "--stdin", "-", "--", "cksum"])
        .stdin(text)
        .expect(0);
    assert!(done.out().contains("\nn[1-3] (3)\n"), "{}", done.out());
    assert!(done.out().contains(" 3000000\n"), "{}", done.out());
}
