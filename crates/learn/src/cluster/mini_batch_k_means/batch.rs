//! One batch of k-means by small batches.

use barehand_kernels::random::RandomState;
use barehand_tensor::Float;

use crate::cluster::rows::{Rows, Sums};

/// What batches leave behind, besides the centers.
pub(super) struct State {
    /// Weight that each center has seen.
    pub counts: Vec<f64>,
    /// Samples since the last time that centers were moved to random ones.
    pub since_reassignment: usize,
}

impl State {
    /// Whether it is time to move centers of few samples: every ten samples a cluster, and while a center has none.
    pub fn reassigns(&mut self, batch: usize, k: usize) -> bool {
        self.since_reassignment += batch;
        let due = self.counts.contains(&0.0) || self.since_reassignment >= 10 * k;
        if due {
            self.since_reassignment = 0;
        }
        due
    }

    /// Moves the centers towards a batch, and returns its inertia before; those with less than `reassign` of the largest count
    /// go to samples of it.
    pub fn step<T: Float>(
        &mut self,
        batch: &Rows<T>,
        weights: Option<&[f64]>,
        centers: &mut [T],
        reassign: Option<f64>,
        random: &mut RandomState,
        say: &mut impl FnMut(String),
    ) -> f64 {
        let (n, d, k) = (batch.n(), batch.d(), self.counts.len());
        let mut labels = vec![0; n];
        let mut sums = Sums::new(k, d);
        batch.step(centers, k, weights, &mut labels, &mut sums);
        let inertia = batch.inertia(centers, weights, &labels);
        for (j, center) in centers.chunks_exact_mut(d).enumerate() {
            if sums.totals[j] > 0.0 {
                let count = self.counts[j] + sums.totals[j];
                for (c, sum) in center.iter_mut().zip(&sums.sums[j * d..]) {
                    *c = T::from_f64((c.to_f64() * self.counts[j] + sum) / count);
                }
                self.counts[j] = count;
            }
        }
        if let Some(ratio) = reassign
            && ratio > 0.0
        {
            let most = self.counts.iter().copied().fold(0.0, f64::max);
            let mut low: Vec<usize> = (0..k).filter(|&j| self.counts[j] < ratio * most).collect();
            // At most half of a batch becomes centers: those with the fewest samples.
            if low.len() > n / 2 {
                low.sort_by(|&a, &b| self.counts[a].total_cmp(&self.counts[b]));
                low.truncate(n / 2);
                low.sort_unstable();
            }
            if !low.is_empty() {
                say(format!("[MiniBatchKMeans] Reassigning {} cluster centers.", low.len()));
                for (&j, i) in low.iter().zip(random.permutation(n)) {
                    centers[j * d..][..d].copy_from_slice(&batch.row(i));
                }
            }
            // Not so few that they are moved again at once.
            let others = (0..k).filter(|j| !low.contains(j)).map(|j| self.counts[j]);
            let fewest = others.fold(f64::INFINITY, f64::min);
            if fewest.is_finite() {
                for &j in &low {
                    self.counts[j] = fewest;
                }
            }
        }
        inertia
    }
}
