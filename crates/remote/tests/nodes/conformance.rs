//! What every adapter does in the same way. Each function is one case; `adapters.rs` runs all of
//! them with each adapter.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener},
};
use tokio_util::sync::CancellationToken;
use towline_core::{
    command::{Command, Mark, PtySize, Stdin},
    event::Stream,
};
use towline_remote::{
    host::{BoxStream, ExitStatus, Open, ProcessEvent, Signal, Target},
    run::{Ending, Gather, Outcome, Run, Sink},
};

use crate::{
    adapters::Bed,
    support::{mark, run},
};

async fn exit_of(bed: &Bed, command: &Command) -> ExitStatus {
    match run(&*bed.host, command).await.0.unwrap() {
        Outcome::Exited(status) => status,
        other => panic!("{other:?}"),
    }
}

async fn output_of(bed: &Bed, command: &Command) -> String {
    let (outcome, said) = run(&*bed.host, command).await;
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(
        outcome.unwrap(),
        Outcome::Exited(ExitStatus::Code(0)),
        "{text}"
    );
    String::from_utf8(said.stdout).unwrap()
}

pub async fn both_streams_and_the_exit_code_come_back(bed: &Bed) {
    let (outcome, said) = run(&*bed.host, &Command::line("echo out; echo err >&2; exit 3")).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(3)));
    assert_eq!(
        (&said.stdout[..], &said.stderr[..]),
        (&b"out\n"[..], &b"err\n"[..])
    );
    for code in [0, 1, 127, 254, 255] {
        let exit = exit_of(bed, &Command::line(format!("exit {code}"))).await;
        assert_eq!(exit, ExitStatus::Code(code));
    }
}

pub async fn words_reach_the_program_as_they_are(bed: &Bed) {
    let words = Command::argv(["printf", "%s|", "a b", "$HOME", "it's", "*", "\\n", ""]);
    assert_eq!(output_of(bed, &words).await, "a b|$HOME|it's|*|\\n||");
}

pub async fn a_missing_program_is_an_exit_code(bed: &Bed) {
    let command = Command::argv(["/no/such/program"]);
    assert_eq!(exit_of(bed, &command).await, ExitStatus::Code(127));
}

pub async fn an_end_by_a_signal_is_no_exit_code(bed: &Bed) {
    let exit = exit_of(bed, &Command::line("kill -9 $$")).await;
    let name = if bed.names_signals { "KILL" } else { "unknown" };
    assert_eq!(exit, ExitStatus::Signal(name.to_owned()));
    // The connection is as good as before.
    assert_eq!(output_of(bed, &Command::line("echo on")).await, "on\n");
}

pub async fn variables_and_folder_are_set(bed: &Bed) {
    let mut command = Command::line("echo \"$FIRST|$SECOND|$PWD\"");
    command.env.insert("FIRST".into(), "one two".into());
    command.env.insert("SECOND".into(), "$PATH".into());
    command.cwd = Some("/usr".into());
    assert_eq!(output_of(bed, &command).await, "one two|$PATH|/usr\n");
}

pub async fn input_is_brought_to_its_end(bed: &Bed) {
    let big: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let command = Command::line("cat").stdin(Stdin::Bytes(big.clone().into()));
    let mut back = Gather::new(1 << 23);
    let (mark, never) = (mark(), CancellationToken::new());
    let outcome = Run::new(&*bed.host, &command, &mark, &never)
        .execute(&mut back)
        .await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
    assert!(back.stdout == big, "{} bytes came back", back.stdout.len());
    assert_eq!(output_of(bed, &Command::line("cat")).await, "");
    // One that does not read is not waited for.
    let ignored = Command::line("exit 0").stdin(Stdin::Bytes(vec![0; 9_000_000].into()));
    assert_eq!(exit_of(bed, &ignored).await, ExitStatus::Code(0));
}

/// Counts what comes.
#[derive(Default)]
struct Count(usize);

#[async_trait::async_trait]
impl Sink for Count {
    async fn take(&mut self, _: Stream, data: Bytes) {
        self.0 += data.len();
    }
}

pub async fn much_output_comes_whole(bed: &Bed) {
    let command = Command::line("head -c 20000000 /dev/zero; head -c 3000000 /dev/zero >&2");
    let (mut count, mark, never) = (Count::default(), mark(), CancellationToken::new());
    let outcome = Run::new(&*bed.host, &command, &mark, &never)
        .execute(&mut count)
        .await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
    assert_eq!(count.0, 23_000_000);
}

pub async fn many_at_once_share_the_connection(bed: &Bed) {
    let commands: Vec<Command> = (0..25)
        .map(|n| Command::line(format!("sleep 0.2; echo {n}")))
        .collect();
    let all = commands.iter().map(|command| output_of(bed, command));
    let said = futures::future::join_all(all).await;
    let wanted: Vec<String> = (0..25).map(|n| format!("{n}\n")).collect();
    assert_eq!(said, wanted);
}

pub async fn a_terminal_is_had_when_asked_for(bed: &Bed) {
    let size = PtySize {
        columns: 91,
        rows: 17,
    };
    let mut command = Command::line("test -t 0 && test -t 1 && echo terminal; stty size; exit 4");
    command.pty = Some(size);
    let (outcome, said) = run(&*bed.host, &command).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(4)));
    let text = String::from_utf8(said.stdout).unwrap();
    // What the terminal makes of line ends shows that its modes are the usual ones.
    assert!(text.starts_with("terminal\r\n"), "{text:?}");
    if bed.sets_size {
        assert!(text.contains("17 91\r\n"), "{text:?}");
    }
    let without = Command::line("test -t 0 || test -t 1 || echo none");
    assert_eq!(output_of(bed, &without).await, "none\n");
}

pub async fn a_terminal_takes_what_is_typed(bed: &Bed) {
    let open = Open {
        line: b"read -r line; echo \"<$line>\"".to_vec(),
        pty: Some(PtySize::default()),
        ..Open::default()
    };
    let mut process = bed.host.open(open).await.unwrap();
    process.input.write("typed\n".into()).await.unwrap();
    let mut text = Vec::new();
    let exit = loop {
        match process.output.next().await.unwrap() {
            ProcessEvent::Output(_, data) => text.extend_from_slice(&data),
            ProcessEvent::Exit(exit) => break exit,
        }
    };
    assert_eq!(exit, ExitStatus::Code(0));
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("<typed>\r\n"), "{text:?}");
}

pub async fn a_signal_reaches_the_process(bed: &Bed) {
    if !bed.carries_signals {
        return;
    }
    let open = Open {
        line: b"echo ready; exec sleep 1000".to_vec(),
        pty: None,
        ..Open::default()
    };
    let mut process = bed.host.open(open).await.unwrap();
    let first = process.output.next().await.unwrap();
    assert_eq!(
        first,
        ProcessEvent::Output(Stream::Stdout, "ready\n".into())
    );
    process.input.signal(Signal::Terminate).await.unwrap();
    let end = process.output.next().await.unwrap();
    assert_eq!(end, ProcessEvent::Exit(ExitStatus::Signal("TERM".into())));
}

/// Waits until a command has written something, then cancels it.
struct CancelOnOutput(CancellationToken);

#[async_trait::async_trait]
impl Sink for CancelOnOutput {
    async fn take(&mut self, _: Stream, _: Bytes) {
        self.0.cancel();
    }
}

fn still_there(mark: &Mark) -> usize {
    let wanted = mark.assignment();
    let holds = |path: std::path::PathBuf| {
        let read = |name| std::fs::read(path.join(name)).unwrap_or_default();
        let text = [read("environ"), read("cmdline")].concat();
        String::from_utf8_lossy(&text).contains(&wanted)
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .filter(|e| holds(e.as_ref().unwrap().path()))
        .count()
}

pub async fn cancelling_ends_the_whole_tree_and_nothing_else(bed: &Bed) {
    // A bystander on the same connection, which must live.
    let bystander = mark();
    let never = CancellationToken::new();
    let other = Command::line("read line; echo \"$line\"").stdin(Stdin::Stream);
    let (mut writer, reader) = tokio::io::duplex(64);
    let mut heard = Gather::new(100);
    let living = async {
        let mut run = Run::new(&*bed.host, &other, &bystander, &never);
        run.stream = Some(Box::new(reader));
        run.execute(&mut heard).await.unwrap()
    };
    let doomed = async {
        let (mark, cancel) = (mark(), CancellationToken::new());
        // One in a session of its own, one deaf to TERM, one orphaned.
        let command = Command::line(
            "setsid sleep 1000 & (trap '' TERM; exec sleep 1000) & (sleep 1000 &) ; \
             sleep 1000 & echo started; wait",
        );
        let run = Run::new(&*bed.host, &command, &mark, &cancel);
        let begun = Instant::now();
        let outcome = run
            .execute(&mut CancelOnOutput(cancel.clone()))
            .await
            .unwrap();
        assert!(
            matches!(outcome, Outcome::Cancelled(Ending::Ended(4..=6))),
            "{outcome:?}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(still_there(&mark), 0);
        assert!(still_there(&bystander) > 0, "the bystander was ended too");
        writer.write_all(b"alive\n").await.unwrap();
        drop(writer);
    };
    let (lived, ()) = tokio::join!(living, doomed);
    assert_eq!(lived, Outcome::Exited(ExitStatus::Code(0)));
    assert_eq!(heard.stdout, b"alive\n");
}

pub async fn a_command_whose_time_is_up_is_ended_and_told_from_a_cancelled_one(bed: &Bed) {
    let command = Command::line("while :; do :; done").timeout(Some(Duration::from_millis(200)));
    let (mark, never) = (mark(), CancellationToken::new());
    let mut gather = Gather::new(100);
    let outcome = Run::new(&*bed.host, &command, &mark, &never)
        .execute(&mut gather)
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::TimedOut(Ending::Ended(1)));
    assert_eq!(still_there(&mark), 0);
}

pub async fn a_torrent_of_output_does_not_keep_a_command_from_being_ended(bed: &Bed) {
    let (mark, cancel) = (mark(), CancellationToken::new());
    let command = Command::line("yes");
    let run = Run::new(&*bed.host, &command, &mark, &cancel);
    let outcome = run
        .execute(&mut CancelOnOutput(cancel.clone()))
        .await
        .unwrap();
    assert!(
        matches!(outcome, Outcome::Cancelled(Ending::Ended(1..=2))),
        "{outcome:?}"
    );
    assert_eq!(still_there(&mark), 0);
}

/// Says what it was told, backwards, once the other side has said all.
async fn turn_round(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    said.reverse();
    stream.write_all(&said).await.unwrap();
    stream.shutdown().await.unwrap();
}

async fn talk(mut stream: BoxStream) {
    let said: Vec<u8> = (0..400_000u32).map(|n| (n % 253) as u8).collect();
    stream.write_all(&said).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    back.reverse();
    assert!(back == said, "{} bytes came back", back.len());
}

pub async fn a_port_of_the_node_is_reached(bed: &Bed) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
    };
    for _ in 0..2 {
        let stream = bed.host.connect(&target).await.unwrap();
        let serving = async { turn_round(listener.accept().await.unwrap().0).await };
        tokio::join!(serving, talk(stream));
    }
    drop(listener);
    assert!(bed.host.connect(&target).await.is_err());
}

pub async fn a_socket_of_the_node_is_reached(bed: &Bed) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let target = Target::Unix(path.to_str().unwrap().to_owned());
    for _ in 0..2 {
        let stream = bed.host.connect(&target).await.unwrap();
        let serving = async { turn_round(listener.accept().await.unwrap().0).await };
        tokio::join!(serving, talk(stream));
    }
    let nowhere = folder.path().join("nowhere").to_str().unwrap().to_owned();
    // The system's client tells it only when the stream is read.
    if let Ok(mut stream) = bed.host.connect(&Target::Unix(nowhere)).await {
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}

pub async fn nothing_starts_on_a_closed_connection(bed: &Bed) {
    assert_eq!(output_of(bed, &Command::line("echo on")).await, "on\n");
    assert!(!bed.host.is_closed());
    bed.host.close().await;
    if bed.is_connection {
        assert!(bed.host.is_closed());
    }
}
