//! Parameters drawn at random, scored.

use barehand_tensor::random::legacy::RandomState;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::cross_validation::CrossValidation;
use super::distribution::{Distribution, without_replacement};
use super::search::{FittedSearch, OnProgress, Possible, Progress, Refit, evaluate, search_options};
use super::splitter::Split;
use crate::dynamic::{Estimator, Features, Model, Target};

/// One parameter: how many values where they are a list, and the estimator with a value drawn, or with the `i`-th.
struct Axis<E> {
    name: String,
    listed: Option<usize>,
    set: Box<Set<E>>,
}

/// The value as text, and the estimator with it.
type Set<E> = dyn Fn(E, Pick<'_>) -> Result<(String, E)> + Send + Sync;

enum Pick<'a> {
    Draw(&'a mut RandomState),
    Listed(usize),
}

/// Tries parameters drawn at random and keeps the best.
///
/// Draws are scikit-learn's for the same `random_state`: parameters in the order of their names; where all are lists, no
/// combination twice. Source: scikit-learn's `RandomizedSearchCV`.
///
/// ```
/// use barehand_learn::model_selection::{Choice, CrossValidation, KFold, RandomizedSearch, Scorer};
/// use barehand_learn::preprocessing::StandardScaler;
/// use barehand_learn::{Features, Model, Target};
/// use barehand_tensor::Tensor;
///
/// let x = Features::from(Tensor::from([[1.0], [2.0], [3.0], [5.0f64]]));
/// let columns = |model: &dyn Model<f64>, _: &Features<f64>, _: &Target<f64>| Ok(model.features() as f64);
/// let search = RandomizedSearch::new(StandardScaler::new())
///     .over("with_std", Choice(vec![true, false]), |scaler, &yes| scaler.with_std(yes))
///     .n_iter(2)
///     .cross_validation(CrossValidation::new().cv(KFold::new(2)).score(Scorer::custom("columns", columns)))
///     .fit(&x, &Target::None)?;
/// assert_eq!(search.best_score(), 1.0);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub struct RandomizedSearch<E, T: Float> {
    estimator: E,
    axes: Vec<Axis<E>>,
    n_iter: usize,
    random_state: u32,
    cv: CrossValidation<T>,
    refit: Refit,
    on_progress: OnProgress,
}

/// The same for all parameters.
enum Picks<'a> {
    Draw(&'a mut RandomState),
    Listed(&'a [usize]),
}

impl<E: Estimator<T> + Clone, T: Float> RandomizedSearch<E, T> {
    /// A search that tries this estimator only, until [`RandomizedSearch::over`] adds parameters.
    pub fn new(estimator: E) -> Self {
        RandomizedSearch {
            estimator,
            axes: Vec::new(),
            n_iter: 10,
            random_state: 0,
            cv: CrossValidation::new(),
            refit: Refit { by: None, refit: true },
            on_progress: None,
        }
    }

    /// One parameter more to draw from a distribution, `set` by a function of the estimator and a value.
    pub fn over<D: Distribution + 'static>(
        mut self,
        name: &str,
        distribution: D,
        set: impl Fn(E, &D::Value) -> E + Send + Sync + 'static,
    ) -> Self {
        let list = distribution.list();
        self.axes.push(Axis {
            name: name.to_owned(),
            listed: list.as_ref().map(Vec::len),
            set: Box::new(move |estimator, pick| {
                let value = match (pick, &list) {
                    (Pick::Listed(i), Some(list)) => list[i].clone(),
                    (Pick::Listed(_), None) => return Err(Error::value("RandomizedSearch", "no list")),
                    (Pick::Draw(random), _) => distribution.draw(random)?,
                };
                Ok((format!("{value:?}"), set(estimator, &value)))
            }),
        });
        self.axes.sort_by(|a, b| a.name.cmp(&b.name));
        self
    }

    /// How many candidates to try (default: 10); all combinations where there are fewer.
    pub fn n_iter(mut self, n_iter: usize) -> Self {
        self.n_iter = n_iter;
        self
    }

    /// The seed (default: 0).
    pub fn random_state(mut self, random_state: u32) -> Self {
        self.random_state = random_state;
        self
    }

    search_options!();

    /// `n` candidates, fewer where all parameters are lists with fewer combinations.
    pub(super) fn possible(&self, n: usize) -> Result<Vec<Possible<E>>> {
        if n == 0 {
            return Err(Error::value("RandomizedSearch", "n_iter is 0: at least 1 expected"));
        }
        let mut random = RandomState::new(self.random_state);
        let lists: Option<Vec<usize>> = self.axes.iter().map(|axis| axis.listed).collect();
        let Some(lists) = lists else {
            return (0..n).map(|_| self.one(Picks::Draw(&mut random))).collect();
        };
        let total = lists.iter().try_fold(1usize, |total, &len| total.checked_mul(len));
        let Some(total) = total.filter(|&total| total > 0) else {
            return Err(Error::value("RandomizedSearch", "a parameter has no values, or there are too many"));
        };
        let drawn = without_replacement(total, n.min(total), &mut random)?;
        drawn
            .into_iter()
            .map(|mut place| {
                // The last parameter varies fastest.
                let mut picks = vec![0; lists.len()];
                for (pick, &len) in picks.iter_mut().zip(&lists).rev() {
                    *pick = place % len;
                    place /= len;
                }
                self.one(Picks::Listed(&picks))
            })
            .collect()
    }

    fn one(&self, mut picks: Picks<'_>) -> Result<Possible<E>> {
        let mut candidate = (Vec::new(), self.estimator.clone());
        for (i, axis) in self.axes.iter().enumerate() {
            let pick = match &mut picks {
                Picks::Draw(random) => Pick::Draw(random),
                Picks::Listed(places) => Pick::Listed(places[i]),
            };
            let (text, estimator) = (axis.set)(candidate.1, pick)?;
            candidate.0.push((axis.name.clone(), text));
            candidate.1 = estimator;
        }
        Ok(candidate)
    }

    /// How candidates are scored, for another search to go on with.
    pub(super) fn take_parts(&mut self) -> (CrossValidation<T>, Refit, OnProgress) {
        let refit = std::mem::replace(&mut self.refit, Refit { by: None, refit: true });
        (std::mem::take(&mut self.cv), refit, self.on_progress.take())
    }

    /// Tries them.
    ///
    /// # Errors
    /// Those of the splitter, of fitting and of scoring; a distribution with nothing to draw.
    pub fn fit(&self, x: &Features<T>, y: &Target<T>) -> Result<FittedSearch<E, T>> {
        let possible = self.possible(self.n_iter)?;
        let splits: Vec<Split> = self.cv.splits(x, y)?.collect();
        let candidates = evaluate(&possible, &self.cv, &splits, (x, y), &self.on_progress)?;
        let estimators: Vec<E> = possible.into_iter().map(|(_, estimator)| estimator).collect();
        FittedSearch::new(&self.cv, &self.refit, (x, y), candidates, &estimators, |_| true)
    }
}

impl<E: Estimator<T> + Clone, T: Float> Estimator<T> for RandomizedSearch<E, T> {
    fn name(&self) -> &'static str {
        "RandomizedSearch"
    }

    fn takes_weights(&self) -> bool {
        false
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        y: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        super::search::best_model("RandomizedSearch", sample_weight, || self.fit(x, y))
    }
}
