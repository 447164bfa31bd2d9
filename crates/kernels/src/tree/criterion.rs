//! How good a cut is.

use super::cut::{Cut, best_category_cut, best_cut, cut_below};
use super::order::{Keys, key_row};

/// Rows that move to the left together.
pub(super) const BLOCK: usize = 64;

/// What is to be learned, and how much each sample counts.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// Values, or codes of classes, `(samples, outputs)`.
    pub values: &'a [f64],
    /// How many values a sample has.
    pub outputs: usize,
    /// A weight for each sample.
    pub weights: &'a [f64],
}

/// What both sides of a cut must have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At least so many rows.
    pub min_samples_leaf: usize,
    /// At least so much weight.
    pub min_weight_leaf: f64,
}

/// In which direction predictions may go along a column, and between which bounds.
#[derive(Clone, Copy, Debug)]
pub struct Monotonic {
    /// 1: up; -1: down; 0: either, and the bounds say nothing.
    pub sign: i8,
    /// No less.
    pub low: f64,
    /// No more.
    pub high: f64,
}

impl Monotonic {
    /// Either direction.
    pub const FREE: Monotonic = Monotonic { sign: 0, low: f64::NEG_INFINITY, high: f64::INFINITY };

    pub(super) fn allows(&self, left: f64, right: f64) -> bool {
        let within = |value: f64| value >= self.low && value <= self.high;
        self.sign == 0 || (within(left) && within(right) && (left - right) * f64::from(self.sign) <= 0.0)
    }
}

/// What is known of the rows left of a cut while it moves to the right; memory that is used again from column to column.
#[derive(Debug, Default)]
pub struct Scan {
    /// Weight of the rows on the left.
    pub(super) weight: f64,
    /// Sums on the left: weights of classes, or of weighted targets.
    pub(super) left: Vec<f64>,
    /// Sums on the right.
    pub(super) right: Vec<f64>,
    /// Sum of squares of `left`, for each output.
    pub(super) left_square: Vec<f64>,
    /// Sum of squares of `right`, for each output.
    pub(super) right_square: Vec<f64>,
    /// Rows on the left that count, for each output.
    pub(super) counts: Vec<f64>,
    /// How many rows are on the left.
    pub(super) moved: usize,
    /// Absolute error of the first rows, and of those after them.
    pub(super) errors: [Vec<f64>; 2],
    /// Medians of the same.
    pub(super) medians: [Vec<f64>; 2],
    /// Prefix sums of weights, and of weighted targets.
    pub(super) prefix: [Vec<f64>; 2],
}

/// A criterion whose statistics follow a cut from row to row.
pub(super) trait Moving {
    /// Every row is right of the cut; `keys` are the rows in the order in which they will move.
    fn begin(&self, scan: &mut Scan, keys: &[u64]);
    /// Row `row` moves to the left.
    fn move_left(&self, scan: &mut Scan, row: usize);
    /// The larger the better; differs from the decrease of the impurity by a factor and a constant of the node.
    fn proxy(&self, scan: &Scan) -> f64;
    /// Whether many rows at a time are faster than one after the other.
    fn moves_blocks(&self) -> bool {
        false
    }
    /// The rows of `keys`, at most [`BLOCK`] of them, move to the left one after the other; `proxies` gets what
    /// [`proxy`](Self::proxy) says after each.
    #[inline(always)]
    fn move_block(&self, scan: &mut Scan, keys: &[u64], proxies: &mut [f64]) {
        for (proxy, &key) in proxies.iter_mut().zip(keys) {
            self.move_left(scan, key_row(key));
            *proxy = self.proxy(scan);
        }
    }
    /// What both sides would predict, of the first output.
    fn sides(&self, scan: &Scan) -> (f64, f64);
    /// Weight of the node.
    fn total(&self) -> f64;
    /// By how many scores categories can be put into an order in which one cut is best.
    fn orderings(&self) -> usize;
    /// What `row` adds to such a score of its category, and to its weight.
    fn score(&self, ordering: usize, row: usize) -> (f64, f64);
}

/// The targets of a node's rows, and how good its cuts are.
pub trait Criterion: Send + Sync {
    /// Enters a node of these samples, which are its rows in this order.
    fn enter(&mut self, samples: &[u32]);

    /// Weight of the node.
    fn weight(&self) -> f64;

    /// What the node predicts: shares of classes, or values, one output after the other.
    fn value(&self, out: &mut [f64]);

    /// Weight and impurity of some of the node's rows.
    fn impurity_of(&self, rows: &[u32]) -> (f64, f64);

    /// Halfway between what the sides of a cut predict (of the first output).
    fn middle(&self, scan: &mut Scan, left: &[u64], right: &[u64]) -> f64;

    /// The best cut along a column whose keys are sorted; missing values go to both sides in turn.
    fn best_cut(
        &self,
        scan: &mut Scan,
        keys: &mut Keys,
        limits: &Limits,
        monotonic: Monotonic,
    ) -> Option<Cut>;

    /// The best division of a column of categories (at most 256) whose keys are sorted into two sets.
    fn best_category_cut(&self, scan: &mut Scan, keys: &mut Keys, limits: &Limits) -> Option<Cut>;

    /// The cut between the ranks below `rank` and the others, where it keeps to the limits; keys need not be sorted.
    fn cut_below(
        &self,
        scan: &mut Scan,
        keys: &mut Keys,
        rank: u32,
        missing_left: bool,
        limits: &Limits,
        monotonic: Monotonic,
    ) -> Option<Cut>;
}

/// The part of [`Criterion`] that each has of its own.
pub(super) trait Rows: Moving + Send + Sync {
    fn enter(&mut self, samples: &[u32]);
    fn value(&self, out: &mut [f64]);
    fn impurity_of(&self, rows: &[u32]) -> (f64, f64);
}

macro_rules! criterion {
    ($($name:ty),*) => { $(
        impl Criterion for $name {
            fn enter(&mut self, samples: &[u32]) {
                Rows::enter(self, samples);
            }
            fn weight(&self) -> f64 {
                self.total()
            }
            fn value(&self, out: &mut [f64]) {
                Rows::value(self, out);
            }
            fn impurity_of(&self, rows: &[u32]) -> (f64, f64) {
                Rows::impurity_of(self, rows)
            }
            fn middle(&self, scan: &mut Scan, left: &[u64], right: &[u64]) -> f64 {
                let keys = [left, right].concat();
                self.begin(scan, &keys);
                for &key in left {
                    self.move_left(scan, key_row(key));
                }
                let (left, right) = self.sides(scan);
                left / 2.0 + right / 2.0
            }
            fn best_cut(
                &self,
                scan: &mut Scan,
                keys: &mut Keys,
                limits: &Limits,
                monotonic: Monotonic,
            ) -> Option<Cut> {
                best_cut(self, scan, keys, limits, monotonic)
            }
            fn best_category_cut(&self, scan: &mut Scan, keys: &mut Keys, limits: &Limits) -> Option<Cut> {
                best_category_cut(self, scan, keys, limits)
            }
            fn cut_below(
                &self,
                scan: &mut Scan,
                keys: &mut Keys,
                rank: u32,
                missing_left: bool,
                limits: &Limits,
                monotonic: Monotonic,
            ) -> Option<Cut> {
                cut_below(self, scan, keys, rank, missing_left, limits, monotonic)
            }
        }
    )* };
}
criterion!(
    super::Gini<'_>,
    super::Entropy<'_>,
    super::SquaredError<'_>,
    super::Poisson<'_>,
    super::AbsoluteError<'_>
);
