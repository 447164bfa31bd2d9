//! The best place to cut a feature in two, from its histogram.

use super::Sums;
use crate::isa::{Arch, Kernel, dispatch};

/// What is asked of both sides of a split.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The smallest number of rows.
    pub min_samples_leaf: f64,
    /// The smallest sum of hessians.
    pub min_hessian: f64,
    /// What is added to the hessians in a value, which it draws to 0.
    pub l2_regularization: f64,
}

/// The node that is to be split.
#[derive(Clone, Copy, Debug)]
pub struct NodeSums {
    /// Its rows.
    pub rows: f64,
    /// The sum of their gradients.
    pub gradient: f64,
    /// The sum of their hessians.
    pub hessian: f64,
    /// Its value.
    pub value: f64,
    /// Between which bounds its children's values must lie.
    pub bounds: [f64; 2],
}

/// A cut: bins up to `bin` go left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// By how much it lessens the loss, times two.
    pub gain: f64,
    /// The last bin on the left.
    pub bin: usize,
    /// Whether missing values go left.
    pub missing_left: bool,
    /// `[gradient, hessian, rows]` of the left side.
    pub left: [f64; 3],
}

/// `-gradient / (hessian + l2)`, inside the bounds.
#[inline(always)]
pub fn node_value(gradient: f64, hessian: f64, l2_regularization: f64, bounds: [f64; 2]) -> f64 {
    let value = -gradient / (hessian + l2_regularization + 1e-15);
    let value = if value < bounds[0] { bounds[0] } else { value };
    if value > bounds[1] { bounds[1] } else { value }
}

/// The best cut of a feature, whose first `bins` bins are in order and whose next one, if `missing`, holds the missing
/// values; None where none lessens the loss.
///
/// Missing values are tried on the right, then on the left, which must be better to be taken; of equal cuts the lowest is
/// taken with them on the right, the highest with them on the left. `monotonic` 1 wants the left value no larger than the
/// right one, -1 no smaller.
pub fn best_split(
    sums: Sums,
    histogram: &[f64],
    bins: usize,
    missing: bool,
    monotonic: i8,
    node: &NodeSums,
    limits: &Limits,
) -> Option<Split> {
    assert!((1..=256).contains(&bins) && histogram.len() >= (bins + usize::from(missing)) * sums.lanes());
    let scan = |from_right: bool| {
        dispatch(Scan { sums, histogram, bins, missing, from_right, monotonic, node: *node, limits: *limits })
    };
    let right = scan(false);
    if !missing {
        return right;
    }
    let left = scan(true);
    match (right, left) {
        (Some(right), Some(left)) => Some(if left.gain > right.gain { left } else { right }),
        (right, left) => right.or(left),
    }
}

struct Scan<'a> {
    sums: Sums,
    histogram: &'a [f64],
    bins: usize,
    missing: bool,
    from_right: bool,
    monotonic: i8,
    node: NodeSums,
    limits: Limits,
}

impl Kernel for Scan<'_> {
    type Output = Option<Split>;

    #[inline(always)]
    fn run<A: Arch>(self) -> Option<Split> {
        let Scan { sums, histogram, bins, missing, from_right, monotonic, node, limits } = self;
        // A cut after the last bin leaves the missing values on the right.
        let cuts = bins - 1 + usize::from(missing && !from_right);
        // The sums of the side that is scanned, cut by cut as the scan meets them.
        let (mut gradient, mut hessian, mut rows) = ([0.0; 256], [0.0; 256], [0.0; 256]);
        let lanes = sums.lanes();
        let cell = |step: usize| {
            let bin = if from_right { bins - 1 - step } else { step };
            sums.of(&histogram[bin * lanes..(bin + 1) * lanes])
        };
        // Four stretches at once: an addition waits for the one before it.
        let stretch = cuts / 4;
        let mut sums_of = [[0.0; 3]; 4];
        for i in 0..stretch {
            for (part, sum) in sums_of.iter_mut().enumerate() {
                let step = part * stretch + i;
                for (sum, value) in sum.iter_mut().zip(cell(step)) {
                    *sum += value;
                }
                (gradient[step], hessian[step], rows[step]) = (sum[0], sum[1], sum[2]);
            }
        }
        let mut before = sums_of[0];
        for (part, sum) in sums_of.iter().enumerate().skip(1) {
            for step in part * stretch..(part + 1) * stretch {
                gradient[step] += before[0];
                hessian[step] += before[1];
                rows[step] += before[2];
            }
            before = std::array::from_fn(|i| before[i] + sum[i]);
        }
        for step in 4 * stretch..cuts {
            for (sum, value) in before.iter_mut().zip(cell(step)) {
                *sum += value;
            }
            (gradient[step], hessian[step], rows[step]) = (before[0], before[1], before[2]);
        }
        let loss = node.gradient * node.value;
        let sign = f64::from(if from_right { -monotonic } else { monotonic });
        let mut gains = [-1.0; 256];
        for step in 0..cuts {
            let (g, h, n) = (gradient[step], hessian[step], rows[step]);
            let (other_g, other_h, other_n) = (node.gradient - g, node.hessian - h, node.rows - n);
            let value = node_value(g, h, limits.l2_regularization, node.bounds);
            let other = node_value(other_g, other_h, limits.l2_regularization, node.bounds);
            let (left, right) =
                if from_right { (other_g * other, g * value) } else { (g * value, other_g * other) };
            let gain = loss - left - right;
            let smaller = if n < other_n { n } else { other_n };
            let flatter = if h < other_h { h } else { other_h };
            #[allow(clippy::needless_bitwise_bool)] // Without branches the loop over cuts is vectorised.
            let allowed = (smaller >= limits.min_samples_leaf)
                & (flatter >= limits.min_hessian)
                & (sign * (value - other) <= 0.0);
            gains[step] = if allowed { gain } else { -1.0 };
        }
        let mut largest = [0.0; 16];
        for gains in gains.as_chunks::<16>().0 {
            for (largest, &gain) in largest.iter_mut().zip(gains) {
                *largest = if gain > *largest { gain } else { *largest };
            }
        }
        let largest = largest.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 {
            return None;
        }
        let step = gains.iter().position(|&gain| gain == largest)?;
        let scanned = [gradient[step], hessian[step], rows[step]];
        let left = if from_right {
            [node.gradient - scanned[0], node.hessian - scanned[1], node.rows - scanned[2]]
        } else {
            scanned
        };
        let bin = if from_right { bins - 2 - step } else { step };
        Some(Split { gain: largest, bin, missing_left: from_right, left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { min_samples_leaf: 1.0, min_hessian: 1e-3, l2_regularization: 0.0 };

    fn node(histogram: &[f64]) -> NodeSums {
        let sum = |lane: usize| histogram.iter().skip(lane).step_by(2).sum::<f64>();
        NodeSums {
            rows: sum(1),
            gradient: sum(0),
            hessian: sum(1),
            value: 0.0,
            bounds: [f64::NEG_INFINITY, f64::INFINITY],
        }
    }

    fn best(histogram: &[f64], bins: usize, missing: bool, monotonic: i8) -> Option<Split> {
        best_split(Sums::Gradients, histogram, bins, missing, monotonic, &node(histogram), &LIMITS)
    }

    #[test]
    fn of_equal_cuts_the_lowest_is_taken() {
        // Bins of gradients 2, 0 (empty), -2: cuts after the first and the second part the rows alike.
        let split = best(&[2.0, 1.0, 0.0, 0.0, -2.0, 1.0], 3, false, 0).unwrap();
        assert!((split.gain - 8.0).abs() < 1e-13);
        assert_eq!(split, Split { gain: split.gain, bin: 0, missing_left: false, left: [2.0, 1.0, 1.0] });
    }

    #[test]
    fn missing_values_go_where_they_belong() {
        // They are like the first bin: they go left, though a scan with them on the right finds a cut as well.
        let split = best(&[2.0, 1.0, -2.0, 1.0, 2.0, 1.0], 2, true, 0).unwrap();
        assert!(split.missing_left && split.bin == 0 && split.left == [4.0, 2.0, 2.0]);
        // Unlike both: all that is not missing goes left.
        let split = best(&[2.0, 1.0, 2.0, 1.0, -9.0, 1.0], 2, true, 0).unwrap();
        assert!(!split.missing_left && split.bin == 1);
    }

    #[test]
    fn limits_and_directions_hold() {
        let histogram = [2.0, 1.0, -2.0, 1.0];
        // The left value is -2, the right one 2: that rises.
        assert!(best(&histogram, 2, false, 1).is_some());
        assert!(best(&histogram, 2, false, -1).is_none());
        let few = Limits { min_samples_leaf: 2.0, ..LIMITS };
        assert!(best_split(Sums::Gradients, &histogram, 2, false, 0, &node(&histogram), &few).is_none());
        assert!(best(&[0.0, 5.0, 0.0, 5.0], 2, false, 0).is_none());
        assert!(best(&[3.0, 5.0], 1, false, 0).is_none());
    }
}
