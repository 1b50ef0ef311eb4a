//! What is wrong in an inventory, and how it is shown: file, line, column, the line itself, and
//! what was meant.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::tree::{Document, Place};

/// One mistake in an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in one line.
    pub title: String,
    /// The file, or the words of the command.
    pub origin: String,
    /// Line and column, both from 1, where the text is at hand.
    pub position: Option<(usize, usize)>,
    rendered: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

/// A value of a document that a message speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The number of the value in its document, for documents without text.
    pub(super) number: u32,
}

impl Mark {
    pub(super) fn new(place: Option<Place>, number: u32) -> Self {
        let Place { start, end } = place.unwrap_or_default();
        Self { start, end, number }
    }
}

/// A mistake as it is found, before it is shown in its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    title: String,
    mark: Option<Mark>,
    label: String,
    second: Option<(Mark, String)>,
    help: Option<String>,
}

impl Finding {
    /// `title` is the mistake, `label` stands beside the mark and says what was wanted.
    pub(super) fn new(title: impl Into<String>, mark: Mark, label: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            mark: Some(mark),
            label: label.into(),
            second: None,
            help: None,
        }
    }

    /// A mistake of the whole document.
    pub(super) fn of_all(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            mark: None,
            label: String::new(),
            second: None,
            help: None,
        }
    }

    /// Points at a second place that has to do with it.
    pub(super) fn and(mut self, mark: Mark, label: impl Into<String>) -> Self {
        self.second = Some((mark, label.into()));
        self
    }

    /// Says what to write instead.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The order in which findings are shown: as they stand in the text.
    pub(super) fn order(&self) -> Option<Mark> {
        self.mark
    }

    /// Whether another finding says the same of the same place, as an alias makes it.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        let place = |finding: &Self| finding.mark.map(|mark| (mark.start, mark.end));
        self.title == other.title && place(self) == place(other) && place(self) != Some((0, 0))
    }

    /// Shows the finding in its document.
    pub(super) fn show(self, document: &Document) -> Problem {
        let rendered = match (&document.text, self.mark) {
            (Some(text), Some(mark)) => self.with_snippet(&document.name, text, mark),
            (None, Some(mark)) => self.with_path(document, mark),
            (_, None) => self.plain(&document.name),
        };
        let position = self.mark.and_then(|mark| document.position(mark.start));
        Problem {
            title: self.title,
            origin: document.name.clone(),
            position,
            rendered,
        }
    }

    fn with_snippet(&self, name: &str, text: &str, mark: Mark) -> String {
        let mut snippet = Snippet::source(text).path(name).annotation(
            AnnotationKind::Primary
                .span(one_line(text, mark))
                .label(&*self.label),
        );
        if let Some((mark, label)) = &self.second {
            let context = AnnotationKind::Context.span(one_line(text, *mark));
            snippet = snippet.annotation(context.label(&**label));
        }
        self.render(|group| group.element(snippet))
    }

    fn with_path(&self, document: &Document, mark: Mark) -> String {
        let path = |mark: Mark| match document.path_of(mark.number) {
            path if path.is_empty() => "the top".to_owned(),
            path => path,
        };
        let place = format!("{}, {}", document.name, path(mark));
        let second =
            (self.second.as_ref()).map(|(mark, label)| format!("{label}: {}", path(*mark)));
        self.render(|mut group| {
            group = group.element(Origin::path(place));
            for note in [Some(self.label.clone()), second].into_iter().flatten() {
                if !note.is_empty() {
                    group = group.element(Level::NOTE.message(note));
                }
            }
            group
        })
    }

    fn plain(&self, name: &str) -> String {
        self.render(|group| group.element(Origin::path(name)))
    }

    fn render<'a>(&'a self, fill: impl FnOnce(Group<'a>) -> Group<'a>) -> String {
        let mut group = fill(Group::with_title(Level::ERROR.primary_title(&*self.title)));
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(&**help));
        }
        Renderer::plain().render(&[group])
    }
}

/// The marked bytes up to the end of their first line: a table is shown by where it begins.
fn one_line(text: &str, mark: Mark) -> std::ops::Range<usize> {
    let start = floor(text, mark.start);
    let end = floor(text, mark.end.max(start));
    let line = text[start..end].lines().next().unwrap_or("");
    start..start + line.trim_end().len()
}

fn floor(text: &str, index: usize) -> usize {
    text.floor_char_boundary(index.min(text.len()))
}

/// The known word nearest to `word`, when it is near enough to have been meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|other| (distance(&word, other), other))
        .filter(|&(distance, other)| distance <= word.len().min(other.len()) / 3 + 1)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, other)| other)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let swapped = (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                        .then(|| rows[i - 2][j - 2] + 1);
                    (rows[i - 1][j] + 1)
                        .min(rows[i][j - 1] + 1)
                        .min(replaced)
                        .min(swapped.unwrap_or(usize::MAX))
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let known = ["user", "host", "identity_file", "docker_url"];
        for (word, meant) in [
            ("usr", Some("user")),
            ("hsot", Some("host")),
            ("User", Some("user")),
            ("identityfile", Some("identity_file")),
            ("docker-url", Some("docker_url")),
            ("password", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
