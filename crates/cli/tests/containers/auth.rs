//! Who lets whom in.

use towline_core::event::{FailureKind, Status};

use crate::ground::{Ground, bed};

/// Puts true host keys in the place of those that are remembered, also when a test fails.
struct Remember<'a>(&'a Ground, &'a str);

impl Drop for Remember<'_> {
    fn drop(&mut self) {
        bed().remember_host_keys(self.0.node(self.1)).ok();
    }
}

#[test]
fn a_key_that_no_node_knows_is_refused_with_what_was_tried() {
    let ground = Ground::shared();
    let own = ground.world.path("home/.ssh/id_ed25519");
    ground.world.write(
        "work/towline.yaml",
        &format!(
            "nodes:\n  - {{id: n1, host: {}, user: admin}}\n",
            ground.node("n1").address
        ),
    );
    let done = ground
        .tow(["exec", "-a", "--output", "json", "--", "id"])
        .expect(4);
    let result = done.result("n1");
    assert_eq!(result.status, Status::Unreachable);
    assert_eq!(result.attempts, 1, "trying again never helps");
    let error = result.error.unwrap();
    assert_eq!(error.kind, FailureKind::AuthDenied);
    assert!(
        error.message.contains(&*own.to_string_lossy()),
        "{}",
        error.message
    );
    let copy = format!("ssh-copy-id admin@{}", ground.node("n1").address);
    assert!(error.hint.as_ref().unwrap().contains(&copy), "{error:?}");
}

#[test]
fn a_node_with_another_host_key_is_not_talked_to_until_it_is_trusted_anew() {
    let ground = Ground::alone(&["n3"]);
    let node = ground.node("n3");
    ground.tow(["exec", "-w", "n3", "--", "true"]).expect(0);
    let pinned = ground.world.read("home/.ssh/known_hosts");
    let _remember = Remember(&ground, "n3");
    bed().new_host_key(node).unwrap();

    let done = ground
        .tow(["exec", "-a", "--output", "json", "--", "hostname"])
        .expect(4);
    assert_eq!(done.result("n1").status, Status::Ok);
    let error = done.result("n3").error.unwrap();
    assert_eq!(error.kind, FailureKind::HostKeyChanged);
    assert_eq!(
        error.message.matches("SHA256:").count(),
        2,
        "{}",
        error.message
    );
    assert!(error.hint.unwrap().contains("tow node trust n3"));
    assert!(
        ground
            .world
            .read("home/.ssh/known_hosts")
            .starts_with(&pinned)
    );

    let mut screen = ground.tow(["node", "trust", "n3"]).on_terminal(100);
    screen.await_text("[y/N]");
    screen.enter("y\n");
    assert_eq!(screen.done().code, Some(0));
    let done = ground
        .tow(["exec", "-w", "n3", "-N", "--", "hostname"])
        .expect(0);
    assert_eq!(done.out(), "n3\n");
}

#[test]
fn an_account_that_may_not_log_in_says_so_itself() {
    let ground = Ground::shared();
    let done = ground
        .tow(["exec", "-w", "n1", "-l", "nologin", "--", "id"])
        .expect(5);
    assert!(
        done.transcript().contains("not available"),
        "{}",
        done.transcript()
    );
}
