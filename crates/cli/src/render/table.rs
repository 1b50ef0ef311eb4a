//! A table fitted to the terminal: columns that matter less make room for those that matter more,
//! and no cell is ever broken into two lines.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Style, Tone, clean::single_line};

/// What stands between two columns.
const GAP: usize = 2;

/// A table.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    title: &'static str,
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
    pub(crate) fn new(title: &'static str) -> Self {
        Self {
            title,
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
        self.rows.push(cells);
    }

    /// Writes it. A column without any text is left out.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn write(&self, style: Style, to: &mut impl Write) -> io::Result<()> {
        let shown = self.fit(style);
        let titles: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| Cell::new(Tone::Strong, column.title))
            .collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            // What is empty at the end of a line needs no blanks to stand on.
            let full = shown.iter().rposition(|&(at, _)| !row[at].text.is_empty());
            let mut owed = 0;
            for &(at, width) in &shown[..full.map_or(0, |last| last + 1)] {
                let text = cut(&row[at].text, width, style.unicode);
                let blanks = width - text.width();
                let (before, after) = match self.columns[at].right {
                    true => (blanks, 0),
                    false => (0, blanks),
                };
                let before = owed + before;
                owed = GAP + after;
                write!(to, "{:before$}{}", "", style.paint(row[at].tone, text))?;
            }
            writeln!(to)?;
        }
        Ok(())
    }

    /// The columns that are shown, each with its width.
    fn fit(&self, style: Style) -> Vec<(usize, usize)> {
        let mut shown: Vec<(usize, usize)> = (0..self.columns.len())
            .filter_map(|at| {
                let cells = self.rows.iter().map(|row| row[at].text.width()).max();
                let cells = cells.unwrap_or(0);
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
}
