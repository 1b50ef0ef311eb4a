//! Back-pressure: what nobody takes is not produced, and fills no memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::process::Stdio;
use std::time::{Duration, Instant};

use russh::ChannelMsg;
use tokio::io::AsyncReadExt as _;

use crate::library::{exec, finish, login};
use crate::support::{Client, PATIENCE, eventually, processes_of, run};

const MIB: u64 = 1024 * 1024;

/// What a process has written so far, to pipes and files.
fn written(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("wchar: "))
        .unwrap()
        .parse()
        .unwrap()
}

/// Memory of this process, in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim()
        .strip_suffix(" kB")
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

/// Waits until a number has stopped growing; answers with it.
async fn settled(mut number: impl FnMut() -> u64) -> u64 {
    let start = Instant::now();
    let mut last = (number(), 0);
    while last.1 < 10 {
        assert!(start.elapsed() < PATIENCE, "it grows without end");
        // tidy: allow-sleep polls until its deadline; what stands still tells nobody
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = number();
        last = if now == last.0 {
            (now, last.1 + 1)
        } else {
            (now, 0)
        };
    }
    last.0
}

#[tokio::test]
async fn a_client_that_stops_reading_stops_the_command() {
    let client = Client::new();
    let node = client.node().await;
    let mut child = client.command(&node, &["exec yes"]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut taken = vec![0; MIB as usize];
    stdout.read_exact(&mut taken).await.unwrap();
    let pids = processes_of(node.home());
    assert_eq!(pids.len(), 1);
    let before = resident();
    let produced = settled(|| written(pids[0])).await;
    // Pipes, sockets, two windows of 2 MiB and the protocol's buffers; `yes` would write some
    // gigabytes in that time.
    assert!(produced < 24 * MIB, "{produced} bytes were produced");
    assert!(resident().saturating_sub(before) < 24 * MIB, "memory grew");
    // It goes on as soon as somebody reads again.
    let mut more = vec![0; 32 * MIB as usize];
    stdout.read_exact(&mut more).await.unwrap();
    assert!(written(pids[0]) > produced);
    child.kill().await.unwrap();
    node.stop().await;
}

#[tokio::test]
async fn a_full_window_holds_up_no_other_channel() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let stuck = exec(&session, "exec yes").await;
    eventually(PATIENCE, || processes_of(node.home()).len() == 1).await;
    let mut other = exec(&session, "echo through").await;
    assert_eq!(finish(&mut other).await.text(), "through\n");
    drop(stuck);
    node.stop().await;
}

#[tokio::test]
async fn input_nobody_takes_lets_signals_and_output_pass() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let line = "trap 'echo told; kill -KILL $$' USR1; echo ready; while :; do sleep 0.05; done";
    let (mut from, to) = exec(&session, line).await.split();
    let endless = async {
        loop {
            to.data_bytes(vec![0; MIB as usize]).await.unwrap();
        }
    };
    let before = resident();
    let mut text = Vec::new();
    let talk = async {
        let mut signal = None;
        while let Some(message) = from.wait().await {
            match message {
                ChannelMsg::Data { data } => text.extend_from_slice(&data),
                ChannelMsg::ExitSignal { signal_name, .. } => signal = Some(signal_name),
                _ => {}
            }
            if text == b"ready\n" {
                settled(|| node.stats().bytes_received / MIB).await;
                to.signal(russh::Sig::USR1).await.unwrap();
                text.clear();
            }
        }
        signal
    };
    let signal = tokio::select! {
        () = endless => unreachable!("the input has no end"),
        signal = tokio::time::timeout(PATIENCE, talk) => signal.unwrap(),
    };
    assert!(matches!(signal, Some(russh::Sig::KILL)), "{signal:?}");
    assert_eq!(text, b"told\n");
    // A window that waits, one that was out, and packaging.
    assert!(node.stats().bytes_received < 6 * MIB, "{:?}", node.stats());
    assert!(resident().saturating_sub(before) < 48 * MIB);
    node.stop().await;
}

#[tokio::test]
async fn input_goes_on_when_it_is_taken_at_last() {
    let client = Client::new();
    let node = client.node().await;
    let line = "echo ready; while [ ! -e go ]; do sleep 0.02; done; cksum";
    let input: Vec<u8> = (0..20_000_000_u32).map(|i| (i % 249) as u8).collect();
    let mut sum = tokio::process::Command::new("cksum");
    sum.stdout(Stdio::piped());
    let expected = run(sum, &input).await.stdout_text();
    let command = client.command(&node, &[line]);
    let home = node.home().to_owned();
    let go = async {
        settled(|| node.stats().bytes_received / MIB).await;
        std::fs::write(home.join("go"), "").unwrap();
    };
    let (output, ()) = tokio::join!(run(command, &input), go);
    assert_eq!(output.stdout_text(), format!("ready\n{expected}"));
    node.stop().await;
}

#[tokio::test]
async fn endless_input_to_a_command_that_does_not_read_stops() {
    let client = Client::new();
    let node = client.node().await;
    let mut command = client.command(&node, &["echo ready; exec sleep 600"]);
    let mut feeder = tokio::process::Command::new("yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input: Stdio = feeder.stdout.take().unwrap().try_into().unwrap();
    let mut child = command.stdin(input).spawn().unwrap();
    let mut ready = [0; 6];
    let read = child.stdout.as_mut().unwrap().read_exact(&mut ready);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    let pid = feeder.id().unwrap();
    let sent = settled(|| written(pid) / MIB).await;
    assert!(sent < 24, "{sent} MiB were sent");
    feeder.kill().await.unwrap();
    child.kill().await.unwrap();
    node.stop().await;
}

#[tokio::test]
async fn large_output_comes_whole_on_both_streams() {
    let client = Client::new();
    let node = client.node().await;
    let line = "head -c 20000000 /dev/zero & head -c 10000000 /dev/zero >&2; wait";
    let output = client.ssh(&node, &[line]).await;
    assert_eq!(
        (output.stdout.len(), output.stderr.len()),
        (20_000_000, 10_000_000)
    );
    let session = login(&client, &node).await;
    let mut channel = exec(&session, "head -c 5000000 /dev/zero; exit 9").await;
    let (mut bytes, mut code) = (0, None);
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => bytes += data.len(),
            ChannelMsg::ExitStatus { exit_status } => code = Some(exit_status),
            _ => {}
        }
    }
    assert_eq!((bytes, code), (5_000_000, Some(9)));
    node.stop().await;
}
