//! One score for several columns of labels that are set or not.

/// How the scores of several columns (labels, or classes one against the rest) become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnAverage {
    /// All entries of all columns as samples of one.
    Micro,
    /// The mean of the columns' scores.
    Macro,
    /// The mean of the columns' scores, weighted by how many entries of each are set; 0 where none is.
    Weighted,
    /// The mean of the rows' scores.
    Samples,
}

/// Entries `(N, K)` that are set or not, their scores, and a weight for each row.
pub(crate) struct Columns<'a> {
    truth: &'a [bool],
    scores: &'a [f64],
    width: usize,
    weights: Option<&'a [f64]>,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(
        truth: &'a [bool],
        scores: &'a [f64],
        width: usize,
        weights: Option<&'a [f64]>,
    ) -> Self {
        Columns { truth, scores, width, weights }
    }

    /// The score of each column.
    pub(crate) fn each(&self, score: impl Fn(&[f64], &[bool], Option<&[f64]>) -> f64) -> Vec<f64> {
        let column = |k: usize| {
            let truth: Vec<bool> = self.truth.iter().skip(k).step_by(self.width).copied().collect();
            let scores: Vec<f64> = self.scores.iter().skip(k).step_by(self.width).copied().collect();
            score(&scores, &truth, self.weights)
        };
        (0..self.width).map(column).collect()
    }

    pub(crate) fn average(
        &self,
        average: ColumnAverage,
        score: impl Fn(&[f64], &[bool], Option<&[f64]>) -> f64,
    ) -> f64 {
        let k = self.width.max(1);
        match average {
            ColumnAverage::Micro => {
                let repeated: Option<Vec<f64>> = self.weights.map(|weights| {
                    weights.iter().flat_map(|&weight| std::iter::repeat_n(weight, k)).collect()
                });
                score(self.scores, self.truth, repeated.as_deref())
            }
            ColumnAverage::Macro => mean(&self.each(score), None),
            ColumnAverage::Weighted => {
                let mut set = vec![0.0; k];
                for (row, truth) in self.truth.chunks_exact(k).enumerate() {
                    let weight = self.weights.map_or(1.0, |weights| weights[row]);
                    set.iter_mut()
                        .zip(truth)
                        .for_each(|(set, &truth)| *set += if truth { weight } else { 0.0 });
                }
                if set.iter().sum::<f64>() == 0.0 {
                    return 0.0;
                }
                mean(&self.each(score), Some(&set))
            }
            ColumnAverage::Samples => {
                let rows = self.truth.chunks_exact(k).zip(self.scores.chunks_exact(k));
                let each: Vec<f64> = rows.map(|(truth, scores)| score(scores, truth, None)).collect();
                mean(&each, self.weights)
            }
        }
    }
}

/// The mean of scores; one of weight 0 counts as 0, defined or not.
pub(crate) fn mean(scores: &[f64], weights: Option<&[f64]>) -> f64 {
    match weights {
        None => scores.iter().sum::<f64>() / scores.len() as f64,
        Some(weights) => {
            let weighed = scores.iter().zip(weights);
            let sum: f64 =
                weighed.map(|(&score, &weight)| if weight == 0.0 { 0.0 } else { score * weight }).sum();
            sum / weights.iter().sum::<f64>()
        }
    }
}
