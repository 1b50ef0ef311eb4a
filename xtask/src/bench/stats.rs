//! Numbers of several rounds in one.

/// The middle one; of an even count the mean of the two in the middle. 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// The least. 0 of none.
pub(super) fn least(values: &[f64]) -> f64 {
    sorted(values).first().copied().unwrap_or_default()
}

/// The greatest. 0 of none.
pub(super) fn greatest(values: &[f64]) -> f64 {
    sorted(values).last().copied().unwrap_or_default()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// A number with as many digits as mean something: `0.684`, `12.3`, `250`.
pub(super) fn short(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles_and_ends() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
        assert_eq!(least(&[3.0, 1.0]), 1.0);
        assert_eq!(greatest(&[3.0, 1.0]), 3.0);
    }

    #[test]
    fn digits_that_mean_something() {
        for (value, shown) in [
            (0.0, "0.000"),
            (0.6843, "0.684"),
            (0.9999, "1.00"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (99.96, "100"),
            (250.4, "250"),
        ] {
            assert_eq!(short(value), shown);
        }
    }
}
