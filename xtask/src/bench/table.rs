//! A table for the terminal that is Markdown at the same time.

/// Rows of cells below a head.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these columns. The first is text, the others numbers.
    pub(super) fn new<const N: usize>(head: [&str; N]) -> Self {
        let head = head.iter().map(|&cell| cell.to_owned()).collect();
        Self { rows: vec![head] }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
                .max(3)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (at, row) in self.rows.iter().enumerate() {
            let cell = |column: usize, width: usize| {
                let cell = row.get(column).map_or("", String::as_str);
                // Text begins where its column begins, numbers end where it ends.
                match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                }
            };
            line(f, &widths, cell)?;
            if at == 0 {
                line(f, &widths, |column, width| {
                    let end = if column == 0 { "-" } else { ":" };
                    ["-".repeat(width - 1).as_str(), end].concat()
                })?;
            }
        }
        Ok(())
    }
}

fn line(
    f: &mut std::fmt::Formatter<'_>,
    widths: &[usize],
    cell: impl Fn(usize, usize) -> String,
) -> std::fmt::Result {
    let cells = widths.iter().enumerate();
    let cells: Vec<String> = cells.map(|(column, &width)| cell(column, width)).collect();
    // tidy: allow-text a line of a table
    writeln!(f, "| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_up_and_is_markdown() {
        let mut table = Table::new(["tool", "CPU"]);
        table.row(["tow".to_owned(), "0.68".to_owned()]);
        table.row(["pdsh ×".to_owned(), "96".to_owned()]);
        assert_eq!(
            table.to_string(),
            "| tool   |  CPU |\n\
             | ------ | ---: |\n\
             | tow    | 0.68 |\n\
             | pdsh × |   96 |\n"
        );
    }
}
