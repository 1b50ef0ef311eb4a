//! Which of the known names a user may have meant.

use crate::nodeset::natural_cmp;

/// How many names are proposed.
const MAX_PROPOSED: usize = 3;

/// The known names that are fewest slips of the finger away, and at most two. A slip is a letter
/// too many, too few, another one, or two swapped; short names are allowed one.
pub(crate) fn similar<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let word: Vec<char> = word.chars().collect();
    let allowed = if word.len() <= 3 { 1 } else { 2 };
    let mut near: Vec<(usize, &str)> = known
        .filter_map(|name| {
            let distance = distance(&word, name, allowed)?;
            Some((distance, name))
        })
        .collect();
    let least = near.iter().map(|near| near.0).min();
    near.retain(|near| Some(near.0) == least);
    near.sort_by(|a, b| natural_cmp(a.1, b.1));
    let names = near.into_iter().map(|(_, name)| name.to_owned());
    names.take(MAX_PROPOSED).collect()
}

/// How many slips lie between two words, if no more than allowed.
fn distance(word: &[char], other: &str, allowed: usize) -> Option<usize> {
    let other: Vec<char> = other.chars().collect();
    if word.len().abs_diff(other.len()) > allowed {
        return None;
    }
    let mut rows = vec![vec![0; other.len() + 1]; word.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=other.len()).collect();
    for i in 1..=word.len() {
        for j in 1..=other.len() {
            let changed = usize::from(word[i - 1] != other[j - 1]);
            let mut least = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && word[i - 1] == other[j - 2] && word[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    Some(rows[word.len()][other.len()]).filter(|&slips| slips <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nearest_are_proposed() {
        let known = ["web-01", "web-02", "wbe-1", "db1", "web-10", "web", "x"];
        assert_eq!(
            similar("web-1", known.into_iter()),
            ["wbe-1", "web-01", "web-10"]
        );
        assert_eq!(similar("wbe", known.into_iter()), ["web"]);
        assert_eq!(similar("database", known.into_iter()), [""; 0]);
        assert_eq!(similar("", known.into_iter()), ["x"]);
    }
}
