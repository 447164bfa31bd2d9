//! One run of k-means from given centers: Lloyd's algorithm, and Elkan's, which finds the same with fewer distances.

use barehand_kernels::k_means::ElkanBounds;
use barehand_tensor::Float;

use super::k_means::KMeansAlgorithm;
use super::rows::{Rows, Sums};

/// When to stop.
#[derive(Clone, Copy)]
pub(super) struct Stop {
    pub max_iter: usize,
    /// Of the sum of squared movements of the centers.
    pub tolerance: f64,
}

/// What a run found.
pub(super) struct Run<T> {
    pub labels: Vec<u32>,
    pub centers: Vec<T>,
    pub inertia: f64,
    pub n_iter: usize,
}

/// Moves `k` centers until no label changes, or they hardly move; `log` takes a line for each iteration.
pub(super) fn run<T: Float>(
    algorithm: KMeansAlgorithm,
    rows: &Rows<T>,
    weights: Option<&[f64]>,
    mut centers: Vec<T>,
    stop: Stop,
    mut log: Option<&mut Vec<String>>,
) -> Run<T> {
    let (n, d) = (rows.n(), rows.d());
    let k = centers.len() / d;
    let mut labels = vec![0; n];
    let mut before: Vec<u32> = Vec::new();
    let mut sums = Sums::new(k, d);
    let mut elkan = (algorithm == KMeansAlgorithm::Elkan && k > 1).then(|| Elkan::new(rows, &centers, k));
    let (mut n_iter, mut strict) = (0, false);
    while n_iter < stop.max_iter && !strict {
        match &mut elkan {
            None => rows.step(&centers, k, weights, &mut labels, &mut sums),
            Some(elkan) => {
                elkan.assign(&centers, k, &mut labels);
                rows.gather(weights, &labels, &mut sums);
            }
        }
        relocate(rows, weights, &centers, &labels, &mut sums);
        let moved = average(&sums, &centers);
        let shifts = movements(&centers, &moved, d);
        centers = moved;
        if let Some(elkan) = &mut elkan {
            elkan.moved(&shifts, &centers, k);
        }
        if let Some(log) = log.as_deref_mut() {
            let inertia = rows.inertia(&centers, weights, &labels);
            log.push(format!("Iteration {n_iter}, inertia {inertia}."));
        }
        // Labels before the first assignment are no labels: an assignment to the first center alone has changed.
        strict = labels == before;
        let shift: f64 = shifts.iter().map(|shift| shift * shift).sum();
        n_iter += 1;
        if strict || shift <= stop.tolerance {
            if let Some(log) = log.as_deref_mut() {
                let reason = if strict {
                    "strict convergence".to_owned()
                } else {
                    format!("center shift {shift} within tolerance {}", stop.tolerance)
                };
                log.push(format!("Converged at iteration {}: {reason}.", n_iter - 1));
            }
            break;
        }
        before.clone_from(&labels);
    }
    if !strict {
        // Labels are those of the centers that are returned.
        match &mut elkan {
            None => rows.nearest(&centers, k, &mut labels),
            Some(elkan) => elkan.assign(&centers, k, &mut labels),
        }
    }
    let inertia = rows.inertia(&centers, weights, &labels);
    Run { labels, centers, inertia, n_iter }
}

/// A cluster that holds nothing takes over the sample that lies farthest from its center.
fn relocate<T: Float>(
    rows: &Rows<T>,
    weights: Option<&[f64]>,
    centers: &[T],
    labels: &[u32],
    sums: &mut Sums,
) {
    let empty: Vec<usize> = (0..sums.totals.len()).filter(|&j| sums.totals[j] == 0.0).collect();
    if empty.is_empty() {
        return;
    }
    let distances = rows.own_distances(centers, labels);
    let mut farthest: Vec<usize> = (0..rows.n()).collect();
    farthest.sort_by(|&a, &b| distances[b].total_cmp(&distances[a]));
    if distances[farthest[0]] == 0.0 {
        // More clusters than different samples: nothing is gained.
        return;
    }
    let d = rows.d();
    for (&cluster, &sample) in empty.iter().zip(&farthest) {
        let weight = weights.map_or(1.0, |weights| weights[sample]);
        let row = rows.row(sample);
        let old = labels[sample] as usize;
        for (t, x) in row.iter().enumerate() {
            sums.sums[old * d + t] -= x.to_f64() * weight;
            sums.sums[cluster * d + t] = x.to_f64() * weight;
        }
        sums.totals[cluster] = weight;
        let left = sums.totals[old] - weight;
        // What rounding leaves of a cluster that has lost its last sample is nothing.
        sums.totals[old] = if left > 1e-12 * sums.totals[old] { left } else { 0.0 };
    }
}

/// The means; a cluster that still holds nothing goes where the heaviest is.
fn average<T: Float>(sums: &Sums, before: &[T]) -> Vec<T> {
    let k = sums.totals.len();
    let d = before.len() / k;
    let mut heaviest = 0;
    for (j, &total) in sums.totals.iter().enumerate() {
        if total > sums.totals[heaviest] {
            heaviest = j;
        }
    }
    if sums.totals[heaviest] <= 0.0 {
        return before.to_vec();
    }
    (0..k)
        .flat_map(|j| {
            let j = if sums.totals[j] > 0.0 { j } else { heaviest };
            let total = sums.totals[j];
            sums.sums[j * d..][..d].iter().map(move |sum| T::from_f64(sum / total))
        })
        .collect()
}

fn movements<T: Float>(from: &[T], to: &[T], d: usize) -> Vec<f64> {
    from.chunks_exact(d).zip(to.chunks_exact(d)).map(|(a, b)| distance(a, b)).collect()
}

fn distance<T: Float>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2)).sum::<f64>().sqrt()
}

/// The state of Elkan's algorithm.
struct Elkan<T: Float> {
    x: Vec<T>,
    bounds: ElkanBounds<T>,
    /// Half the distances between centers, `(k, k)`.
    half: Vec<T>,
    started: bool,
}

impl<T: Float> Elkan<T> {
    fn new(rows: &Rows<T>, centers: &[T], k: usize) -> Self {
        let (n, d) = (rows.n(), rows.d());
        Elkan { x: rows.dense(), bounds: ElkanBounds::new(n, k), half: halves(centers, k, d), started: false }
    }

    fn assign(&mut self, centers: &[T], k: usize, labels: &mut [u32]) {
        if !self.started {
            T::elkan_start(&self.x, centers, &self.half, &mut self.bounds);
            self.started = true;
        }
        debug_assert_eq!(self.half.len(), k * k);
        T::elkan_step(&self.x, centers, &self.half, &mut self.bounds);
        labels.copy_from_slice(&self.bounds.labels);
    }

    fn moved(&mut self, shifts: &[f64], centers: &[T], k: usize) {
        let shifts: Vec<T> = shifts.iter().map(|&shift| T::from_f64(shift)).collect();
        self.bounds.moved(&shifts);
        self.half = halves(centers, k, centers.len() / k);
    }
}

fn halves<T: Float>(centers: &[T], k: usize, d: usize) -> Vec<T> {
    let center = |j: usize| &centers[j * d..][..d];
    (0..k * k).map(|i| T::from_f64(distance(center(i / k), center(i % k)) / 2.0)).collect()
}
