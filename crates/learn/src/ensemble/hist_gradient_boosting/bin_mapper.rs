//! Reals become bytes.

use barehand_kernels::histogram::Binned;
use barehand_kernels::threads;
use barehand_tensor::{Error, Float, Result};

use super::quantile;

/// No threshold is larger: only a split that parts the missing values from all others has an infinite one.
const ALMOST_INFINITE: f64 = 1e300;

/// Where the bins of each feature end. Source: scikit-learn's `_BinMapper`.
#[derive(Clone, Debug)]
pub(super) struct BinMapper {
    /// Of a feature of numbers, the largest value of each bin but the last; of one of categories, its categories; ascending.
    bounds: Vec<Vec<f64>>,
    categorical: Vec<bool>,
}

impl BinMapper {
    /// The mapper of rows `x`, `(n, d)`, in at most `max_bins` bins a feature; `rows` are those whose quantiles count.
    ///
    /// `categories`, for each categorical feature, are those that may occur; of a feature without a list they are found.
    ///
    /// # Errors
    /// More categories than bins.
    pub(super) fn new<T: Float>(
        operation: &str,
        x: &[T],
        d: usize,
        weights: Option<&[f64]>,
        rows: Option<&[usize]>,
        max_bins: usize,
        categorical: &[usize],
        categories: &[Vec<f64>],
    ) -> Result<Self> {
        // Rows are drawn by their weights, so that these count no more.
        let weights = if rows.is_some() { None } else { weights };
        let is_categorical: Vec<bool> = (0..d).map(|feature| categorical.contains(&feature)).collect();
        let mut bounds: Vec<Vec<f64>> = vec![Vec::new(); d];
        let n = x.len() / d;
        threads::for_each_chunk(&mut bounds, 1, (1 << 14) / n.max(1) + 1, |feature, bounds| {
            let place = categorical.iter().position(|&listed| listed == feature);
            if let Some(known) = place.and_then(|place| categories.get(place)) {
                bounds[0].clone_from(known);
                return;
            }
            let value = |row: usize| x[row * d + feature].to_f64();
            if is_categorical[feature] {
                let mut values: Vec<f64> = (0..n).map(value).filter(|value| !value.is_nan()).collect();
                sort(&mut values);
                values.dedup();
                bounds[0] = values;
                return;
            }
            bounds[0] = match (rows, weights) {
                (Some(rows), _) => thresholds(rows.iter().map(|&row| value(row)), max_bins),
                (None, None) => thresholds((0..n).map(value), max_bins),
                (None, Some(weights)) => {
                    let pairs = (0..n).map(|row| (value(row), weights[row]));
                    weighted_thresholds(pairs, max_bins)
                }
            };
        });
        for feature in categorical {
            let count = bounds[*feature].len();
            if count > max_bins {
                return Err(Error::value(
                    operation,
                    format!(
                        "column {feature} has {count} categories: at most max_bins = {max_bins} expected"
                    ),
                ));
            }
        }
        Ok(BinMapper { bounds, categorical: is_categorical })
    }

    /// How many bins a feature has, the one for missing values not counted: that one is the next.
    pub(super) fn bins(&self, feature: usize) -> usize {
        self.bounds[feature].len() + usize::from(!self.categorical[feature])
    }

    pub(super) fn is_categorical(&self, feature: usize) -> bool {
        self.categorical[feature]
    }

    /// What a cut after `bin` compares with.
    pub(super) fn threshold(&self, feature: usize, bin: usize) -> f64 {
        self.bounds[feature].get(bin).copied().unwrap_or(f64::INFINITY)
    }

    /// The categories of each feature; none for features of numbers.
    pub(super) fn categories(&self) -> Vec<Vec<f64>> {
        let lists = self.bounds.iter().zip(&self.categorical);
        lists.map(|(bounds, &categorical)| if categorical { bounds.clone() } else { Vec::new() }).collect()
    }

    /// The rows `x`, `(n, d)`, binned.
    pub(super) fn transform<T: Float>(&self, x: &[T]) -> Binned {
        let d = self.bounds.len();
        let sizes: Vec<usize> = (0..d).map(|feature| self.bins(feature) + 1).collect();
        Binned::new(x.len() / d, &sizes, |feature, from, bins| {
            let missing = self.bins(feature) as u8;
            let bounds = &self.bounds[feature];
            let column = x[from * d + feature..].iter().step_by(d);
            for (bin, value) in bins.iter_mut().zip(column) {
                let value = value.to_f64();
                let place = bounds.partition_point(|&bound| bound < value);
                let known = !self.categorical[feature] || bounds.get(place) == Some(&value);
                *bin = if value.is_nan() || !known { missing } else { place as u8 };
            }
        })
    }
}

/// Sorts numbers without NaN: as integers of the same order, which is several times faster than by comparisons of reals.
fn sort(values: &mut [f64]) {
    let mut keys: Vec<u64> = values
        .iter()
        .map(|&value| {
            let bits = (value + 0.0).to_bits();
            if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
        })
        .collect();
    keys.sort_unstable();
    for (value, key) in values.iter_mut().zip(keys) {
        *value = f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key });
    }
}

fn midpoints(distinct: &[f64]) -> Vec<f64> {
    distinct
        .windows(2)
        .map(|pair| {
            let middle = f64::midpoint(pair[0], pair[1]);
            if middle.is_nan() { 0.0 } else { middle }
        })
        .collect()
}

fn finished(mut thresholds: Vec<f64>) -> Vec<f64> {
    thresholds.dedup();
    for threshold in &mut thresholds {
        *threshold = threshold.min(ALMOST_INFINITE);
    }
    thresholds.dedup();
    thresholds
}

/// The shares between `max_bins` bins, as NumPy's `linspace(0, 100, max_bins + 1) / 100` rounds them.
fn shares(max_bins: usize) -> impl Iterator<Item = f64> {
    let step = 100.0 / max_bins as f64;
    (1..max_bins).map(move |i| i as f64 * step / 100.0)
}

fn thresholds(values: impl Iterator<Item = f64>, max_bins: usize) -> Vec<f64> {
    let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    sort(&mut values);
    let mut distinct: Vec<f64> = Vec::with_capacity(max_bins + 1);
    for &value in &values {
        if distinct.last() != Some(&value) {
            distinct.push(value);
            if distinct.len() > max_bins {
                break;
            }
        }
    }
    if distinct.len() <= max_bins {
        return finished(midpoints(&distinct));
    }
    finished(shares(max_bins).map(|share| quantile::averaged_inverted_cdf(&values, share)).collect())
}

fn weighted_thresholds(pairs: impl Iterator<Item = (f64, f64)>, max_bins: usize) -> Vec<f64> {
    let mut pairs: Vec<(f64, f64)> =
        pairs.filter(|(value, weight)| !value.is_nan() && *weight != 0.0).collect();
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (values, weights): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let mut distinct = values.clone();
    distinct.dedup();
    if distinct.len() <= max_bins {
        return finished(midpoints(&distinct));
    }
    finished(shares(max_bins).map(|share| quantile::weighted(&values, &weights, share, true)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapper(x: &[f64], max_bins: usize, categorical: &[usize]) -> BinMapper {
        BinMapper::new("test", x, 1, None, None, max_bins, categorical, &[]).unwrap()
    }

    fn bins(mapper: &BinMapper, x: &[f64]) -> Vec<u8> {
        let binned = mapper.transform(x);
        (0..x.len()).map(|row| binned.bin(0, row)).collect()
    }

    #[test]
    fn few_values_have_a_bin_each_and_missing_ones_the_last() {
        let x = [3.0, f64::NAN, 1.0, 3.0, f64::NEG_INFINITY, f64::INFINITY];
        let mapper = mapper(&x, 255, &[]);
        assert_eq!(mapper.bounds[0], [f64::NEG_INFINITY, 2.0, ALMOST_INFINITE]);
        assert_eq!(bins(&mapper, &x), [2, 4, 1, 2, 0, 3]);
        assert_eq!(mapper.threshold(0, 3), f64::INFINITY);
    }

    #[test]
    fn many_values_are_cut_at_quantiles() {
        let x: Vec<f64> = (0..1000).map(|i| f64::from(i * 7 % 1000)).collect();
        let mapper = mapper(&x, 4, &[]);
        assert_eq!(mapper.bounds[0], [249.5, 499.5, 749.5]);
        let weights = vec![1.0; 1000];
        let weighted = BinMapper::new("test", &x, 1, Some(&weights), None, 4, &[], &[]).unwrap();
        assert_eq!(weighted.bounds, mapper.bounds);
    }

    #[test]
    fn categories_are_matched_exactly() {
        let mapper = mapper(&[7.0, -1.0, 7.0, f64::NAN], 3, &[0]);
        assert_eq!(bins(&mapper, &[-1.0, 7.0, 6.0, f64::NAN, 8.0]), [0, 1, 2, 2, 2]);
        assert!(BinMapper::new("test", &[1.0, 2.0, 3.0], 1, None, None, 2, &[0], &[]).is_err());
    }

    #[test]
    fn all_missing_and_constant_columns_have_one_bin() {
        assert_eq!(bins(&mapper(&[f64::NAN], 255, &[]), &[f64::NAN, 1.0]), [1, 0]);
        assert_eq!(mapper(&[5.0, 5.0], 255, &[]).bins(0), 1);
    }
}
