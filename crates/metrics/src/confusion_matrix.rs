//! The confusion matrix: which class was taken for which, how often.

use barehand_tensor::{Element, Error, Result, Tensor};

use crate::targets::{Places, Targets, check_labels};

/// How often class `i` was predicted as class `j`, at row `i`, column `j`.
///
/// ```text
/// C[i][j] = sum over samples with y_true = labels[i] and y_pred = labels[j] of their weight
/// ```
///
/// Counts are whole numbers (`N = i64`); with weights they are sums (`N = f64`). Source: scikit-learn's
/// `confusion_matrix`.
///
/// ```
/// use barehand_metrics::ConfusionMatrix;
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![2i64, 0, 2, 2, 0, 1], [6])?;
/// let y_pred = Tensor::from_vec(vec![0i64, 0, 2, 2, 0, 2], [6])?;
/// let confusion = ConfusionMatrix::new(&y_true, &y_pred)?;
/// assert_eq!(confusion.labels, [0, 1, 2]);
/// assert_eq!(confusion.cells.to_vec(), [2, 0, 0, 0, 0, 1, 1, 0, 2]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConfusionMatrix<N: Element = i64> {
    /// The label of each row and column.
    pub labels: Vec<i64>,
    /// `(K, K)`: rows are true classes, columns predicted ones.
    pub cells: Tensor<N>,
}

/// What the cells of a normalised confusion matrix sum to 1 over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NormalizeOver {
    /// Each row: of a true class, the share predicted as each (the diagonal is recall).
    True,
    /// Each column: of a predicted class, the share truly of each (the diagonal is precision).
    Predicted,
    /// The whole matrix.
    All,
}

impl ConfusionMatrix {
    /// Counts pairs of labels `(N)`; rows and columns are all labels that occur, ascending.
    ///
    /// # Errors
    /// The shapes are not both `(N)` with `N > 0`.
    pub fn new(y_true: &Tensor<i64>, y_pred: &Tensor<i64>) -> Result<Self> {
        Self::count(&Targets::new("confusion_matrix", y_true, y_pred, None)?, None)
    }

    /// Counts pairs of labels `(N)` among `labels`, in their order; pairs with any other label are left out.
    ///
    /// # Errors
    /// As [`ConfusionMatrix::new`]; also where `labels` is empty, names a class twice, or has none of `y_true`.
    pub fn with_labels(y_true: &Tensor<i64>, y_pred: &Tensor<i64>, labels: &[i64]) -> Result<Self> {
        Self::count(&Targets::new("confusion_matrix", y_true, y_pred, None)?, Some(labels))
    }

    fn count(targets: &Targets, labels: Option<&[i64]>) -> Result<Self> {
        let (labels, cells) = tally(targets, labels, |cell: &mut i64, _| *cell += 1)?;
        Ok(ConfusionMatrix { cells: Tensor::from_vec(cells, [labels.len(); 2])?, labels })
    }
}

impl ConfusionMatrix<f64> {
    /// Sums the weights `(N)` of pairs of labels `(N)`, among `labels` in their order, or all that occur.
    ///
    /// # Errors
    /// As [`ConfusionMatrix::with_labels`]; also where weights are negative, not finite, or all 0.
    pub fn weighted(
        y_true: &Tensor<i64>,
        y_pred: &Tensor<i64>,
        sample_weight: &Tensor<f64>,
        labels: Option<&[i64]>,
    ) -> Result<Self> {
        let targets = Targets::new("confusion_matrix", y_true, y_pred, Some(sample_weight))?;
        let (labels, cells) = tally(&targets, labels, |cell: &mut f64, weight| *cell += weight)?;
        Ok(ConfusionMatrix { cells: Tensor::from_vec(cells, [labels.len(); 2])?, labels })
    }
}

impl<N: Element> ConfusionMatrix<N> {
    /// The matrix `(K, K)` with its cells divided by their sum over rows, columns or everything; 0 where that sum is 0.
    ///
    /// # Errors
    /// None for a matrix made here; a shape error where `cells` was replaced by something else.
    pub fn normalized(&self, over: NormalizeOver) -> Result<Tensor<f64>> {
        let k = self.labels.len();
        let cells: Vec<f64> = self.cells.to_vec().into_iter().map(Element::as_f64).collect();
        if self.cells.shape() != [k, k] {
            let text = format!("expected cells ({k}, {k}), found {:?}", self.cells.shape());
            return Err(Error::shape("confusion_matrix", text));
        }
        let group = |i: usize| match over {
            NormalizeOver::True => i / k,
            NormalizeOver::Predicted => i % k,
            NormalizeOver::All => 0,
        };
        let mut sums = vec![0.0; k];
        cells.iter().enumerate().for_each(|(i, cell)| sums[group(i)] += cell);
        let share =
            |(i, cell): (usize, &f64)| if sums[group(i)] == 0.0 { 0.0 } else { cell / sums[group(i)] };
        Tensor::from_vec(cells.iter().enumerate().map(share).collect(), [k, k])
    }
}

/// Adds every pair up in its cell.
fn tally<N: Element>(
    targets: &Targets,
    labels: Option<&[i64]>,
    add: impl Fn(&mut N, f64),
) -> Result<(Vec<i64>, Vec<N>)> {
    let labels = match labels {
        None => targets.labels(),
        Some(labels) => {
            check_labels("confusion_matrix", labels)?;
            if !targets.y_true.iter().any(|label| labels.contains(label)) {
                let text = format!("none of labels {labels:?} is a true label");
                return Err(Error::value("confusion_matrix", text));
            }
            labels.to_vec()
        }
    };
    let k = labels.len();
    let size = k.checked_mul(k).filter(|&size| size <= 1 << 28);
    let size = size.ok_or_else(|| {
        Error::value(
            "confusion_matrix",
            format!("a matrix of {k} classes is too large; are these class labels?"),
        )
    })?;
    let places = Places::new(&labels);
    let mut cells = vec![N::default(); size];
    for (t, p, weight) in targets.iter() {
        if let (Some(row), Some(column)) = (places.find(t), places.find(p)) {
            add(&mut cells[row * k + column], weight);
        }
    }
    Ok((labels, cells))
}
