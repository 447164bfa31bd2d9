//! Splits of samples in the order of time: what is tested on lies behind what is learned from.
//!
//! ```text
//! start_i = n - (k - i) t,   test = [start_i, start_i + t),   train = [max(0, end_i - m), end_i),   end_i = start_i - gap
//! ```
//!
//! `t` samples are tested on, by default floor(n / (k + 1)); at most `m` are learned from. scikit-learn: `TimeSeriesSplit`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The splitter of so many splits.
///
/// ```
/// use barehand_textbook::{TimeSeriesSplit, Trace};
///
/// let splits = TimeSeriesSplit { k: 2, ..TimeSeriesSplit::default() }.split(6, &mut Trace::silent())?;
/// assert_eq!(splits, [(0..2, 2..4), (0..4, 4..6)]);
/// # Ok::<(), barehand_textbook::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSeriesSplit {
    /// How many splits.
    pub k: usize,
    /// How many samples to test on; by default floor(n / (k + 1)).
    pub test_size: Option<usize>,
    /// How many to learn from at most; by default all.
    pub max_train_size: Option<usize>,
    /// How many between the two to leave out.
    pub gap: usize,
}

impl Default for TimeSeriesSplit {
    fn default() -> Self {
        TimeSeriesSplit { k: 5, test_size: None, max_train_size: None, gap: 0 }
    }
}

/// Consecutive samples.
pub type Span = std::ops::Range<usize>;

impl TimeSeriesSplit {
    /// The training and the test samples of each split of `n` samples.
    pub fn split(&self, n: usize, trace: &mut Trace) -> Result<Vec<(Span, Span)>> {
        let (k, gap) = (self.k, self.gap);
        let t = self.test_size.unwrap_or(n / (k + 1));
        if k < 2 || k >= n || t == 0 || k * t + gap >= n || self.max_train_size == Some(0) {
            let message = format!("{k} splits of {n} samples, {t} tested on, gap {gap}: nothing to train on");
            return Err(Error::new("time_series_split", message));
        }
        trace.section("time series split");
        let starts: Vec<f64> = (0..k).map(|i| (n - (k - i) * t) as f64).collect();
        let starts = trace.step("start", "n - (k - i) t", Array::vector(&starts));
        let ends = trace.step("end", "start - gap", starts.map(|start| start - gap as f64));
        let most = self.max_train_size.unwrap_or(n) as f64;
        let firsts = trace.step("first", "max(0, end - m)", ends.map(|end| (end - most).max(0.0)));
        let span = |from: f64, to: f64| from as usize..to as usize;
        let split = |i: usize| (span(firsts[i], ends[i]), span(starts[i], starts[i] + t as f64));
        Ok((0..k).map(split).collect())
    }
}
