//! One tree after another.

use barehand_kernels::histogram::{Binned, Sums};
use barehand_kernels::random::Philox;
use barehand_kernels::tree_walk::Trees;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::bin_mapper::BinMapper;
use super::boosted_trees::BoostedTrees;
use super::grower::Grower;
use super::loss::Loss;
use super::parameters::Parameters;
use crate::validate;

/// With more samples, this many are drawn for the quantiles that bound the bins.
const BINNING_SAMPLES: usize = 200_000;

/// With more samples, early stopping is on unless it is said to be off.
const EARLY_STOPPING_SAMPLES: usize = 10_000;

/// Samples to learn from or to look at.
#[derive(Clone, Debug)]
pub struct Samples<T: Float> {
    /// Features `(n, d)`.
    pub x: Tensor<T>,
    /// Targets; numbers of classes for a classifier.
    pub y: Vec<f64>,
    /// Weights; none counts each sample once.
    pub weights: Option<Vec<f64>>,
}

impl<T: Float> Samples<T> {
    fn check(&self, operation: &str, loss: Loss) -> Result<(usize, usize)> {
        let (n, d) = validate::matrix(operation, &self.x)?;
        if self.y.len() != n {
            let message = format!("expected a target for each of {n} samples, found {}", self.y.len());
            return Err(Error::shape(operation, message));
        }
        if let Some(weights) = &self.weights {
            validate::weights(operation, Some(&Tensor::from(weights.clone())), n)?;
        }
        loss.check_targets(operation, &self.y)?;
        Ok((n, d))
    }

    fn take(&self, rows: &[usize]) -> Result<Samples<T>> {
        let index: Tensor<i64> = rows.iter().map(|&row| row as i64).collect::<Vec<_>>().into();
        let of = |list: &Vec<f64>| rows.iter().map(|&row| list[row]).collect();
        Ok(Samples {
            x: self.x.index_select(0, &index)?,
            y: of(&self.y),
            weights: self.weights.as_ref().map(of),
        })
    }
}

/// Samples that are only looked at, and what is predicted of them so far.
struct Watched<T: Float> {
    samples: Samples<T>,
    raw: Vec<f64>,
}

/// Boosting under way: samples in bins, what is predicted of them so far, and the trees up to here.
///
/// `fit` of the estimators runs one; those who judge each round themselves call [`Booster::step`].
pub struct Booster<T: Float> {
    parameters: Parameters,
    loss: Loss,
    y: Vec<f64>,
    weights: Option<Vec<f64>>,
    mapper: BinMapper,
    binned: Binned,
    grower: Grower,
    raw: Vec<f64>,
    /// `[gradient, hessian]` of each sample, for each output.
    pairs: Vec<Vec<[f32; 2]>>,
    watched: Option<Watched<T>>,
    model: BoostedTrees,
    train_scores: Vec<f64>,
    validation_scores: Vec<f64>,
}

impl<T: Float> Booster<T> {
    /// Boosting of `samples` before the first round, or after the rounds of `previous`.
    ///
    /// `binning_rows` are the samples whose quantiles bound the bins: drawn by `parameters.seed` where there are more than
    /// 200,000 and none are given. `categories` are those of each of `parameters.categorical_features`; of one without a
    /// list they are those that occur in `samples`. `validation` are samples that scores are kept of.
    ///
    /// # Errors
    /// Parameters, shapes, targets or weights that make no sense; more categories than bins.
    pub fn new(
        operation: &str,
        parameters: &Parameters,
        loss: Loss,
        samples: Samples<T>,
        validation: Option<Samples<T>>,
        categories: &[Vec<f64>],
        binning_rows: Option<&[usize]>,
        previous: Option<&BoostedTrees>,
    ) -> Result<Self> {
        let (n, d) = samples.check(operation, loss)?;
        parameters.check(operation, d)?;
        if !parameters.monotonic_cst.is_empty() && loss.outputs() > 1 {
            let message = "monotonic constraints are not supported for multiclass classification.";
            return Err(Error::value(operation, message));
        }
        if u32::try_from(n).is_err() {
            return Err(Error::value(operation, format!("{n} samples are more than 32 bits count")));
        }
        if categories.iter().any(|list| !list.is_sorted_by(|a, b| a < b)) {
            return Err(Error::value(operation, "categories of a column are not in ascending order"));
        }
        let x = samples.x.contiguous();
        let values = x.as_slice().unwrap_or_default();
        let weights = samples.weights.as_deref();
        let mut rng = Philox::new(parameters.seed);
        let mut drawing = rng.fork();
        let drawn = match binning_rows {
            Some(rows) => {
                if let Some(row) = rows.iter().find(|&&row| row >= n) {
                    return Err(Error::value(operation, format!("binning_rows names row {row} of {n}")));
                }
                Some(rows.to_vec())
            }
            None if n > BINNING_SAMPLES => Some(draw(n, weights, &mut drawing)),
            None => None,
        };
        let mapper = BinMapper::new(
            operation,
            values,
            d,
            weights,
            drawn.as_deref(),
            parameters.max_bins,
            &parameters.categorical_features,
            categories,
        )?;
        let binned = mapper.transform(values);
        let grower = Grower::new(parameters, &binned, &mapper, rng);
        let model = match previous {
            Some(previous) => {
                if previous.loss != loss || previous.features() != d {
                    let found = (previous.loss.name(), previous.features());
                    let message =
                        format!("cannot go on from a model of another loss or number of features: {found:?}");
                    return Err(Error::value(operation, message));
                }
                previous.clone()
            }
            None => {
                let baseline = loss.baseline(&samples.y, weights);
                let trees = Trees::new(d, loss.outputs(), mapper.categories());
                BoostedTrees { loss, baseline, trees }
            }
        };
        let raw = model.raw(&x, n);
        let watched = match validation {
            Some(samples) => {
                let rows = validate::matrix_of(operation, &samples.x, d)?;
                samples.check(operation, loss)?;
                Some(Watched { raw: model.raw(&samples.x, rows), samples })
            }
            None => None,
        };
        Ok(Booster {
            parameters: parameters.clone(),
            loss,
            pairs: vec![vec![[0.0; 2]; n]; loss.outputs()],
            y: samples.y,
            weights: samples.weights,
            mapper,
            binned,
            grower,
            raw,
            watched,
            model,
            train_scores: Vec::new(),
            validation_scores: Vec::new(),
        })
    }

    /// One more round: a tree for each output.
    ///
    /// # Errors
    /// More nodes than 32 bits count.
    pub fn step(&mut self) -> Result<()> {
        let weights = self.weights.as_deref();
        let unit = weights.is_none() && self.loss.has_unit_hessian();
        let sums = if unit { Sums::Gradients } else { Sums::Hessians };
        let outputs = self.loss.outputs();
        // All of them before the first tree: the gradients of a class look at every class's predictions.
        for (output, pairs) in self.pairs.iter_mut().enumerate() {
            self.loss.gradients(&self.y, &self.raw, weights, output, pairs);
        }
        let first = self.model.n_iter();
        for output in 0..outputs {
            let mut grown = self.grower.grow(&self.binned, &self.mapper, sums, &self.pairs[output]);
            for (leaf, rows) in &grown.leaves {
                let rows = &self.grower.rows[rows.clone()];
                if self.loss.has_centers() {
                    let residuals = rows.iter().map(|&row| self.y[row as usize] - self.raw[row as usize]);
                    let weights =
                        weights.map(|weights| rows.iter().map(|&row| weights[row as usize]).collect());
                    grown.values[*leaf] = self.loss.center(residuals, weights);
                }
                grown.values[*leaf] *= self.parameters.learning_rate;
                for &row in rows {
                    self.raw[row as usize * outputs + output] += grown.values[*leaf];
                }
            }
            self.model
                .trees
                .push(&grown.nodes, &grown.values, &grown.sets)
                .map_err(|message| Error::value("boosting", message))?;
        }
        if let Some(watched) = &mut self.watched {
            let x = watched.samples.x.contiguous();
            self.model.add(first..first + 1, x.as_slice().unwrap_or_default(), &mut watched.raw);
        }
        Ok(())
    }

    /// One more round; says whether there is another one: fewer than `parameters.max_iter` are done and, where
    /// `early_stopping`, one of the last `parameters.n_iter_no_change` made the loss smaller.
    ///
    /// # Errors
    /// As [`Booster::step`].
    pub fn round(&mut self, early_stopping: bool) -> Result<bool> {
        if early_stopping && self.train_scores.is_empty() {
            self.score();
        }
        if self.model.n_iter() >= self.parameters.max_iter {
            return Ok(false);
        }
        self.step()?;
        if early_stopping {
            self.score();
            let scores = if self.watched.is_some() { &self.validation_scores } else { &self.train_scores };
            if should_stop(scores, self.parameters.n_iter_no_change, self.parameters.tol) {
                return Ok(false);
            }
        }
        Ok(self.model.n_iter() < self.parameters.max_iter)
    }

    /// Every round.
    ///
    /// # Errors
    /// As [`Booster::step`].
    pub fn run(&mut self, early_stopping: bool) -> Result<()> {
        while self.round(early_stopping)? {}
        Ok(())
    }

    fn score(&mut self) {
        self.train_scores.push(-self.loss.mean(&self.y, &self.raw, self.weights.as_deref()));
        if let Some(Watched { samples, raw }) = &self.watched {
            self.validation_scores.push(-self.loss.mean(&samples.y, raw, samples.weights.as_deref()));
        }
    }

    /// The scores of an earlier run, which this one goes on from.
    pub fn resume_scores(&mut self, train: Vec<f64>, validation: Vec<f64>) {
        (self.train_scores, self.validation_scores) = (train, validation);
    }

    /// The trees up to here.
    pub fn model(&self) -> &BoostedTrees {
        &self.model
    }

    /// The raw predictions of the training samples, `(n, outputs)`.
    pub fn raw(&self) -> &[f64] {
        &self.raw
    }

    /// Those of the validation samples.
    pub fn validation_raw(&self) -> Option<&[f64]> {
        self.watched.as_ref().map(|watched| &watched.raw[..])
    }

    /// The negative mean loss of the training samples before the first round and after each, where early stopping is on.
    pub fn train_scores(&self) -> &[f64] {
        &self.train_scores
    }

    /// That of the validation samples.
    pub fn validation_scores(&self) -> &[f64] {
        &self.validation_scores
    }
}

/// Whether none of the last scores is better than the one before them.
fn should_stop(scores: &[f64], n_iter_no_change: usize, tol: f64) -> bool {
    let Some(before) = scores.len().checked_sub(n_iter_no_change + 1) else { return false };
    scores[before + 1..].iter().all(|&score| score <= scores[before] + tol)
}

/// Rows for the quantiles: with replacement, by their weights.
fn draw(n: usize, weights: Option<&[f64]>, rng: &mut Philox) -> Vec<usize> {
    let sums: Option<Vec<f64>> = weights.map(|weights| {
        let mut total = 0.0;
        weights
            .iter()
            .map(|weight| {
                total += weight;
                total
            })
            .collect()
    });
    let mut shares = vec![0.0f64; BINNING_SAMPLES];
    rng.fill_uniform(0.0, 1.0, &mut shares);
    shares
        .into_iter()
        .map(|share| match &sums {
            None => ((share * n as f64) as usize).min(n - 1),
            Some(sums) => sums.partition_point(|&sum| sum <= share * sums[n - 1]).min(n - 1),
        })
        .collect()
}

/// What `fit` of both estimators does: sets samples aside where that is asked for, and runs all rounds. Returns the trees
/// and the scores of training and validation samples.
pub(super) fn boosted<T: Float>(
    operation: &str,
    parameters: &Parameters,
    loss: Loss,
    samples: Samples<T>,
) -> Result<(BoostedTrees, Vec<f64>, Vec<f64>)> {
    let (n, d) = samples.check(operation, loss)?;
    parameters.check(operation, d)?;
    let early_stopping = parameters.early_stopping.unwrap_or(n > EARLY_STOPPING_SAMPLES);
    let (samples, validation) = match parameters.validation_fraction {
        Some(share) if early_stopping => {
            let classes = matches!(loss, Loss::LogLoss(_)).then_some(&samples.y[..]);
            let (kept, aside) = set_aside(n, share, classes, parameters.seed);
            if kept.is_empty() || aside.is_empty() {
                let message = format!("{n} samples are too few to set a share of {share} aside");
                return Err(Error::value(operation, message));
            }
            (samples.take(&kept)?, Some(samples.take(&aside)?))
        }
        _ => (samples, None),
    };
    let mut booster = Booster::new(operation, parameters, loss, samples, validation, &[], None, None)?;
    booster.run(early_stopping)?;
    Ok((booster.model, booster.train_scores, booster.validation_scores))
}

/// Which rows are kept and which are set aside, ascending; of each class the same share.
fn set_aside(n: usize, share: f64, classes: Option<&[f64]>, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut rng = Philox::new(seed ^ 0x5EED_A51D_E000_0000);
    let order = rng.permutation(n);
    let groups: Vec<Vec<usize>> = match classes {
        None => vec![order],
        Some(classes) => {
            let count = classes.iter().fold(0.0f64, |most, &class| most.max(class)) as usize + 1;
            let mut groups = vec![Vec::new(); count];
            order.into_iter().for_each(|row| groups[classes[row] as usize].push(row));
            groups
        }
    };
    let (mut kept, mut aside) = (Vec::new(), Vec::new());
    for group in groups {
        let (some, rest) = group.split_at((share * group.len() as f64).round() as usize);
        aside.extend_from_slice(some);
        kept.extend_from_slice(rest);
    }
    kept.sort_unstable();
    aside.sort_unstable();
    (kept, aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_stops_when_nothing_gets_better() {
        for (scores, n, tol, stop) in [
            (&[][..], 1, 0.001, false),
            (&[1.0, 1.0, 1.0], 5, 0.001, false),
            (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 5, 0.999, false),
            (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 5, 5.0 - 1e-5, false),
            (&[1.0; 6], 5, 0.0, true),
            (&[1.0; 6], 5, 5.0, true),
        ] {
            assert_eq!(should_stop(scores, n, tol), stop, "{scores:?}");
        }
    }

    #[test]
    fn of_each_class_the_same_share_is_set_aside() {
        let classes: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i % 10 == 0))).collect();
        let (kept, aside) = set_aside(100, 0.2, Some(&classes), 3);
        assert_eq!(aside.iter().filter(|&&row| classes[row] == 1.0).count(), 2);
        let mut all = [kept, aside].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn rows_are_drawn_by_their_weights() {
        let rows = draw(4, Some(&[0.0, 1.0, 0.0, 3.0]), &mut Philox::new(1));
        let ones = rows.iter().filter(|&&row| row == 1).count() as f64 / rows.len() as f64;
        assert!(rows.iter().all(|&row| row == 1 || row == 3) && (ones - 0.25).abs() < 0.01);
    }
}
