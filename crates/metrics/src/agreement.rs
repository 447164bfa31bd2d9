//! Single numbers of a whole confusion matrix: how far truth and predictions agree beyond chance.

use barehand_tensor::{Element, Result, Tensor};

use crate::confusion_matrix::ConfusionMatrix;

/// How much worse a confusion of classes is that lie further apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KappaWeights {
    /// Every confusion counts the same.
    #[default]
    None,
    /// By `|i - j|`.
    Linear,
    /// By `(i - j)^2`.
    Quadratic,
}

impl KappaWeights {
    fn between(self, i: usize, j: usize) -> f64 {
        let distance = i.abs_diff(j) as f64;
        match self {
            KappaWeights::None => f64::from(u8::from(i != j)),
            KappaWeights::Linear => distance,
            KappaWeights::Quadratic => distance * distance,
        }
    }
}

impl<N: Element> ConfusionMatrix<N> {
    /// The correlation of true and predicted classes: with `t_k` and `p_k` the sums of row and column `k`, `c` the sum of the
    /// diagonal and `s` of everything,
    ///
    /// ```text
    /// MCC = (c s - sum_k t_k p_k) / sqrt((s^2 - sum_k p_k^2) (s^2 - sum_k t_k^2))
    /// ```
    ///
    /// 0 where either has a single class. Source: scikit-learn's `matthews_corrcoef` (Gorodkin 2004 for several classes).
    pub fn matthews(&self) -> f64 {
        let cells = self.reals();
        let (t, p, s) = sums(&cells);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let correct: f64 = cells.iter().enumerate().map(|(i, row)| row[i]).sum();
        let spreads = (s * s - dot(&p, &p)) * (s * s - dot(&t, &t));
        if spreads == 0.0 { 0.0 } else { (correct * s - dot(&t, &p)) / spreads.sqrt() }
    }

    /// Cohen's kappa: how much less truth and predictions differ than they would by chance, with `d_ij` how much a confusion of
    /// `i` and `j` counts and `E_ij = t_i p_j / s` what chance gives,
    ///
    /// ```text
    /// kappa = 1 - sum_ij d_ij C_ij / sum_ij d_ij E_ij
    /// ```
    ///
    /// None where chance would make no difference, or nothing was counted. Source: scikit-learn's `cohen_kappa_score`.
    pub fn cohen_kappa(&self, weights: KappaWeights) -> Option<f64> {
        let cells = self.reals();
        let (t, p, s) = sums(&cells);
        let (mut found, mut chance) = (0.0, 0.0);
        for (i, row) in cells.iter().enumerate() {
            for (j, &cell) in row.iter().enumerate() {
                let counts = weights.between(i, j);
                found += counts * cell;
                chance += counts * (t[i] * p[j] / s);
            }
        }
        (s != 0.0 && chance != 0.0).then(|| 1.0 - found / chance)
    }

    /// How many times as likely a prediction of the second class is where it is true as where it is not, and the same of the
    /// first; of two classes. None where nothing can be divided.
    ///
    /// ```text
    /// LR+ = (tp / (tp + fn)) / (fp / (fp + tn))        LR- = (fn / (tp + fn)) / (tn / (fp + tn))
    /// ```
    ///
    /// Source: scikit-learn's `class_likelihood_ratios`.
    pub fn likelihood_ratios(&self) -> (Option<f64>, Option<f64>) {
        let cells = self.reals();
        let [negative, positive] = &cells[..] else { return (None, None) };
        let (tn, fp, fn_, tp) = (negative[0], negative[1], positive[0], positive[1]);
        let ratio = |numerator: f64, denominator: f64| {
            (denominator != 0.0).then(|| numerator * (tn + fp) / (denominator * (tp + fn_)))
        };
        let there = tp + fn_ != 0.0;
        (ratio(tp, fp).filter(|_| there), ratio(fn_, tn).filter(|_| there))
    }

    fn reals(&self) -> Vec<Vec<f64>> {
        let k = self.labels.len().max(1);
        let cells: Vec<f64> = self.cells.to_vec().into_iter().map(Element::as_f64).collect();
        cells.chunks_exact(k).map(<[f64]>::to_vec).collect()
    }
}

/// Sums of rows, of columns, and of everything.
fn sums(cells: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>, f64) {
    let rows: Vec<f64> = cells.iter().map(|row| row.iter().sum()).collect();
    let columns = (0..cells.len()).map(|j| cells.iter().map(|row| row[j]).sum()).collect();
    let whole = rows.iter().sum();
    (rows, columns, whole)
}

/// Matthews' correlation coefficient of labels `(N)` and predictions `(N)`; with weights,
/// [`ConfusionMatrix::matthews`].
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![1i64, 1, 1, -1], [4])?;
/// let y_pred = Tensor::from_vec(vec![1i64, -1, 1, 1], [4])?;
/// assert!((barehand_metrics::matthews_corrcoef(&y_true, &y_pred)? + 1.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes are not both `(N)` with `N > 0`.
pub fn matthews_corrcoef(y_true: &Tensor<i64>, y_pred: &Tensor<i64>) -> Result<f64> {
    Ok(ConfusionMatrix::new(y_true, y_pred)?.matthews())
}

/// Cohen's kappa of two raters' labels `(N)`; with other options, [`ConfusionMatrix::cohen_kappa`]. NaN where both give the
/// same single label to everything: chance alone would agree.
///
/// # Errors
/// The shapes are not both `(N)` with `N > 0`.
pub fn cohen_kappa(y1: &Tensor<i64>, y2: &Tensor<i64>) -> Result<f64> {
    Ok(ConfusionMatrix::new(y1, y2)?.cohen_kappa(KappaWeights::None).unwrap_or(f64::NAN))
}
