//! Names to a node set, in time that grows with their number and not with its square.

use std::collections::HashMap;

use super::natural::natural_cmp;
use super::range::{MAX_DIGITS, decimal_digits};

/// How many numbers of a name are counted with, from its end; those before them are text.
const MAX_DIMENSIONS: usize = 8;

/// How often boxes are merged along every dimension. Two or three rounds settle any regular set;
/// a set that is not settled by then is written a little longer, never wrong.
const MAX_ROUNDS: usize = 16;

/// A number as it was written. The order is by length, then by value, as ClusterShell prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Number {
    digits: usize,
    value: u64,
}

/// For every dimension, which numbers: an index into [`Sets`]. A box stands for their product.
type Cell = Vec<usize>;

/// Writes names as a node set: `db1,web-[01-20,30]`, `r[1-2]n[1-4]`.
///
/// In natural order, every name once. Numbers of different padding are kept apart: `n[1,01]`.
/// What [`super::expand`] makes of it are the same names, as long as none of them holds brackets
/// other than those of an IPv6 address, commas, blanks or globs; no node id of a fleet does.
pub fn fold<I>(names: I) -> String
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let names: Vec<I::Item> = names.into_iter().collect();
    let mut shapes: HashMap<Vec<&str>, Vec<Vec<Number>>> = HashMap::new();
    for name in &names {
        let (texts, numbers) = split(name.as_ref());
        shapes.entry(texts).or_default().push(numbers);
    }
    let mut folded: Vec<(String, String)> = Vec::with_capacity(shapes.len());
    for (texts, points) in shapes {
        let mut sets = Sets::default();
        for cell in merge(points, &mut sets) {
            folded.push(write(&texts, &cell, &sets));
        }
    }
    folded.sort_unstable_by(|a, b| natural_cmp(&a.0, &b.0));
    let texts: Vec<String> = folded.into_iter().map(|(_, text)| text).collect();
    texts.join(",")
}

/// The texts around the numbers of a name, one more than there are numbers, and the numbers.
fn split(name: &str) -> (Vec<&str>, Vec<Number>) {
    let mut spans = Vec::new();
    let mut at = 0;
    if !name.contains(['[', ']']) {
        for run in name.split(|c: char| !c.is_ascii_digit()) {
            if (1..=MAX_DIGITS).contains(&run.len()) {
                spans.push((at, run));
            }
            // What separates two runs is one character, of any length.
            let after = at + run.len();
            at = after + name[after..].chars().next().map_or(0, char::len_utf8);
        }
    }
    let spans = &spans[spans.len().saturating_sub(MAX_DIMENSIONS)..];
    let mut texts = Vec::with_capacity(spans.len() + 1);
    let mut numbers = Vec::with_capacity(spans.len());
    let mut end = 0;
    for &(start, digits) in spans {
        // At most MAX_DIGITS digits: they are a number.
        let Ok(value) = digits.parse() else { continue };
        texts.push(&name[end..start]);
        numbers.push(Number {
            digits: digits.len(),
            value,
        });
        end = start + digits.len();
    }
    texts.push(&name[end..]);
    (texts, numbers)
}

/// Sets of numbers, each stored once, so that comparing two is comparing their indexes.
#[derive(Default)]
struct Sets {
    sets: Vec<Vec<Number>>,
    index: HashMap<Vec<Number>, usize>,
}

impl Sets {
    fn intern(&mut self, set: Vec<Number>) -> usize {
        if let Some(&index) = self.index.get(&set) {
            return index;
        }
        self.sets.push(set.clone());
        self.index.insert(set, self.sets.len() - 1);
        self.sets.len() - 1
    }
}

/// Few boxes that hold exactly these points, no two of them the same point.
fn merge(mut points: Vec<Vec<Number>>, sets: &mut Sets) -> Vec<Cell> {
    points.sort_unstable();
    points.dedup();
    let dimensions = points.first().map_or(0, Vec::len);
    let cells: Vec<Cell> = points
        .into_iter()
        .map(|point| point.into_iter().map(|n| sets.intern(vec![n])).collect())
        .collect();
    if cells.len() == 1 || dimensions == 0 {
        return cells;
    }
    let from_the_end = merge_along(cells.clone(), (0..dimensions).rev(), sets);
    if from_the_end.len() == 1 || dimensions == 1 {
        return from_the_end;
    }
    let from_the_start = merge_along(cells, 0..dimensions, sets);
    if from_the_start.len() < from_the_end.len() {
        from_the_start
    } else {
        from_the_end
    }
}

/// Joins boxes that differ in one dimension only, dimension by dimension, until none are left.
fn merge_along(
    mut cells: Vec<Cell>,
    order: impl Iterator<Item = usize> + Clone,
    sets: &mut Sets,
) -> Vec<Cell> {
    for _ in 0..MAX_ROUNDS {
        let before = cells.len();
        for dimension in order.clone() {
            let others = |cell: &Cell| {
                let mut key = cell.clone();
                key.remove(dimension);
                key
            };
            cells.sort_by_cached_key(others);
            let alike = |a: &Cell, b: &Cell| {
                a[..dimension] == b[..dimension] && a[dimension + 1..] == b[dimension + 1..]
            };
            cells = cells
                .chunk_by(alike)
                .map(|chunk| match chunk {
                    [cell] => cell.clone(),
                    _ => join(chunk, dimension, sets),
                })
                .collect();
        }
        if cells.len() == before {
            break;
        }
    }
    cells
}

/// One box for several that differ in one dimension only. Boxes never overlap, so the numbers of
/// that dimension are distinct.
fn join(cells: &[Cell], dimension: usize, sets: &mut Sets) -> Cell {
    let mut numbers: Vec<Number> = cells
        .iter()
        .flat_map(|cell| sets.sets[cell[dimension]].iter().copied())
        .collect();
    numbers.sort_unstable();
    let mut joined = cells[0].clone();
    joined[dimension] = sets.intern(numbers);
    joined
}

/// The first name of a box, to sort by, and the box as text.
fn write(texts: &[&str], cell: &Cell, sets: &Sets) -> (String, String) {
    let mut first = texts[0].to_owned();
    let mut folded = first.clone();
    for (&set, text) in cell.iter().zip(&texts[1..]) {
        let numbers = &sets.sets[set];
        first.push_str(&digits(numbers[0]));
        first.push_str(text);
        write_numbers(numbers, &mut folded);
        folded.push_str(text);
    }
    (first, folded)
}

fn write_numbers(numbers: &[Number], out: &mut String) {
    if let [number] = numbers {
        out.push_str(&digits(*number));
        return;
    }
    let mut runs: Vec<(Number, Number)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((first, last)) if follows(*first, *last, number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let runs = runs.into_iter().map(|(first, last)| match first == last {
        true => digits(first),
        false => format!("{}-{}", digits(first), digits(last)),
    });
    let runs: Vec<String> = runs.collect();
    out.push('[');
    out.push_str(&runs.join(","));
    out.push(']');
}

/// Whether a run from `first` to `last` goes on with `next`. An unpadded run may grow in digits
/// (`9`, `10`), a padded one is as wide all along (`098` to `999`, never `1000`).
fn follows(first: Number, last: Number, next: Number) -> bool {
    let unpadded = |number: Number| number.digits == decimal_digits(number.value);
    next.value == last.value + 1
        && (next.digits == last.digits || (unpadded(first) && unpadded(next)))
}

fn digits(number: Number) -> String {
    format!("{:0width$}", number.value, width = number.digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_numbers_count_and_only_if_they_can_be_counted_with() {
        let (texts, numbers) = split("1a2b3c4d5e6f7g8h9i010");
        assert_eq!(texts, ["1a2b", "c", "d", "e", "f", "g", "h", "i", ""]);
        assert_eq!(numbers.len(), MAX_DIMENSIONS);
        assert_eq!(
            numbers[7],
            Number {
                digits: 3,
                value: 10
            }
        );
        let (texts, numbers) = split("n1234567890123456789é7");
        assert_eq!(texts, ["n1234567890123456789é", ""]);
        assert_eq!(numbers.len(), 1);
        assert_eq!(split("[fe80::1]:22"), (vec!["[fe80::1]:22"], vec![]));
        assert_eq!(split(""), (vec![""], vec![]));
    }

    #[test]
    fn a_run_never_outgrows_its_padding() {
        assert_eq!(fold(["n098", "n099", "n100", "n101"]), "n[098-101]");
        let names = (98..=1001).map(|n| format!("n{n:03}"));
        assert_eq!(fold(names), "n[098-999,1000-1001]");
        let names = (98..=1001).map(|n| format!("n{n}"));
        assert_eq!(fold(names), "n[98-1001]");
    }

    #[test]
    fn the_direction_that_gives_fewer_boxes_wins() {
        let by_end = ["r1n1", "r1n2", "r2n1", "r2n2", "r3n2", "r3n3"];
        assert_eq!(fold(by_end), "r[1-2]n[1-2],r3n[2-3]");
        let by_start = ["r1n1", "r1n2", "r2n2", "r3n1", "r3n2", "r1n3", "r4n3"];
        assert_eq!(fold(by_start), "r[1,3]n1,r[1-3]n2,r[1,4]n3");
    }

    #[test]
    fn no_names_are_no_text() {
        assert_eq!(fold([""; 0]), "");
    }
}
