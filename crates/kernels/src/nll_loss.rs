//! Negative log likelihood: each sample's loss is picked from its log-probabilities, and its gradient put back there.

use crate::real::Real;

/// The samples of `(outer, classes, inner)` log-probabilities: one for each outer and inner index, and what each is.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a, T> {
    /// Outer axis, classes, inner axis.
    pub shape: [usize; 3],
    /// One class for each sample, inner index fastest; it may be `ignore_index`.
    pub targets: &'a [i64],
    /// A weight for each class; all 1 if absent.
    pub weight: Option<&'a [T]>,
    /// Samples of this class count nothing.
    pub ignore_index: i64,
}

impl<T: Real> Samples<'_, T> {
    fn check(&self, elements: usize) {
        let Samples { shape: [outer, classes, inner], targets, weight, .. } = *self;
        assert_eq!(elements, outer * classes * inner, "nll_loss of {:?}", self.shape);
        assert_eq!(targets.len(), outer * inner, "one target for each sample");
        assert!(weight.is_none_or(|w| w.len() == classes), "one weight for each of {classes} classes");
    }

    /// Each sample that counts: its number, where its class's log-probability is, and its weight.
    fn counted(&self) -> impl Iterator<Item = (usize, usize, T)> {
        let [_, classes, inner] = self.shape;
        let counts = |(_, target): &(usize, &i64)| **target != self.ignore_index;
        self.targets.iter().enumerate().filter(counts).map(move |(sample, &target)| {
            let class = target as usize;
            assert!(class < classes, "target classes lie in 0..{classes}");
            let place = (sample / inner * classes + class) * inner + sample % inner;
            (sample, place, self.weight.map_or(T::ONE, |weight| weight[class]))
        })
    }
}

/// Writes each sample's loss (0 for ignored samples) and returns the sum of the weights of those that count.
pub fn forward<T: Real>(log_probabilities: &[T], samples: &Samples<T>, losses: &mut [T]) -> f64 {
    samples.check(log_probabilities.len());
    assert_eq!(losses.len(), samples.targets.len(), "a loss for each sample");
    losses.fill(T::ZERO);
    let mut total = 0.0;
    for (sample, place, weight) in samples.counted() {
        losses[sample] = -(weight * log_probabilities[place]);
        total += weight.to_f64();
    }
    total
}

/// `dx = scale[sample] * d loss[sample] / d log-probabilities`; `scale` has an entry for each sample or one for all.
pub fn backward<T: Real>(samples: &Samples<T>, scale: &[T], dx: &mut [T]) {
    samples.check(dx.len());
    assert!(
        scale.len() == samples.targets.len() || scale.len() == 1,
        "a scale for each sample or one for all"
    );
    dx.fill(T::ZERO);
    for (sample, place, weight) in samples.counted() {
        dx[place] = -(weight * scale[sample % scale.len()]);
    }
}
