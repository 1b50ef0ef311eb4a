//! The order people expect: `web-2` before `web-10`.

use std::cmp::Ordering;

/// Compares names with their numbers read as numbers, of any length.
///
/// Names that differ in padding only (`n1`, `n01`) follow each other. Two names are equal only if
/// they are the same text, so this is a total order.
#[must_use]
pub fn natural_cmp(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.as_bytes(), right.as_bytes());
    while let (Some(&x), Some(&y)) = (a.first(), b.first()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (m, n);
            (m, a) = take_number(a);
            (n, b) = take_number(b);
            m.len().cmp(&n.len()).then_with(|| m.cmp(n))
        } else {
            (a, b) = (&a[1..], &b[1..]);
            x.cmp(&y)
        };
        if order.is_ne() {
            return order;
        }
    }
    a.len()
        .cmp(&b.len())
        .then_with(|| left.len().cmp(&right.len()))
        .then_with(|| left.cmp(right))
}

/// The digits at the beginning without leading zeros, and what follows them.
fn take_number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let sorted = [
            "",
            "0",
            "00",
            "9",
            "10",
            "99999999999999999999999",
            "100000000000000000000000",
            "a",
            "n",
            "n1",
            "n01",
            "n1x",
            "n2",
            "n10",
            "n10a2",
            "n10a10",
            "web",
            "web-2",
            "web-10",
            "web1",
        ];
        for pair in sorted.windows(2) {
            assert_eq!(natural_cmp(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(natural_cmp(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn is_a_total_order(mut names in prop::collection::vec("[a0-2-]{0,6}", 3)) {
            let (a, b) = (&names[0], &names[1]);
            prop_assert_eq!(natural_cmp(a, b), natural_cmp(b, a).reverse());
            prop_assert_eq!(natural_cmp(a, b).is_eq(), a == b);
            names.sort_by(|a, b| natural_cmp(a, b));
            prop_assert!(natural_cmp(&names[0], &names[2]).is_le());
        }
    }
}
