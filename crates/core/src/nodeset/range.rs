//! What stands in brackets: `01-20,30`, `0-10/2`.

use std::fmt;

use super::error::{NodeSetError, NodeSetErrorKind as Kind};

/// More digits than this are not counted with: every number below fits 64 bits.
pub(crate) const MAX_DIGITS: usize = 18;

/// The numbers in one pair of brackets, in the order written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RangeList(Vec<Span>);

/// One run of numbers. `end` is the last number that is really reached, and a run of one number
/// has step 1, so equal runs compare equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Span {
    start: u64,
    end: u64,
    step: u64,
    /// To how many digits the numbers are padded; 0 if they are not.
    width: usize,
}

impl RangeList {
    /// Reads what stands between the brackets; columns in errors count from there.
    pub(crate) fn parse(text: &str) -> Result<Self, NodeSetError> {
        let mut spans = Vec::new();
        let mut offset = 0;
        for part in text.split(',') {
            let blanks = part.len() - part.trim_start().len();
            let span = Span::parse(part.trim())
                .map_err(|kind| NodeSetError::new(text, offset + blanks, kind))?;
            spans.push(span);
            offset += part.len() + 1;
        }
        Ok(Self(spans))
    }

    /// How many numbers there are, repetitions counted.
    pub(crate) fn count(&self) -> usize {
        self.0
            .iter()
            .map(|span| usize::try_from((span.end - span.start) / span.step + 1))
            .fold(0, |sum, n| sum.saturating_add(n.unwrap_or(usize::MAX)))
    }

    /// How many digits the longest number has.
    pub(crate) fn max_digits(&self) -> usize {
        let digits = |span: &Span| span.width.max(decimal_digits(span.end));
        self.0.iter().map(digits).max().unwrap_or(0)
    }

    /// The numbers as text, padded as written.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().flat_map(|span| {
            let numbers = (0..=(span.end - span.start) / span.step)
                .map(move |steps| span.start + steps * span.step);
            numbers.map(|number| span.write(number))
        })
    }

    /// Whether exactly these digits, zeros included, are one of the numbers.
    pub(crate) fn contains(&self, digits: &str) -> bool {
        digits.len() <= MAX_DIGITS
            && digits.parse().is_ok_and(|number: u64| {
                self.0.iter().any(|span| {
                    let width = span.width.max(decimal_digits(number));
                    (span.start..=span.end).contains(&number)
                        && (number - span.start).is_multiple_of(span.step)
                        && width == digits.len()
                })
            })
    }
}

impl Span {
    fn parse(text: &str) -> Result<Self, Kind> {
        if text.is_empty() {
            return Err(Kind::NoNumber);
        }
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range.trim(), Some(step.trim())),
            None => (text, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (from.trim(), to.trim()),
            None if step.is_some() => return Err(Kind::StepAlone),
            None => (range, range),
        };
        let not_a_number = |_| Kind::NotANumber(range.to_owned());
        let start = number(from).map_err(not_a_number)?;
        let end = number(to).map_err(not_a_number)?;
        if let Some(huge) = [from, to].into_iter().find(|n| n.len() > MAX_DIGITS) {
            return Err(Kind::HugeNumber(huge.to_owned()));
        }
        let padded = |digits: &str| digits.len() > 1 && digits.starts_with('0');
        let width = if padded(from) || padded(to) {
            from.len()
        } else {
            0
        };
        if width != 0 && from.len() != to.len() {
            return Err(Kind::MixedWidth(from.to_owned(), to.to_owned()));
        }
        if start > end {
            return Err(Kind::Descending(from.to_owned(), to.to_owned()));
        }
        let step = match step {
            None => 1,
            Some(text) => match number(text) {
                Ok(step) if step > 0 => step,
                _ => return Err(Kind::BadStep(text.to_owned())),
            },
        };
        let end = end - (end - start) % step;
        Ok(Self {
            start,
            end,
            step: if start == end { 1 } else { step },
            width,
        })
    }

    fn write(&self, number: u64) -> String {
        format!("{number:0width$}", width = self.width)
    }
}

/// A number of ASCII digits; one that is too big to count with is as big as can be.
fn number(digits: &str) -> Result<u64, ()> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    Ok(digits.parse().unwrap_or(u64::MAX))
}

/// How many digits a number has when it is written without padding.
pub(crate) fn decimal_digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

impl fmt::Display for RangeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, span) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(&span.write(span.start))?;
            if span.end != span.start {
                write!(f, "-{}", span.write(span.end))?;
            }
            if span.step != 1 {
                write!(f, "/{}", span.step)?;
            }
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        RangeList::parse(text).unwrap().numbers().collect()
    }

    #[test]
    fn padding_and_steps_are_kept() {
        assert_eq!(numbers("08-11"), ["08", "09", "10", "11"]);
        assert_eq!(numbers("8-11"), ["8", "9", "10", "11"]);
        assert_eq!(numbers("0-10/4"), ["0", "4", "8"]);
        assert_eq!(numbers("00,0,3-1000/900"), ["00", "0", "3", "903"]);
        assert_eq!(numbers(" 1 - 2 , 5"), ["1", "2", "5"]);
    }

    #[test]
    fn a_run_is_written_as_far_as_it_reaches() {
        for (text, written) in [
            ("01-20,30", "[01-20,30]"),
            ("0-10/4", "[0-8/4]"),
            ("007-009/5", "[007]"),
            ("4-4", "[4]"),
        ] {
            assert_eq!(RangeList::parse(text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn contains_looks_at_padding_and_step() {
        let list = RangeList::parse("01-20/2,0-5,100").unwrap();
        for digits in ["01", "03", "19", "0", "5", "100"] {
            assert!(list.contains(digits), "{digits}");
        }
        for digits in [
            "00",
            "02",
            "20",
            "6",
            "001",
            "0100",
            "",
            "9999999999999999999",
        ] {
            assert!(!list.contains(digits), "{digits}");
        }
    }

    #[test]
    fn says_what_was_meant() {
        let two = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let (down, mixed, mixed2) = (two("20", "1"), two("01", "100"), two("1", "010"));
        for (text, column, kind) in [
            ("", 1, Kind::NoNumber),
            ("1,,2", 3, Kind::NoNumber),
            ("1, x", 4, Kind::NotANumber("x".into())),
            ("-1", 1, Kind::NotANumber("-1".into())),
            ("1-2-3", 1, Kind::NotANumber("1-2-3".into())),
            ("+1", 1, Kind::NotANumber("+1".into())),
            ("20-1", 1, Kind::Descending(down.0, down.1)),
            ("01-100", 1, Kind::MixedWidth(mixed.0, mixed.1)),
            ("5,1-010", 3, Kind::MixedWidth(mixed2.0, mixed2.1)),
            ("1-3/0", 1, Kind::BadStep("0".into())),
            ("1-3/", 1, Kind::BadStep(String::new())),
            ("5/2", 1, Kind::StepAlone),
            (
                "1-9999999999999999999",
                1,
                Kind::HugeNumber("9999999999999999999".into()),
            ),
        ] {
            let error = RangeList::parse(text).unwrap_err();
            assert_eq!((error.column, error.kind), (column, kind), "{text:?}");
        }
    }
}
