//! Signals, the ends of processes, and what becomes of them when a connection is lost.

use russh::Sig;

use crate::library::{exec, expect_text, finish, login};
use crate::support::{Client, PATIENCE, eventually, processes_of};

#[tokio::test]
async fn a_signal_reaches_the_whole_process_group() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut channel = exec(&session, "sleep 600 & echo started; wait").await;
    expect_text(&mut channel, "started").await;
    eventually(PATIENCE, || processes_of(node.home()).len() == 2).await;
    channel.signal(Sig::TERM).await.unwrap();
    let seen = finish(&mut channel).await;
    assert_eq!((seen.signal.as_deref(), seen.code), (Some("TERM"), None));
    eventually(PATIENCE, || processes_of(node.home()).is_empty()).await;
    node.stop().await;
}

#[tokio::test]
async fn a_signal_can_be_handled() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let line = "trap 'echo got it; exit 7' USR1; echo ready; while :; do sleep 0.05; done";
    let mut channel = exec(&session, line).await;
    expect_text(&mut channel, "ready").await;
    // `sleep` dies of it too, being of the group.
    channel.signal(Sig::USR1).await.unwrap();
    let seen = finish(&mut channel).await;
    assert_eq!((seen.text().as_str(), seen.code), ("got it\n", Some(7)));
    node.stop().await;
}

#[tokio::test]
async fn an_unknown_signal_is_refused_and_harms_nobody() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut channel = exec(&session, "echo ready; read line; echo $line").await;
    expect_text(&mut channel, "ready").await;
    channel
        .signal(Sig::Custom("STOP".to_owned()))
        .await
        .unwrap();
    channel.data(&b"still here\n"[..]).await.unwrap();
    let seen = finish(&mut channel).await;
    assert_eq!((seen.text().as_str(), seen.code), ("still here\n", Some(0)));
    node.stop().await;
}

#[tokio::test]
async fn a_lost_connection_closes_pipes_and_kills_nobody() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    // Ends by itself when its input does, and says so where it can be seen.
    let line = "echo ready; cat; echo over > seen; sleep 600";
    let mut channel = exec(&session, line).await;
    expect_text(&mut channel, "ready").await;
    node.cut_connections();
    let note = node.home().join("seen");
    eventually(PATIENCE, || {
        std::fs::read_to_string(&note).is_ok_and(|it| it == "over\n")
    })
    .await;
    assert!(
        !processes_of(node.home()).is_empty(),
        "the process was killed"
    );
    assert_eq!(node.stats().sessions_open, 1);
    node.stop().await;
}

#[tokio::test]
async fn a_closed_channel_leaves_the_others_alone() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut writer = exec(&session, "echo ready; yes; echo ended > writer").await;
    let mut other = exec(&session, "read line; echo $line").await;
    expect_text(&mut writer, "ready").await;
    writer.close().await.unwrap();
    // `yes` finds nobody to write to.
    let note = node.home().join("writer");
    let drain = tokio::spawn(async move { while writer.wait().await.is_some() {} });
    eventually(PATIENCE, || note.exists()).await;
    other.data(&b"hello\n"[..]).await.unwrap();
    assert_eq!(finish(&mut other).await.text(), "hello\n");
    node.stop().await;
    drain.await.unwrap();
}

#[tokio::test]
async fn output_held_by_a_background_process_holds_the_channel() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let line = "(while [ ! -e go ]; do sleep 0.02; done; echo late) & echo early; exit 4";
    let mut channel = exec(&session, line).await;
    expect_text(&mut channel, "early").await;
    std::fs::write(node.home().join("go"), "").unwrap();
    let seen = finish(&mut channel).await;
    assert!(seen.text().ends_with("late\n"), "{seen:?}");
    node.stop().await;
}
