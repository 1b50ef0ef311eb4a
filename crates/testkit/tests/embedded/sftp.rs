//! Files, by the system's `sftp` and `scp`, and by the library.

use russh_sftp::client::SftpSession;
use russh_sftp::protocol::FileAttributes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use towline_testkit::embedded::EmbeddedNode;

use crate::library::login;
use crate::support::{Client, Output, run};

async fn batch(client: &Client, node: &EmbeddedNode, commands: &str) -> Output {
    let mut command = client.program("sftp", node);
    command
        .args(["-b", "-", "tow@127.0.0.1"])
        .current_dir(client.directory.path());
    run(command, commands.as_bytes()).await
}

#[tokio::test]
async fn files_go_there_and_back() {
    let client = Client::new();
    let node = client.node().await;
    let data: Vec<u8> = (0..3_000_001_u32).map(|i| (i % 251) as u8).collect();
    std::fs::write(client.directory.path().join("up"), &data).unwrap();
    let output = batch(&client, &node, "put -p up there\nget -p there down\n").await;
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(std::fs::read(node.home().join("there")).unwrap(), data);
    assert_eq!(
        std::fs::read(client.directory.path().join("down")).unwrap(),
        data
    );
    assert_eq!(node.stats().sftp, 1);
    node.stop().await;
}

#[tokio::test]
async fn the_tree_can_be_changed() {
    let client = Client::new();
    let node = client.node().await;
    std::fs::write(node.home().join("a"), "a").unwrap();
    let commands = "mkdir d\nrename a d/b\nln -s b d/link\nln d/b d/hard\nchmod 600 d/b\n\
                    ls -la d\ndf\npwd\nrm d/link\n";
    let output = batch(&client, &node, commands).await;
    let text = output.stdout_text();
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(
        text.contains("-rw-------") && text.contains("link"),
        "{text}"
    );
    assert!(text.contains(&format!(
        "Remote working directory: {}",
        node.home().display()
    )));
    let d = node.home().join("d");
    assert_eq!(std::fs::read_to_string(d.join("hard")).unwrap(), "a");
    assert!(!d.join("link").is_symlink() && d.join("b").exists());
    assert_eq!(
        batch(&client, &node, "rm d/*\nrmdir d\n").await.code,
        Some(0)
    );
    assert!(!d.exists());
    node.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let client = Client::new();
    let node = client.node().await;
    let output = batch(&client, &node, "get nothing\n").await;
    assert_eq!(output.code, Some(1));
    assert!(output.stderr_text().contains("not found"), "{output:?}");
    node.stop().await;
}

#[tokio::test]
async fn scp_copies_a_folder() {
    let client = Client::new();
    let node = client.node().await;
    let folder = client.directory.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    for i in 0..150 {
        std::fs::write(folder.join(format!("f{i}")), i.to_string()).unwrap();
    }
    let mut command = client.program("scp", &node);
    command
        .args(["-rq"])
        .arg(&folder)
        .arg("tow@127.0.0.1:copied");
    assert_eq!(run(command, b"").await.code, Some(0));
    let mut command = client.program("scp", &node);
    command
        .args(["-rq", "tow@127.0.0.1:copied"])
        .arg(client.directory.path().join("back"));
    assert_eq!(run(command, b"").await.code, Some(0));
    let back = client.directory.path().join("back");
    assert_eq!(std::fs::read_dir(&back).unwrap().count(), 150);
    assert_eq!(std::fs::read_to_string(back.join("f149")).unwrap(), "149");
    node.stop().await;
}

#[tokio::test]
async fn the_library_finds_what_it_needs() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let channel = session.channel_open_session().await.unwrap();
    channel.request_subsystem(true, "sftp").await.unwrap();
    let sftp = SftpSession::new(channel.into_stream()).await.unwrap();

    let mut file = sftp.create("new").await.unwrap();
    file.write_all(b"hello").await.unwrap();
    file.sync_all().await.unwrap();
    file.shutdown().await.unwrap();
    let attributes = FileAttributes {
        permissions: Some(0o640),
        mtime: Some(1_000_000_000),
        atime: Some(1_000_000_000),
        ..FileAttributes::empty()
    };
    sftp.set_metadata("new", attributes).await.unwrap();
    let metadata = sftp.metadata("new").await.unwrap();
    assert_eq!(
        (metadata.size, metadata.mtime),
        (Some(5), Some(1_000_000_000))
    );
    assert_eq!(metadata.permissions.unwrap() & 0o7777, 0o640);

    let mut text = String::new();
    sftp.open("new")
        .await
        .unwrap()
        .read_to_string(&mut text)
        .await
        .unwrap();
    assert_eq!(text, "hello");
    assert!(sftp.fs_info("/").await.unwrap().is_some());
    assert_eq!(
        sftp.canonicalize(".").await.unwrap(),
        node.home().to_str().unwrap()
    );
    assert!(
        sftp.rename("new", "new").await.is_err(),
        "a plain rename replaces nothing"
    );
    node.stop().await;
}
