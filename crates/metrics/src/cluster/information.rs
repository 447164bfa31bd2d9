//! Scores of clusterings by how much they tell about each other.

use barehand_tensor::{Result, Tensor};

use super::contingency::Contingency;

/// Which mean of the two entropies mutual information is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EntropyMean {
    /// `(H(U) + H(V)) / 2`
    #[default]
    Arithmetic,
    /// `sqrt(H(U) H(V))`
    Geometric,
    /// The smaller.
    Min,
    /// The larger.
    Max,
}

impl EntropyMean {
    fn of(self, u: f64, v: f64) -> f64 {
        match self {
            EntropyMean::Arithmetic => f64::midpoint(u, v),
            EntropyMean::Geometric => (u * v).sqrt(),
            EntropyMean::Min => u.min(v),
            EntropyMean::Max => u.max(v),
        }
    }
}

impl Contingency {
    /// Mutual information in nats: `sum_ij n_ij / n ln(n n_ij / (n_i n_j))`. Source: scikit-learn's `mutual_info_score`.
    pub fn mutual_info(&self) -> f64 {
        if self.classes().len() <= 1 || self.clusters().len() <= 1 {
            return 0.0;
        }
        let n = self.samples() as f64;
        let part = |&(i, j, count): &(usize, usize, u64)| {
            let (count, class, cluster) = (count as f64, self.classes()[i] as f64, self.clusters()[j] as f64);
            let part = count / n * ((count.ln() - n.ln()) + (n.ln() - class.ln()) + (n.ln() - cluster.ln()));
            // What rounding leaves of 0.
            if part.abs() < f64::EPSILON { 0.0 } else { part }
        };
        self.cells().iter().map(part).sum::<f64>().max(0.0)
    }

    /// The entropies of classes and of clusters, in nats.
    pub fn entropies(&self) -> (f64, f64) {
        (entropy(self.classes()), entropy(self.clusters()))
    }

    /// Whether each cluster holds one class only, whether each class lies in one cluster only, and the harmonic mean of both,
    /// in which completeness is `beta` times as important:
    ///
    /// ```text
    /// h = I / H(classes)        c = I / H(clusters)        v = (1 + beta) h c / (beta h + c)
    /// ```
    ///
    /// Source: scikit-learn's `homogeneity_completeness_v_measure` (Rosenberg and Hirschberg 2007).
    pub fn homogeneity_completeness_v_measure(&self, beta: f64) -> (f64, f64, f64) {
        if self.samples() == 0 {
            return (1.0, 1.0, 1.0);
        }
        let (information, (classes, clusters)) = (self.mutual_info(), self.entropies());
        let share = |entropy: f64| if entropy == 0.0 { 1.0 } else { information / entropy };
        let (h, c) = (share(classes), share(clusters));
        let v = if h + c == 0.0 { 0.0 } else { (1.0 + beta) * h * c / (beta * h + c) };
        (h, c, v)
    }

    /// Mutual information as a share of the entropies: `I / mean(H(classes), H(clusters))`. Source: scikit-learn's
    /// `normalized_mutual_info_score`.
    pub fn normalized_mutual_info(&self, mean: EntropyMean) -> f64 {
        if self.same_trivial() {
            return 1.0;
        }
        let information = self.mutual_info();
        if information == 0.0 {
            return 0.0;
        }
        let (classes, clusters) = self.entropies();
        information / mean.of(classes, clusters)
    }

    /// Mutual information adjusted for chance: `(I - E) / (mean(H(classes), H(clusters)) - E)`, with `E` what random labels of
    /// the same sizes would have. Source: scikit-learn's `adjusted_mutual_info_score` (Vinh, Epps and Bailey 2010).
    pub fn adjusted_mutual_info(&self, mean: EntropyMean) -> f64 {
        if self.same_trivial() {
            return 1.0;
        }
        if self.classes().len() == 1 || self.clusters().len() == 1 {
            return 0.0;
        }
        let (information, expected) = (self.mutual_info(), self.expected_mutual_info());
        let (classes, clusters) = self.entropies();
        // Neither side of the division may vanish: both do for labels that are as good as chance.
        let away = |x: f64| if x < 0.0 { x.min(-f64::EPSILON) } else { x.max(f64::EPSILON) };
        away(information - expected) / away(mean.of(classes, clusters) - expected)
    }

    /// The mean mutual information of all labellings with these sizes of classes and clusters: every possible count of every
    /// cell, by its hypergeometric probability.
    pub fn expected_mutual_info(&self) -> f64 {
        let n = self.samples();
        if self.classes().len() <= 1 || self.clusters().len() <= 1 {
            return 0.0;
        }
        let log_factorials = log_factorials(n as usize);
        let f = |k: u64| log_factorials[k as usize];
        let mut expected = 0.0;
        // Sizes repeat, and cells of equal sizes give equal parts.
        for (a, classes) in counted(self.classes()) {
            for &(b, clusters) in &counted(self.clusters()) {
                let mut part = 0.0;
                for k in (a + b).saturating_sub(n).max(1)..=a.min(b) {
                    let ln_p = f(a) + f(b) + f(n - a) + f(n - b)
                        - (f(n) + f(k) + f(a - k) + f(b - k) + f(n + k - a - b));
                    let (k, n) = (k as f64, n as f64);
                    part += k / n * ((n * k).ln() - (a as f64 * b as f64).ln()) * ln_p.exp();
                }
                expected += part * classes as f64 * clusters as f64;
            }
        }
        expected
    }

    /// Whether both put everything into one, or there is nothing.
    fn same_trivial(&self) -> bool {
        self.classes().len() <= 1 && self.classes().len() == self.clusters().len()
    }
}

fn entropy(counts: &[u64]) -> f64 {
    if counts.is_empty() {
        return 1.0;
    }
    let n = counts.iter().sum::<u64>() as f64;
    if counts.len() == 1 {
        return 0.0;
    }
    let counts = counts.iter().filter(|count| **count > 0).map(|&count| count as f64);
    -counts.map(|count| count / n * (count.ln() - n.ln())).sum::<f64>()
}

/// The distinct sizes, and how often each occurs.
fn counted(sizes: &[u64]) -> Vec<(u64, u64)> {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    sizes.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as u64)).collect()
}

/// `ln k!` for `k` to `n`, summed with what rounding lost carried along.
fn log_factorials(n: usize) -> Vec<f64> {
    let (mut sum, mut lost) = (0.0, 0.0);
    let next = |k: usize| {
        let term = (k.max(1) as f64).ln() - lost;
        let total: f64 = sum + term;
        lost = (total - sum) - term;
        sum = total;
        total
    };
    (0..=n).map(next).collect()
}

/// Mutual information in nats, of classes and clusters `(N)`.
///
/// # Errors
/// The shapes are not both `(N)`.
pub fn mutual_info(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<f64> {
    Ok(Contingency::new(labels_true, labels_pred)?.mutual_info())
}

/// Mutual information divided by the mean entropy, of classes and clusters `(N)`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let classes = Tensor::from_vec(vec![0i64, 0, 1, 1], [4])?;
/// let clusters = Tensor::from_vec(vec![1i64, 1, 0, 0], [4])?;
/// assert!((barehand_metrics::normalized_mutual_info(&classes, &clusters)? - 1.0).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes are not both `(N)`.
pub fn normalized_mutual_info(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<f64> {
    Ok(Contingency::new(labels_true, labels_pred)?.normalized_mutual_info(EntropyMean::Arithmetic))
}

/// Mutual information adjusted for chance, of classes and clusters `(N)`.
///
/// # Errors
/// The shapes are not both `(N)`.
pub fn adjusted_mutual_info(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<f64> {
    Ok(Contingency::new(labels_true, labels_pred)?.adjusted_mutual_info(EntropyMean::Arithmetic))
}

/// Whether each cluster holds one class only, from 0 to 1; of classes and clusters `(N)`.
///
/// # Errors
/// The shapes are not both `(N)`.
pub fn homogeneity(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<f64> {
    Ok(Contingency::new(labels_true, labels_pred)?.homogeneity_completeness_v_measure(1.0).0)
}

/// Whether each class lies in one cluster only, from 0 to 1; of classes and clusters `(N)`.
///
/// # Errors
/// The shapes are not both `(N)`.
pub fn completeness(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<f64> {
    Ok(Contingency::new(labels_true, labels_pred)?.homogeneity_completeness_v_measure(1.0).1)
}

/// The harmonic mean of homogeneity and completeness; of classes and clusters `(N)`.
///
/// # Errors
/// The shapes are not both `(N)`.
pub fn v_measure(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<f64> {
    Ok(Contingency::new(labels_true, labels_pred)?.homogeneity_completeness_v_measure(1.0).2)
}
