//! Quantiles of sorted values, as NumPy and scikit-learn count them.

/// The places before and after the real-numbered place `at`, and how far it is from the first one.
fn between(values: &[f64], at: f64, share: f64) -> f64 {
    let last = values.len() - 1;
    let low = at.floor().clamp(0.0, last as f64) as usize;
    let high = (low + 1).min(last);
    let (a, b) = (values[low], values[high]);
    if a == b {
        return a;
    }
    // NumPy's interpolation: from the nearer end, so that both ends are met exactly.
    if share >= 0.5 { b - (b - a) * (1.0 - share) } else { a + (b - a) * share }
}

/// The quantile `q` from 0 to 1 of ascending values, interpolated: NumPy's default.
pub(super) fn linear(values: &[f64], q: f64) -> f64 {
    let at = (values.len() - 1) as f64 * q;
    between(values, at, at - at.floor())
}

/// The median of ascending values.
pub(super) fn median(values: &[f64]) -> f64 {
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// The quantile `q` of ascending values by the inverse of their distribution; where it falls on a value, half-way to the
/// next one: NumPy's `averaged_inverted_cdf`.
pub(super) fn averaged_inverted_cdf(values: &[f64], q: f64) -> f64 {
    let at = values.len() as f64 * q - 1.0;
    between(values, at, if at == at.floor() { 0.5 } else { 1.0 })
}

/// The quantile `q` of ascending `values` of which each counts `weights` times, by the inverse of their distribution;
/// `average`: where it falls on a value, half-way to the next one. Source: scikit-learn's `_weighted_percentile`.
pub(super) fn weighted(values: &[f64], weights: &[f64], q: f64, average: bool) -> f64 {
    let mut total = 0.0;
    let sums: Vec<f64> = weights
        .iter()
        .map(|weight| {
            total += weight;
            total
        })
        .collect();
    let last = values.len() - 1;
    let mut wanted = q * total;
    if wanted == 0.0 {
        wanted = wanted.next_up();
    }
    let place = sums.partition_point(|&sum| sum < wanted).min(last);
    if !average || sums[place] - wanted > f64::EPSILON {
        return values[place];
    }
    let mut next = (place + 1).min(last);
    if weights[next] == 0.0 {
        let after = sums.partition_point(|&sum| sum <= sums[place]);
        next = if after > last { place } else { after };
    }
    f64::midpoint(values[place], values[next])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numpy_counts_so() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(linear(&values, 0.25), 1.75);
        assert_eq!(linear(&values, 1.0), 4.0);
        assert_eq!(median(&values), 2.5);
        assert_eq!(median(&values[..3]), 2.0);
        assert_eq!(averaged_inverted_cdf(&values, 0.5), 2.5);
        assert_eq!(averaged_inverted_cdf(&values, 0.6), 3.0);
    }

    #[test]
    fn weights_repeat_values() {
        assert_eq!(weighted(&[1.0, 2.0, 3.0], &[1.0, 2.0, 1.0], 0.5, false), 2.0);
        assert_eq!(weighted(&[1.0, 2.0, 3.0], &[2.0, 0.0, 2.0], 0.5, true), 2.0);
        assert_eq!(weighted(&[1.0, 2.0], &[1.0, 1.0], 0.5, true), 1.5);
        assert_eq!(weighted(&[1.0, 2.0], &[0.0, 1.0], 0.0, false), 2.0);
    }
}
