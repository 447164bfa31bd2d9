//! The contingency table: how many samples each class and each cluster have in common.

use std::collections::HashMap;

use barehand_tensor::{Error, Result, Tensor};

use crate::targets::{Places, sorted_unique};

/// How many samples class `i` and cluster `j` have in common, of those that have any: what every comparison of two
/// clusterings is counted from, in whole numbers.
///
/// ```
/// use barehand_metrics::Contingency;
/// use barehand_tensor::Tensor;
/// let classes = Tensor::from_vec(vec![0i64, 0, 1, 1], [4])?;
/// let clusters = Tensor::from_vec(vec![7i64, 7, 7, 3], [4])?;
/// let table = Contingency::new(&classes, &clusters)?;
/// assert_eq!(table.dense()?, [0, 2, 1, 1]);
/// assert_eq!((table.classes(), table.clusters()), (&[2, 2][..], &[1, 3][..]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contingency {
    /// (class, cluster, how many), by class and cluster.
    cells: Vec<(usize, usize, u64)>,
    classes: Vec<u64>,
    clusters: Vec<u64>,
    samples: u64,
}

impl Contingency {
    /// The table of two labellings `(N)` of the same samples; rows and columns are their labels, ascending. `N` may be 0.
    ///
    /// # Errors
    /// The shapes are not both `(N)`.
    pub fn new(labels_true: &Tensor<i64>, labels_pred: &Tensor<i64>) -> Result<Self> {
        let (t, p) = (labels_true.shape(), labels_pred.shape());
        if t.len() != 1 || t != p {
            let text = format!("expected two labellings of one shape (N), found {t:?} and {p:?}");
            return Err(Error::shape("contingency", text));
        }
        let (rows, classes) = codes(labels_true);
        let (columns, clusters) = codes(labels_pred);
        let mut cells = if classes.saturating_mul(clusters) <= 1 << 20 {
            let mut counts = vec![0u64; classes * clusters];
            rows.iter().zip(&columns).for_each(|(i, j)| counts[i * clusters + j] += 1);
            let place = |(at, count): (usize, u64)| (at / clusters, at % clusters, count);
            counts.into_iter().enumerate().filter(|cell| cell.1 > 0).map(place).collect()
        } else {
            let mut counts: HashMap<(usize, usize), u64> = HashMap::new();
            rows.iter().zip(&columns).for_each(|(&i, &j)| *counts.entry((i, j)).or_default() += 1);
            counts.into_iter().map(|((i, j), count)| (i, j, count)).collect::<Vec<_>>()
        };
        cells.sort_unstable();
        Ok(Self::from_cells(cells, classes, clusters))
    }

    /// The table with these counts `(classes, clusters)`, in row-major order.
    ///
    /// # Errors
    /// Not as many counts as classes times clusters, or one that is negative.
    pub fn from_dense(counts: &[i64], classes: usize, clusters: usize) -> Result<Self> {
        if classes.checked_mul(clusters) != Some(counts.len()) {
            let text = format!("{} counts for {classes} classes and {clusters} clusters", counts.len());
            return Err(Error::shape("contingency", text));
        }
        if let Some(count) = counts.iter().find(|count| **count < 0) {
            return Err(Error::value("contingency", format!("a count is not negative, found {count}")));
        }
        let place = |(at, &count): (usize, &i64)| (at / clusters, at % clusters, count as u64);
        let cells = counts.iter().enumerate().filter(|cell| *cell.1 > 0).map(place).collect();
        Ok(Self::from_cells(cells, classes, clusters))
    }

    fn from_cells(cells: Vec<(usize, usize, u64)>, classes: usize, clusters: usize) -> Self {
        let mut table =
            Contingency { cells, classes: vec![0; classes], clusters: vec![0; clusters], samples: 0 };
        for &(i, j, count) in &table.cells {
            table.classes[i] += count;
            table.clusters[j] += count;
            table.samples += count;
        }
        table
    }

    /// How many samples each class has.
    pub fn classes(&self) -> &[u64] {
        &self.classes
    }

    /// How many samples each cluster has.
    pub fn clusters(&self) -> &[u64] {
        &self.clusters
    }

    /// How many samples there are.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// (class, cluster, how many) wherever there are any, by class and cluster.
    pub fn cells(&self) -> &[(usize, usize, u64)] {
        &self.cells
    }

    /// All counts, `(classes, clusters)` in row-major order.
    ///
    /// # Errors
    /// There are more than 2^28 of them.
    pub fn dense(&self) -> Result<Vec<i64>> {
        let (rows, columns) = (self.classes.len(), self.clusters.len());
        let size = rows.checked_mul(columns).filter(|&size| size <= 1 << 28).ok_or_else(|| {
            Error::value("contingency", format!("a table of {rows} by {columns} is too large"))
        })?;
        let mut counts = vec![0; size];
        self.cells.iter().for_each(|&(i, j, count)| counts[i * columns + j] = count as i64);
        Ok(counts)
    }
}

/// Each label's place among the distinct labels, and how many of them there are.
fn codes(labels: &Tensor<i64>) -> (Vec<usize>, usize) {
    let labels = labels.to_vec();
    let distinct = sorted_unique(labels.iter().copied());
    let places = Places::new(&distinct);
    // Every label is among the distinct ones.
    (labels.iter().map(|&label| places.find(label).unwrap_or_default()).collect(), distinct.len())
}
