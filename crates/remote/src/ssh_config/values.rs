//! Values that are more than a word: times, sizes, counts.

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// The largest number that ssh keeps.
const MAX: i64 = i32::MAX as i64;

/// Seconds from `90`, `1h30m`, `2w`: a sum of numbers with a unit each.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, tail) = leading_number(rest)?;
        let mut tail = tail.chars();
        let unit = match tail.next() {
            None | Some('s' | 'S') => 1,
            Some('m' | 'M') => MINUTE,
            Some('h' | 'H') => HOUR,
            Some('d' | 'D') => DAY,
            Some('w' | 'W') => WEEK,
            Some(_) => return None,
        };
        total = number
            .checked_mul(unit)
            .and_then(|part| total.checked_add(part))?;
        if total > MAX {
            return None;
        }
        rest = tail.as_str();
    }
    Some(total)
}

/// A number from 0 up, as C reads it: white space and a plus sign may come first, nothing may follow.
pub(super) fn count(text: &str) -> Option<i64> {
    leading_number(text)
        .filter(|(number, rest)| rest.is_empty() && *number <= MAX)
        .map(|(number, _)| number)
}

/// Bytes from `512`, `1.5G`: a number, perhaps with a fraction, and perhaps one letter for a power of 1024.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim_start_matches(is_c_space);
    let text = text.strip_prefix('+').unwrap_or(text);
    let (number, scale) = match text.char_indices().last()? {
        (at, letter) if letter.is_ascii_alphabetic() => {
            let power = "BKMGTPE".find(letter.to_ascii_uppercase())?;
            (&text[..at], 1_u128 << (10 * power))
        }
        _ => (text, 1),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut total = whole.checked_mul(scale)?;
    // More digits than these can not count any more.
    let fraction = &fraction[..fraction.len().min(18)];
    if !fraction.is_empty() {
        let parts: u128 = fraction.parse().ok()?;
        let of = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        total = total.checked_add(parts * scale / of)?;
    }
    u64::try_from(total)
        .ok()
        .filter(|&total| i64::try_from(total).is_ok())
}

/// A number at the start, with white space and a plus sign before it passed over, and what follows it.
fn leading_number(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start_matches(is_c_space);
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn is_c_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// A TCP port from its number or name; 0 is none.
pub(super) fn port(text: &str, name: impl FnOnce(&str) -> Option<u16>) -> Option<u16> {
    let number = count(text).and_then(|number| u16::try_from(number).ok());
    number.or_else(|| name(text)).filter(|&port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds("90"), Some(90));
        assert_eq!(seconds("1h30m"), Some(5400));
        assert_eq!(seconds("1W 2d"), Some(9 * DAY));
        for bad in ["", "h", "-1", "1x", "1h-3", "99999999999", "3551w"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("1.5G"), Some(1_610_612_736));
        assert_eq!(bytes(".5k"), Some(512));
        assert_eq!(bytes("16"), Some(16));
        for bad in ["", "K", ".", "1GB", "-1", "1,5", "99E"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
    }

    #[test]
    fn counts_and_ports() {
        assert_eq!(count(" +5"), Some(5));
        for bad in ["5 ", "-1", "", "2147483648"] {
            assert_eq!(count(bad), None, "{bad}");
        }
        let name = |name: &str| (name == "ssh").then_some(22);
        assert_eq!(port("022", name), Some(22));
        assert_eq!(port("ssh", name), Some(22));
        assert_eq!(port("0", name), None);
        assert_eq!(port("65536", name), None);
    }
}
