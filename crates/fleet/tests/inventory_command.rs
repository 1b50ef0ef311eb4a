//! Nodes from a program: real processes, good ones and bad ones.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use towline_fleet::inventory::{CommandSource, ConfigFile, Inventory, InventoryError, Source};

fn script(folder: &Path, text: &str) {
    let path = folder.join("nodes.sh");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn source(folder: &Path, args: &[&str], timeout: Duration) -> CommandSource {
    let words = ["./nodes.sh"].iter().chain(args);
    CommandSource {
        argv: words.map(|word| (*word).to_owned()).collect(),
        folder: folder.to_owned(),
        timeout,
    }
}

async fn failure(text: &str) -> InventoryError {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), text);
    match source(folder.path(), &[], Duration::from_secs(20))
        .load()
        .await
    {
        Ok(part) => panic!("{part:?}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn nodes_of_the_file_and_of_commands_come_together() {
    let folder = tempfile::tempdir().unwrap();
    script(
        folder.path(),
        r#"test -f towline.yaml || exit 9
echo "asked for $1" >&2
printf '{"nodes": [{"id": "%s-[1-2]", "host": "10.0.0.[1-2]", "port": 2222}], "groups": {"web": ["%s-1"]}}' "$1" "$1""#,
    );
    let path = folder.path().join("towline.yaml");
    fs::write(
        &path,
        "ssh: {user: deploy}
nodes: [{id: a}]
groups: {web: [a]}
inventory:
  - {command: [./nodes.sh, web], timeout: 20s}
  - {command: [./nodes.sh, 'two words; $(x)'], timeout: 20s}
",
    )
    .unwrap();
    let file = ConfigFile::read(&path).unwrap();
    let error = Inventory::load(Some(&file)).await.unwrap_err().to_string();
    assert!(error.contains("two words; $(x)-[1-2]"), "{error}");

    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("two words; $(x)", "db")).unwrap();
    let file = ConfigFile::read(&path).unwrap();
    let inventory = Inventory::load(Some(&file)).await.unwrap();
    let ids: Vec<&str> = inventory.nodes.iter().map(|n| n.id.as_str()).collect();
    assert_eq!(ids, ["a", "web-1", "web-2", "db-1", "db-2"]);
    let access = &inventory.nodes[1].access;
    assert_eq!(
        (access.user.as_deref(), access.port),
        (Some("deploy"), Some(2222))
    );
    let web = inventory.groups["web"].iter();
    assert_eq!(
        web.map(ToString::to_string).collect::<Vec<_>>(),
        ["a", "web-1", "db-1"]
    );
    let origin = inventory.origin(&inventory.nodes[3].id).unwrap();
    assert_eq!(origin.to_string(), "`./nodes.sh db`, nodes[0]");
}

#[tokio::test]
async fn the_same_node_from_two_sources_names_both() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), r#"echo '{"nodes": [{"id": "a"}]}'"#);
    let path = folder.path().join("towline.yaml");
    fs::write(
        &path,
        "nodes: [{id: a}]\ninventory: [{command: [./nodes.sh]}]\n",
    )
    .unwrap();
    let file = ConfigFile::read(&path).unwrap();
    let error = Inventory::load(Some(&file)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the node id `a` is there twice: in {}:1 and in `./nodes.sh`, nodes[0]",
            path.display()
        )
    );
}

#[tokio::test]
async fn a_failing_command_shows_its_status_and_what_it_said() {
    let error = failure("echo '{\"nodes\": []}'; echo 'no route to the API' >&2; exit 3").await;
    assert_eq!(
        error.to_string(),
        "the inventory command `./nodes.sh` failed (exit status: 3): no route to the API"
    );
}

#[tokio::test]
async fn only_the_end_of_a_long_complaint_is_kept() {
    let error = failure("yes complaint | head -c 1000000 >&2; echo the end >&2; exit 1").await;
    let text = error.to_string();
    assert!(
        text.len() < 5000 && text.ends_with("the end"),
        "{}",
        text.len()
    );
}

#[tokio::test]
async fn what_is_no_json_is_named() {
    let error = failure("echo 'nodes: []'").await;
    assert!(matches!(error, InventoryError::NotJson { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("\"nodes\""));
}

#[tokio::test]
async fn mistakes_in_the_json_are_shown_with_their_way() {
    let error = failure(
        r#"echo '{"nodes": [{"id": "a"}, {"id": "b", "prot": 1}, {"id": "a"}, {"id": "c", "port": 0}], "hosts": []}'"#,
    )
    .await;
    insta::assert_snapshot!(error.to_string());
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = source(folder.path(), &["--json"], Duration::from_secs(5))
        .load()
        .await;
    match error {
        Err(InventoryError::NotStarted { command, .. }) => {
            assert_eq!(command, "`./nodes.sh --json`")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    script(
        folder.path(),
        "sleep 1000 & echo $! > child; echo $$ > own; wait",
    );
    let begin = Instant::now();
    let source = source(folder.path(), &[], Duration::from_millis(500));
    let error = source.load().await.unwrap_err();
    assert!(
        matches!(error, InventoryError::CommandKilled { .. }),
        "{error:?}"
    );
    assert!(begin.elapsed() < Duration::from_secs(10));
    for name in ["own", "child"] {
        gone(&folder.path().join(name)).await;
    }
}

#[tokio::test]
async fn giving_up_kills_the_command_too() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "sleep 1000 & echo $! > child; wait");
    let child = folder.path().join("child");
    let source = source(folder.path(), &[], Duration::from_secs(100));
    tokio::select! {
        result = source.load() => panic!("{result:?}"),
        () = written(&child) => {}
    }
    gone(&child).await;
}

#[tokio::test]
async fn endless_output_is_cut_off() {
    let error = failure("yes '{\"nodes\": []}'").await;
    assert!(
        error.to_string().contains("it printed more than"),
        "{error}"
    );
}

async fn written(path: &Path) {
    until(|| fs::read_to_string(path).is_ok_and(|text| text.ends_with('\n'))).await;
}

/// Waits until the process whose id stands in the file is no more, or only a dead entry.
async fn gone(path: &Path) {
    let id = fs::read_to_string(path).unwrap();
    let status = PathBuf::from("/proc").join(id.trim()).join("status");
    until(|| match fs::read_to_string(&status) {
        Ok(text) => text.contains("State:\tZ"),
        Err(_) => true,
    })
    .await;
}

async fn until(mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !reached() {
        assert!(
            Instant::now() < deadline,
            "it did not come to that within 10 s"
        );
        // tidy: allow-sleep polls a process that is not ours to wait for, until a deadline
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
