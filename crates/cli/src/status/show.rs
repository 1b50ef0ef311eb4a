//! What is shown of a round: the table, or a line of JSON for each node.

use std::{
    collections::HashMap,
    io::{self, Write},
    time::{Duration, Instant},
};

use serde::Serialize;
use towline_core::{
    event::{Envelope, NodeResult, Report},
    id::NodeId,
};
use towline_fleet::facts::{NodeStatus, StatusLine, UnitName};

use super::{
    cells,
    columns::{Key, SortKey},
};
use crate::{
    args::Format,
    render::{
        Style,
        summary::{counts, summary},
        table::{Column, Table},
    },
    terminal::Terminal,
};

/// Rounds shorter than this show no progress: it would only flicker.
const PROGRESS_AFTER: Duration = Duration::from_millis(400);

/// What the table looks like.
pub(crate) struct Layout {
    /// The columns asked for; none for all that there is room for.
    pub(crate) columns: Vec<Key>,
    /// What rows are sorted by; else they stay in order.
    pub(crate) sort: Vec<SortKey>,
    /// The services asked about.
    pub(crate) units: Vec<UnitName>,
    /// The nodes in the order of the selection.
    pub(crate) order: Vec<NodeId>,
}

/// Shows rounds.
pub(crate) struct Show {
    layout: Layout,
    json: bool,
    terminal: Terminal,
    plain: bool,
    watch: Option<Duration>,
    seq: u64,
    round: usize,
    begun: Instant,
    progress: bool,
    results: Vec<NodeResult>,
    told: HashMap<NodeId, NodeStatus>,
    /// Lines of the round before that still stand on the terminal.
    drawn: usize,
}

impl Show {
    /// As the flags say.
    pub(crate) fn new(
        layout: Layout,
        format: Format,
        terminal: &Terminal,
        watch: Option<Duration>,
    ) -> Self {
        Self {
            layout,
            json: format == Format::Json,
            terminal: *terminal,
            plain: format == Format::Plain,
            watch,
            seq: 0,
            round: 0,
            begun: Instant::now(),
            progress: false,
            results: Vec::new(),
            told: HashMap::new(),
            drawn: 0,
        }
    }

    /// How standard output and standard error are written to; asked anew each round, for the
    /// window may have become another size.
    fn styles(&self) -> [Style; 2] {
        self.terminal.styles().map(|style| Style {
            color: style.color && !self.plain,
            unicode: style.unicode && !self.plain,
            ..style
        })
    }

    /// A round begins.
    pub(crate) fn begin(&mut self) {
        self.begun = Instant::now();
        self.round += 1;
        self.results.clear();
        self.told.clear();
    }

    /// A node is done.
    pub(crate) fn node(&mut self, result: NodeResult, status: NodeStatus) -> io::Result<()> {
        if self.json {
            let mut out = io::stdout().lock();
            return line(
                &mut self.seq,
                StatusLine::NodeStatus(Box::new(status)),
                &mut out,
            );
        }
        self.results.push(result);
        self.told.insert(status.node.clone(), status);
        let alone = self.watch.is_none() || self.round == 1;
        if self.terminal.stderr_is_terminal && alone && self.begun.elapsed() > PROGRESS_AFTER {
            self.progress = true;
            let (done, all) = (self.results.len(), self.layout.order.len());
            write!(io::stderr(), "\r{done} of {all} nodes\x1b[K")?;
        }
        Ok(())
    }

    /// Every node is done.
    pub(crate) fn finish(&mut self, report: &Report) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            return line(&mut self.seq, StatusLine::Report(report.clone()), &mut out);
        }
        if std::mem::take(&mut self.progress) {
            write!(io::stderr(), "\r\x1b[K")?;
        }
        let [style, error_style] = self.styles();
        let mut text = Vec::new();
        table(&self.layout, &self.told, style).write(style, &mut text)?;
        match self.watch {
            Some(pause) if style.terminal => {
                if report.interrupted {
                    // Half a round does not take the place of a whole one.
                    return Ok(());
                }
                let footer = format!(
                    "{}, again every {pause:?}; Ctrl-C ends it",
                    counts(report, style)
                );
                self.drawn = redraw(&text, &footer, self.drawn, self.terminal.height(), &mut out)?;
                Ok(())
            }
            Some(_) if self.round > 1 => {
                if report.interrupted {
                    return Ok(());
                }
                writeln!(out)?;
                out.write_all(&text)?;
                out.flush()
            }
            _ => {
                out.write_all(&text)?;
                out.flush()?;
                drop(out);
                if report.success && report.nodes == 1 {
                    return Ok(());
                }
                summary(report, &self.results, error_style, &mut io::stderr().lock())
            }
        }
    }

    /// No further round comes.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if self.drawn > 0 {
            // Below what was typed: ^C.
            writeln!(io::stdout())?;
        }
        Ok(())
    }
}

fn line(seq: &mut u64, event: impl Serialize, to: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *to, &Envelope { seq: *seq, event })?;
    *seq += 1;
    to.write_all(b"\n")?;
    to.flush()
}

/// Puts a table in the place of the one before: that one's lines are gone back over. Returns the
/// lines that stand there now. What a terminal of so many lines can not hold is left out, as it
/// could not be gone back over; for the same reason no line is broken into two meanwhile.
fn redraw(
    table: &[u8],
    footer: &str,
    drawn: usize,
    height: Option<u16>,
    to: &mut impl Write,
) -> io::Result<usize> {
    let text = String::from_utf8_lossy(table);
    let lines: Vec<&str> = text.lines().collect();
    let room = height.map_or(usize::MAX, |height| usize::from(height).saturating_sub(3));
    let mut frame = String::new();
    if drawn > 0 {
        frame.push_str(&format_args!("\x1b[{drawn}A").to_string());
    }
    frame.push_str("\r\x1b[?7l");
    let shown = &lines[..lines.len().min(room.max(2))];
    let left = lines.len() - shown.len();
    for line in shown {
        frame.push_str(line);
        frame.push_str("\x1b[K\n");
    }
    if left > 0 {
        frame.push_str(&format_args!("({left} more; a taller window shows them)").to_string());
        frame.push_str("\x1b[K\n");
    }
    frame.push_str(footer);
    // What stood below, where there were more lines before.
    frame.push_str("\x1b[K\x1b[?7h\n\x1b[J");
    to.write_all(frame.as_bytes())?;
    to.flush()?;
    Ok(shown.len() + usize::from(left > 0) + 1)
}

/// The table of a round.
fn table(layout: &Layout, told: &HashMap<NodeId, NodeStatus>, style: Style) -> Table {
    let by_name = !layout.columns.is_empty();
    let mut keys = layout.columns.clone();
    if !by_name {
        keys.extend(Key::all());
    }
    // The services come after the state, or last.
    let units_at = keys
        .iter()
        .position(|key| *key == Key::State)
        .map_or(keys.len(), |at| at + 1);
    let mut columns: Vec<Column> = keys.iter().map(|key| key.column(by_name)).collect();
    let units = layout
        .units
        .iter()
        .map(|unit| Column::new(unit.to_string()));
    columns.splice(units_at..units_at, units);
    let mut table = Table::new(columns);
    let mut rows: Vec<&NodeStatus> = layout.order.iter().filter_map(|id| told.get(id)).collect();
    rows.sort_by(|left, right| {
        let mut orders = layout.sort.iter().map(|key| key.order(left, right));
        orders
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    for status in rows {
        let Some(facts) = &status.facts else {
            let named = keys.first() == Some(&Key::Node);
            let name = named.then(|| status.node.as_str().into());
            let about = (!named).then_some(&status.node);
            table.note(
                name.into_iter().collect(),
                cells::trouble(status, about, style),
            );
            continue;
        };
        let mut cells: Vec<_> = keys
            .iter()
            .map(|key| key.cell(status, facts, style))
            .collect();
        let units = layout.units.iter().map(|wanted| {
            let name = wanted.to_string();
            cells::unit(facts.units.iter().find(|unit| unit.name == name), style)
        });
        cells.splice(units_at..units_at, units);
        table.row(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use serde_json::{Value, json};
    use towline_core::event::Status;

    use super::*;
    use crate::render::Style;

    fn told(node: &str, facts: &Value) -> NodeStatus {
        NodeStatus {
            node: node.parse().unwrap(),
            status: Status::Ok,
            latency_ms: Some(2.345),
            clock: None,
            facts: Some(serde_json::from_value(facts.clone()).unwrap()),
            error: None,
        }
    }

    fn silent(node: &str, kind: &str) -> NodeStatus {
        let error = json!({"kind": kind, "message": "m"});
        NodeStatus {
            status: Status::Unreachable,
            facts: None,
            latency_ms: None,
            error: Some(serde_json::from_value(error).unwrap()),
            ..told(node, &json!({}))
        }
    }

    fn fleet() -> Vec<NodeStatus> {
        let gib = 1024_u64 * 1024 * 1024;
        let worker = json!({
            "os": "Debian GNU/Linux 12 (bookworm)", "kernel": "6.1.0-18-amd64",
            "architecture": "x86_64", "cpus": 8, "uptime_s": 792_000, "load": [12.5, 1.0, 1.0],
            "memory": {"total_bytes": 32 * gib, "available_bytes": 2 * gib},
            "disks": [
                {"mount": "/", "device": "/dev/sda1", "total_bytes": 40 * gib,
                 "available_bytes": 20 * gib, "used_percent": 50},
                {"mount": "/var/lib/docker", "device": "/dev/sdb1", "total_bytes": 400 * gib,
                 "available_bytes": 8 * gib, "used_percent": 98},
            ],
            "gpus": [{"name": "NVIDIA L4", "utilisation_percent": 30},
                     {"name": "NVIDIA L4", "utilisation_percent": 41}],
            "runs": {"docker": {"client": "/usr/bin/docker", "socket": "/run/docker.sock"},
                     "containerd": [{"flavour": "k0s", "socket": "/run/k0s/containerd.sock",
                                     "accessible": true}],
                     "systemd": {"version": "252"}},
            "units": [{"name": "nginx", "state": "up", "up_s": 7200}],
        });
        let small = json!({
            "os": "Alpine Linux v3.20", "kernel": "6.6.31-0-rpi", "architecture": "aarch64",
            "cpus": 4, "uptime_s": 61, "load": [0.05, 0.0, 0.0],
            "memory": {"total_bytes": gib, "available_bytes": gib},
            "disks": [{"mount": "/", "device": "/dev/mmcblk0p2", "total_bytes": 29 * gib,
                       "available_bytes": 3 * gib, "used_percent": 89}],
            "runs": {"docker": {"client": "/usr/bin/docker"}},
            "units": [{"name": "nginx", "state": "down", "detail": "failed (failed)"}],
        });
        vec![
            told("worker-with-a-long-name-01.rack7.example.org", &worker),
            silent("db", "refused"),
            told("pi-2", &small),
            silent("db-2", "host-key-changed"),
        ]
    }

    fn drawn(layout: &Layout, style: Style) -> String {
        let told = fleet().into_iter().map(|s| (s.node.clone(), s)).collect();
        let mut out = Vec::new();
        table(layout, &told, style).write(style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn layout(sort: &[&str], units: &[&str]) -> Layout {
        Layout {
            columns: Vec::new(),
            sort: sort.iter().map(|key| key.parse().unwrap()).collect(),
            units: units.iter().map(|unit| unit.parse().unwrap()).collect(),
            order: fleet().into_iter().map(|status| status.node).collect(),
        }
    }

    #[test]
    fn what_matters_less_makes_room() {
        let layout = layout(&[], &["nginx"]);
        let widths = [None, Some(200), Some(120), Some(80), Some(60), Some(40)];
        let all = widths.map(|width| {
            let style = Style {
                width,
                unicode: width != Some(120),
                ..Style::default()
            };
            let width = width.map_or("any".to_owned(), |width| width.to_string());
            format!("--- width {width}\n{}", drawn(&layout, style))
        });
        insta::assert_snapshot!(all.concat());
    }

    #[test]
    fn rows_without_a_value_come_last() {
        let first_words = |sort: &[&str]| {
            let text = drawn(&layout(sort, &[]), Style::default());
            let words = text
                .lines()
                .skip(1)
                .filter_map(|line| line.split(' ').next());
            words
                .map(|word| word.chars().take(4).collect::<String>())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(first_words(&[]), "work db pi-2 db-2");
        assert_eq!(first_words(&["node"]), "db db-2 pi-2 work");
        for key in Key::value_variants() {
            let name = key.to_possible_value().unwrap().get_name().to_owned();
            if matches!(key, Key::Node | Key::State) {
                continue;
            }
            for name in [name.clone(), format!("-{name}")] {
                let words = first_words(&[&name]);
                assert!(words.ends_with("db db-2"), "{name}: {words}");
            }
        }
        assert_eq!(first_words(&["load", "node"]), "pi-2 work db db-2");
        assert_eq!(first_words(&["-load", "-node"]), "work pi-2 db-2 db");
    }

    #[test]
    fn a_round_is_drawn_over_the_one_before() {
        let mut out = Vec::new();
        let lines = redraw(b"a\nb\nc\n", "end", 0, Some(24), &mut out).unwrap();
        assert_eq!(lines, 4);
        assert_eq!(
            out,
            b"\r\x1b[?7la\x1b[K\nb\x1b[K\nc\x1b[K\nend\x1b[K\x1b[?7h\n\x1b[J"
        );
        out.clear();
        // Five lines: two for rows, one each for what is left out, the footer and the cursor.
        let lines = redraw(b"a\nb\nc\n", "end", lines, Some(5), &mut out).unwrap();
        assert_eq!(lines, 4);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("\x1b[4A\r\x1b[?7la\x1b[K\nb\x1b[K\n(1 more"),
            "{text:?}"
        );
    }
}
