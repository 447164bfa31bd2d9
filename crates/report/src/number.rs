//! Numbers as people read them.

/// A number with four significant digits; very large and very small ones with an exponent.
pub(crate) fn real(value: f64) -> String {
    if !value.is_finite() {
        return non_finite(value);
    }
    if value == 0.0 {
        return "0".into();
    }
    // The exponent after rounding: 9.9999 is 10.00, not 10.000.
    let text = format!("{value:.3e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.parse::<i32>().unwrap_or(0) {
        exponent @ -4..6 => minus(&format!("{value:.*}", (3 - exponent).max(0) as usize)),
        exponent => minus(&format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'))),
    }
}

/// A share of one as a percentage.
pub(crate) fn percent(share: f64, decimals: usize) -> String {
    if share.is_finite() { minus(&format!("{:.decimals$}%", share * 100.0)) } else { non_finite(share) }
}

/// A count with a comma between thousands.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time in the unit that reads best.
pub(crate) fn seconds(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return real(value);
    }
    match value {
        0.0 => "0 s".into(),
        v if v < 1e-3 => format!("{:.0} µs", v * 1e6),
        v if v < 0.9995 => format!("{:.0} ms", v * 1e3),
        v if v < 9.995 => format!("{v:.2} s"),
        v if v < 59.95 => format!("{v:.1} s"),
        v if v < 3599.5 => format!("{} min {:02} s", v.round() as u64 / 60, v.round() as u64 % 60),
        v => {
            let minutes = (v / 60.0).round() as u64;
            format!("{} h {:02} min", count(minutes / 60), minutes % 60)
        }
    }
}

/// Samples per second: whole above a hundred.
pub(crate) fn rate(value: f64) -> String {
    if value.is_finite() && value >= 100.0 { count(value.round() as u64) } else { real(value) }
}

fn non_finite(value: f64) -> String {
    if value.is_nan() { "NaN".into() } else { minus(if value > 0.0 { "∞" } else { "-∞" }) }
}

/// The typographer's minus for the keyboard's hyphen.
fn minus(text: &str) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_keep_four_digits() {
        let cases = [
            (0.0, "0"),
            (0.068_234, "0.06823"),
            (2.345_678, "2.346"),
            (9.9999, "10.00"),
            (1234.56, "1235"),
            (3e-5, "3e−5"),
            (-0.5, "−0.5000"),
            (1.5e9, "1.5e9"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "∞"),
            (f64::NEG_INFINITY, "−∞"),
        ];
        for (value, text) in cases {
            assert_eq!(real(value), text);
        }
    }

    #[test]
    fn counts_and_shares() {
        assert_eq!(
            ["1", "999", "1,000", "1,199,882"],
            [1, 999, 1000, 1_199_882].map(count).each_ref().map(String::as_str)
        );
        assert_eq!(percent(0.97984, 2), "97.98%");
        assert_eq!(percent(f64::NAN, 2), "NaN");
        assert_eq!(rate(12_345.6), "12,346");
        assert_eq!(rate(3.25), "3.250");
    }

    #[test]
    fn times_never_show_sixty() {
        let cases = [
            (0.0, "0 s"),
            (2.5e-5, "25 µs"),
            (0.0421, "42 ms"),
            (0.9999, "1.00 s"),
            (12.34, "12.3 s"),
            (59.99, "1 min 00 s"),
            (119.7, "2 min 00 s"),
            (3599.9, "1 h 00 min"),
            (7380.0, "2 h 03 min"),
        ];
        for (value, text) in cases {
            assert_eq!(seconds(value), text);
        }
    }
}
