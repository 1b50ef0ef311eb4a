//! A table fitted to the terminal: columns that matter less make room for those that matter more,
//! and no cell is ever broken into two lines.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Style, Tone, clean::single_line};

/// What stands between two columns.
const GAP: usize = 2;

/// A table.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// A line of a table.
struct Row {
    /// For each column one.
    cells: Vec<Cell>,
    /// What stands in the place of all columns from this one on.
    note: Option<(usize, Cell)>,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    title: Cow<'static, str>,
    right: bool,
    /// 0 is never left out; of the others the highest goes first.
    rank: u8,
    /// How narrow it may become before columns are left out; `None`: as wide as its cells.
    least: Option<usize>,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Column {
    /// A column that is always there and as wide as its widest cell.
    pub(crate) fn new(title: impl Into<Cow<'static, str>>) -> Self {
        Self {
            title: title.into(),
            right: false,
            rank: 0,
            least: None,
        }
    }

    /// With numbers, set to the right.
    pub(crate) fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// That is left out where there is no room: the highest rank first.
    pub(crate) fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }

    /// That may be cut down to so many characters.
    pub(crate) fn least(mut self, width: usize) -> Self {
        self.least = Some(width);
        self
    }
}

impl Cell {
    /// With a tone. What comes from a node can not control the terminal.
    pub(crate) fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        Self {
            text: single_line(text.as_ref()),
            tone,
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Tone::Plain, text)
    }
}

impl Table {
    /// Without rows.
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row: a cell for each column; what is missing is empty.
    pub(crate) fn row(&mut self, mut cells: Vec<Cell>) {
        cells.resize_with(self.columns.len(), Cell::default);
        self.rows.push(Row { cells, note: None });
    }

    /// Adds a row of which only the first cells are known, and what is to be said instead of the
    /// others. It runs on to the end of the line, and makes no column wider.
    pub(crate) fn note(&mut self, mut cells: Vec<Cell>, note: Cell) {
        let from = cells.len();
        cells.resize_with(self.columns.len(), Cell::default);
        self.rows.push(Row {
            cells,
            note: Some((from, note)),
        });
    }

    /// Writes it. A column without any text is left out.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn write(&self, style: Style, to: &mut impl Write) -> io::Result<()> {
        let shown = self.fit(style);
        let titles = Row {
            cells: self
                .columns
                .iter()
                .map(|column| Cell::new(Tone::Strong, &column.title))
                .collect(),
            note: None,
        };
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.write_row(row, &shown, style, to)?;
        }
        Ok(())
    }

    fn write_row(
        &self,
        row: &Row,
        shown: &[(usize, usize)],
        style: Style,
        to: &mut impl Write,
    ) -> io::Result<()> {
        // What is empty at the end of a line needs no blanks to stand on.
        let end = match row.note {
            Some((from, _)) => shown.partition_point(|&(at, _)| at < from),
            None => shown
                .iter()
                .rposition(|&(at, _)| !row.cells[at].text.is_empty())
                .map_or(0, |last| last + 1),
        };
        let (mut owed, mut gone) = (0, 0);
        for &(at, width) in &shown[..end] {
            let cell = &row.cells[at];
            let text = cut(&cell.text, width, style.unicode);
            let blanks = width - text.width();
            let (before, after) = match self.columns[at].right {
                true => (blanks, 0),
                false => (0, blanks),
            };
            let before = owed + before;
            owed = GAP + after;
            gone += width + GAP;
            write!(to, "{:before$}{}", "", style.paint(cell.tone, text))?;
        }
        if let Some((_, note)) = &row.note {
            let room = style.width.map_or(usize::MAX, usize::from);
            let text = cut(&note.text, room.saturating_sub(gone), style.unicode);
            write!(to, "{:owed$}{}", "", style.paint(note.tone, text))?;
        }
        writeln!(to)
    }

    /// The columns that are shown, each with its width.
    fn fit(&self, style: Style) -> Vec<(usize, usize)> {
        let mut shown: Vec<(usize, usize)> = (0..self.columns.len())
            .filter_map(|at| {
                let cells = self.rows.iter().map(|row| row.cells[at].text.width());
                let cells = cells.max().unwrap_or(0);
                let title = self.columns[at].title.width();
                let needed = cells > 0 || self.columns[at].rank == 0;
                needed.then_some((at, cells.max(title)))
            })
            .collect();
        let Some(room) = style.width.map(usize::from) else {
            return shown;
        };
        loop {
            let wide: usize = shown.iter().map(|(_, width)| width).sum();
            let wide = wide + GAP * shown.len().saturating_sub(1);
            if wide <= room || self.narrow(&mut shown, wide - room) {
                return shown;
            }
            let last = shown
                .iter()
                .enumerate()
                .max_by_key(|&(place, &(at, _))| (self.columns[at].rank, place))
                .filter(|&(_, &(at, _))| self.columns[at].rank > 0);
            match last {
                Some((place, _)) => {
                    shown.remove(place);
                }
                // Nothing more can be done without: what is too long will be seen to be.
                None => return shown,
            }
        }
    }

    /// Takes `excess` characters from the columns that can give some, the widest first. `false`,
    /// and nothing taken, when they can not give that much.
    fn narrow(&self, shown: &mut [(usize, usize)], excess: usize) -> bool {
        let spare = |&(at, width): &(usize, usize)| match self.columns[at].least {
            Some(least) => width.saturating_sub(least.max(self.columns[at].title.width())),
            None => 0,
        };
        if shown.iter().map(spare).sum::<usize>() < excess {
            return false;
        }
        for _ in 0..excess {
            let widest = shown.iter_mut().filter(|column| spare(column) > 0);
            if let Some((_, width)) = widest.max_by_key(|column| column.1) {
                *width -= 1;
            }
        }
        true
    }
}

/// At most `width` columns of `text`.
fn cut(text: &str, width: usize, unicode: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mark = if unicode { "…" } else { "~" };
    let mut out = String::new();
    let mut left = width.saturating_sub(1);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        out.push(c);
    }
    out.push_str(mark);
    out
}

#[cfg(test)]
mod tests {
    use super::{
        super::styles::{PLAIN, TERMINAL, shown},
        *,
    };

    fn table() -> Table {
        let mut table = Table::new(vec![
            Column::new("NODE").least(8),
            Column::new("STATE"),
            Column::new("LOAD").right().rank(2),
            Column::new("GPU").rank(1),
            Column::new("KERNEL").rank(4),
            Column::new("RUNS").rank(3).least(10),
        ]);
        let rows = [
            (
                "web-01",
                "✓",
                "0.12",
                "6.1.0-18-amd64",
                "docker podman systemd",
            ),
            ("a-very-long-name.of.some.example.org", "✗", "12.50", "", ""),
            (
                "küche-日本",
                "✓",
                "1.00",
                "14.0-RELEASE",
                "containerd k0s systemd",
            ),
        ];
        for (node, state, load, kernel, runs) in rows {
            let tone = if state == "✓" {
                Tone::Good
            } else {
                Tone::Bad
            };
            table.row(vec![
                node.into(),
                Cell::new(tone, state),
                load.into(),
                "".into(),
                kernel.into(),
                runs.into(),
            ]);
        }
        table
    }

    #[test]
    fn it_fits_into_any_width() {
        let table = table();
        let widths = [
            None,
            Some(100),
            Some(80),
            Some(60),
            Some(40),
            Some(30),
            Some(10),
        ];
        let all: Vec<String> = widths
            .into_iter()
            .map(|width| {
                let style = Style {
                    color: false,
                    width,
                    ..TERMINAL
                };
                let text = shown(|to| table.write(style, to).unwrap());
                if let Some(width) = width.filter(|&width| width > 10) {
                    for line in text.lines() {
                        assert!(line.width() <= usize::from(width), "{width}: {line}");
                    }
                }
                format!("{width:?}\n{text}")
            })
            .collect();
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn colours_do_not_count_as_width() {
        insta::assert_snapshot!(shown(|to| table().write(TERMINAL, to).unwrap()));
    }

    #[test]
    fn a_cell_can_neither_break_the_table_nor_control_the_terminal() {
        let mut table = Table::new(vec![Column::new("A"), Column::new("B")]);
        table.row(vec!["x\ny\x1b[2J".into(), "z".into()]);
        let text = shown(|to| table.write(PLAIN, to).unwrap());
        assert_eq!(text, "A        B\nx y?[2J  z\n");
    }

    #[test]
    fn a_note_runs_to_the_end_of_the_line_and_makes_no_column_wider() {
        let mut table = Table::new(vec![
            Column::new("NODE"),
            Column::new("UP").right(),
            Column::new("LOAD").right().rank(1),
        ]);
        table.row(vec!["web-01".into(), "9d".into(), "0.5".into()]);
        table.note(vec!["db".into()], "no answer within 10 s".into());
        let text = shown(|to| table.write(PLAIN, to).unwrap());
        assert_eq!(
            text,
            "NODE    UP  LOAD\nweb-01  9d   0.5\ndb      no answer within 10 s\n"
        );
        let narrow = Style {
            width: Some(20),
            ..PLAIN
        };
        let text = shown(|to| table.write(narrow, to).unwrap());
        assert!(text.ends_with("db      no answer w~\n"), "{text}");
    }
}
