//! What `--output json` prints is what `schema/events.schema.json` says: no more, no less.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use towline_core::event::{
    Data, Envelope, Event, Failure, FailureKind, NodeResult, Report, Status, Stream,
};

use crate::support::{World, events_schema};

/// The values that the schema lists for a type, in its own words.
fn listed(name: &str) -> Vec<Value> {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../../schema/events.schema.json")).unwrap();
    let values = schema["$defs"][name]["oneOf"].as_array().unwrap().iter();
    values.map(|value| value["const"].clone()).collect()
}

fn finished(status: Status, kind: FailureKind) -> Event {
    Event::NodeFinished(NodeResult {
        node: "n1".parse().unwrap(),
        status,
        exit_code: Some(-1),
        signal: Some("KILL".to_owned()),
        duration_ms: u64::MAX,
        attempts: 0,
        error: Some(failure(kind)),
    })
}

fn failure(kind: FailureKind) -> Failure {
    Failure {
        kind,
        message: String::new(),
        hint: Some("a hint".to_owned()),
    }
}

fn output(data: &'static [u8], stream: Stream) -> Event {
    Event::Output {
        node: "n1".parse().unwrap(),
        stream,
        data: Data(data.into()),
    }
}

/// One of each, whatever can be in it.
fn samples() -> Vec<Event> {
    let node = || "n1".parse().unwrap();
    let mut samples = vec![
        Event::RunStarted {
            command: "true".to_owned(),
            nodes: vec![node()],
        },
        Event::NodeStarted {
            node: node(),
            attempt: 1,
        },
        Event::NodeConnected {
            node: node(),
            after_ms: 0,
        },
        output(b"text\n", Stream::Stdout),
        output(b"", Stream::Stderr),
        output(b"\xff\x00", Stream::Stdout),
        Event::NodeRetry {
            node: node(),
            attempt: 1,
            delay_ms: 100,
            error: failure(FailureKind::Refused),
        },
        Event::BatchPause {
            finished: 1,
            remaining: 2,
            delay_ms: 0,
        },
        Event::Report(Report::default()),
        Event::Report(Report {
            stopped: Some("why".to_owned()),
            ..Report::default()
        }),
    ];
    for kind in listed("FailureKind") {
        for status in listed("Status") {
            let status = serde_json::from_value(status).unwrap();
            let kind = serde_json::from_value(kind.clone()).unwrap();
            samples.push(finished(status, kind));
        }
    }
    samples
}

#[test]
fn every_event_is_as_the_schema_says_with_each_status_and_kind_of_failure() {
    let mut types = BTreeSet::new();
    for (seq, event) in (0..).zip(samples()) {
        let value = serde_json::to_value(Envelope { seq, event }).unwrap();
        let found = events_schema().validate(&value);
        assert!(found.is_ok(), "{}: {value}", found.unwrap_err());
        types.insert(value["type"].as_str().unwrap().to_owned());
    }
    let schema: Value =
        serde_json::from_str(include_str!("../../../../../schema/events.schema.json")).unwrap();
    let of_schema = schema["oneOf"].as_array().unwrap().iter();
    let of_schema = of_schema.map(|one| one["properties"]["type"]["const"].as_str().unwrap());
    assert_eq!(
        types,
        of_schema.map(str::to_owned).collect(),
        "no sample of some event"
    );
}

#[test]
fn what_is_no_event_is_not_taken_for_one() {
    let good = json!({"seq": 0, "type": "output", "node": "n1", "stream": "stdout", "data": ""});
    assert!(events_schema().is_valid(&good));
    for (key, value) in [
        ("seq", json!(-1)),
        ("seq", Value::Null),
        ("type", json!("nonsense")),
        ("type", Value::Null),
        ("node", json!(7)),
        ("stream", json!("stdin")),
        ("data", json!([1])),
        ("data", Value::Null),
        ("data_base64", json!("AA==")), // Beside data.
    ] {
        let mut bad = good.clone();
        bad[key] = value.clone();
        assert!(!events_schema().is_valid(&bad), "{bad}");
        if value.is_null() {
            bad.as_object_mut().unwrap().remove(key);
            assert!(!events_schema().is_valid(&bad), "{bad}");
        }
    }
}

/// What of a run is a kind of failure, and the type of each event. All are held against the schema.
fn run(world: &World, words: &[&str], code: i32) -> (BTreeSet<FailureKind>, BTreeSet<String>) {
    let words = [&["exec", "--output", "json"], words].concat();
    let done = world.tow(words).expect(code);
    let mut kinds = BTreeSet::new();
    let mut types = BTreeSet::new();
    for line in done.events() {
        let value = serde_json::to_value(&line).unwrap();
        types.insert(value["type"].as_str().unwrap().to_owned());
        match line.event {
            Event::NodeFinished(NodeResult { error, .. }) => {
                kinds.extend(error.map(|error| error.kind));
            }
            Event::NodeRetry { error, .. } => {
                kinds.insert(error.kind);
            }
            _ => {}
        }
    }
    (kinds, types)
}

#[test]
fn lines_of_real_runs_are_as_the_schema_says_however_they_end() {
    let names = ["ok", "denied", "other-key", "silent", "no-channel", "lost"];
    let world = World::with(&names);
    world.tow(["exec", "-a", "--", "true"]).expect(0); // Pins the keys.
    world.fault("denied", |faults| faults.refuse_auth = true);
    world.fault("other-key", |faults| faults.other_host_key = true);
    world.fault("silent", |faults| faults.hang_before_banner = true);
    world.fault("no-channel", |faults| faults.refuse_channels = true);
    world.fault("lost", |faults| faults.close_after_exec = true);

    let jump = ["-w", "ok", "-J", "127.0.0.1:1", "--", "true"];
    let batches = [
        "-a", "--batch", "3", "--pause", "10ms", "-t", "1", "--", "true",
    ];
    let hosts = [
        "-w",
        "x@127.0.0.1:1,x@none.invalid",
        "--retries",
        "1",
        "--",
        "true",
    ];
    let cases: [(&[&str], i32); 8] = [
        (&batches, 4),
        (&hosts, 4),
        (&jump, 4),
        (
            &["-w", "ok", "--", r"printf '\377'; echo e >&2; kill -9 $$"],
            3,
        ),
        (&["-w", "ok", "-u", "300ms", "--", "sleep 60"], 3),
        (&["-w", "ok", "--become=nobody", "--", "true"], 5),
        (&["-w", "denied,ok", "--fail-fast", "--", "sleep 60"], 4),
        (
            &[
                "-w",
                "ok",
                "--strict-host-keys",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "--",
                "true",
            ],
            4,
        ),
    ];
    let mut kinds = BTreeSet::new();
    let mut types = BTreeSet::new();
    for (words, code) in cases {
        let (more_kinds, more_types) = run(&world, words, code);
        kinds.extend(more_kinds);
        types.extend(more_types);
    }
    use FailureKind as Kind;
    for kind in [
        Kind::AuthDenied,
        Kind::Become,
        Kind::Cancelled,
        Kind::Channel,
        Kind::Closed,
        Kind::ConnectTimeout,
        Kind::HostKeyChanged,
        Kind::HostKeyUnknown,
        Kind::Proxy,
        Kind::Refused,
        Kind::Resolve,
        Kind::Timeout,
    ] {
        assert!(kinds.contains(&kind), "{kind:?} did not come up: {kinds:?}");
    }
    for name in [
        "run-started",
        "node-started",
        "node-connected",
        "output",
        "node-retry",
        "node-finished",
        "batch-pause",
        "report",
    ] {
        assert!(types.contains(name), "{name} did not come up: {types:?}");
    }
}
