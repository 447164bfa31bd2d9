//! Many candidates on few samples, the best of them on more, until one is left.

use barehand_tensor::random::legacy::RandomState;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::cross_validation::CrossValidation;
use super::grid_search::GridSearch;
use super::randomized_search::RandomizedSearch;
use super::search::{
    Candidate, FittedSearch, OnProgress, Possible, Progress, Refit, evaluate, search_options,
};
use super::splitter::Split;
use crate::dynamic::{Estimator, Features, Model, Target};

/// Where the candidates come from.
enum Source<E, T: Float> {
    Grid(Vec<Possible<E>>),
    /// So many, or as many as the smallest resource fits into the largest.
    Random(Box<RandomizedSearch<E, T>>, Option<usize>),
}

/// A resource other than samples.
struct Resource<E> {
    name: String,
    set: Box<dyn Fn(E, usize) -> E + Send + Sync>,
}

/// Tries all candidates with few resources, the best third of them with three times as many, and so on.
///
/// Resources are samples, drawn from each training and test set, or a parameter ([`HalvingSearch::resource`]). Source:
/// scikit-learn's `HalvingGridSearchCV` and `HalvingRandomSearchCV`.
///
/// ```
/// use barehand_learn::model_selection::{CrossValidation, GridSearch, HalvingSearch, KFold, Scorer};
/// use barehand_learn::preprocessing::StandardScaler;
/// use barehand_learn::{Features, Model, Target};
/// use barehand_tensor::Tensor;
///
/// let x = Features::from(Tensor::from_vec((0..90).map(f64::from).collect(), [90, 1])?);
/// let columns = |model: &dyn Model<f64>, _: &Features<f64>, _: &Target<f64>| Ok(model.features() as f64);
/// let grid = GridSearch::new(StandardScaler::new())
///     .over("with_mean", [true, false], |scaler, &yes| scaler.with_mean(yes))
///     .over("with_std", [true, false], |scaler, &yes| scaler.with_std(yes))
///     .cross_validation(CrossValidation::new().cv(KFold::new(2)).score(Scorer::custom("columns", columns)));
/// let search = HalvingSearch::grid(grid).fit(&x, &Target::None)?;
/// let resources: Vec<_> = search.candidates().iter().filter_map(|candidate| candidate.resources).collect();
/// assert_eq!(resources, [30, 30, 30, 30, 90, 90]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
pub struct HalvingSearch<E, T: Float> {
    source: Source<E, T>,
    factor: f64,
    resource: Option<Resource<E>>,
    min_resources: MinResources,
    max_resources: Option<usize>,
    aggressive_elimination: bool,
    random_state: u32,
    cv: CrossValidation<T>,
    refit: Refit,
    on_progress: OnProgress,
}

#[derive(Clone, Copy, PartialEq)]
enum MinResources {
    /// So many that the last iteration has as many as it may.
    Exhaust,
    /// As few as make sense.
    Smallest,
    Count(usize),
}

impl<E: Estimator<T> + Clone, T: Float> HalvingSearch<E, T> {
    /// Every combination of a grid, scored as the grid says.
    pub fn grid(grid: GridSearch<E, T>) -> Self {
        let possible = grid.possible();
        Self::of(Source::Grid(possible), MinResources::Exhaust, grid.into_parts())
    }

    /// `n_candidates` draws of a randomised search, scored as it says; without a number, as many as make sense.
    pub fn random(mut search: RandomizedSearch<E, T>, n_candidates: Option<usize>) -> Self {
        let parts = search.take_parts();
        Self::of(Source::Random(Box::new(search), n_candidates), MinResources::Smallest, parts)
    }

    fn of(
        source: Source<E, T>,
        min_resources: MinResources,
        (cv, refit, on_progress): (CrossValidation<T>, Refit, OnProgress),
    ) -> Self {
        HalvingSearch {
            source,
            factor: 3.0,
            resource: None,
            min_resources,
            max_resources: None,
            aggressive_elimination: false,
            random_state: 0,
            cv,
            refit,
            on_progress,
        }
    }

    /// How many times fewer candidates, and more resources, each iteration has (default: 3).
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// A parameter that is the resource instead of samples, up to `max_resources`.
    pub fn resource(
        mut self,
        name: &str,
        max_resources: usize,
        set: impl Fn(E, usize) -> E + Send + Sync + 'static,
    ) -> Self {
        self.resource = Some(Resource { name: name.to_owned(), set: Box::new(set) });
        self.max_resources = Some(max_resources);
        self
    }

    /// The resources of the first iteration (default of a grid: so many that the last iteration has as many as it may; of
    /// draws: as few as make sense).
    pub fn min_resources(mut self, min_resources: usize) -> Self {
        self.min_resources = MinResources::Count(min_resources);
        self
    }

    /// The resources of the last iteration (default: all samples).
    pub fn max_resources(mut self, max_resources: usize) -> Self {
        self.max_resources = Some(max_resources);
        self
    }

    /// Whether to repeat the first iteration's resources where there are not enough to come down to few candidates
    /// (default: no).
    pub fn aggressive_elimination(mut self, aggressive: bool) -> Self {
        self.aggressive_elimination = aggressive;
        self
    }

    /// The seed of what is drawn from the splits (default: 0).
    pub fn random_state(mut self, random_state: u32) -> Self {
        self.random_state = random_state;
        self
    }

    search_options!();

    /// Tries them.
    ///
    /// # Errors
    /// Those of the splitter, of fitting and of scoring; `factor` not above 1, or resources that are none.
    pub fn fit(&self, x: &Features<T>, y: &Target<T>) -> Result<FittedSearch<E, T>> {
        const OPERATION: &str = "HalvingSearch";
        if self.factor.is_nan() || self.factor <= 1.0 {
            return Err(Error::value(OPERATION, format!("factor is {}: more than 1 expected", self.factor)));
        }
        let splits: Vec<Split> = self.cv.splits(x, y)?.collect();
        let n_samples = x.shape()[0];
        let most = self.max_resources.unwrap_or(n_samples);
        let mut least = match self.min_resources {
            MinResources::Count(count) => count,
            _ if self.resource.is_some() => 1,
            _ => splits.len() * 2 * distinct(y),
        };
        if least == 0 || least > most {
            let message = format!("resources from {least} to {most}: from at least 1 to no less expected");
            return Err(Error::value(OPERATION, message));
        }
        let mut possible = match &self.source {
            Source::Grid(possible) => possible.clone(),
            Source::Random(search, n) => search.possible(n.unwrap_or(most / least))?,
        };
        if possible.is_empty() {
            return Err(Error::value(OPERATION, "there are no candidates"));
        }
        let logarithm = |of: usize| ((of as f64).ln() / self.factor.ln()).floor() as usize;
        let required = 1 + logarithm(possible.len());
        if self.min_resources == MinResources::Exhaust {
            let last = self.factor.powi(required as i32 - 1);
            least = least.max((most as f64 / last).floor() as usize);
        }
        let affordable = 1 + logarithm(most / least);
        let iterations = if self.aggressive_elimination { required } else { affordable.min(required) };

        let (mut tried, mut estimators) = (Vec::new(), Vec::new());
        for iteration in 0..iterations {
            let power = if self.aggressive_elimination {
                (iteration + affordable).saturating_sub(required)
            } else {
                iteration
            };
            let resources = ((self.factor.powi(power as i32) * least as f64) as usize).min(most);
            let (these, on) = match &self.resource {
                None => (possible.clone(), self.subsampled(&splits, resources as f64 / n_samples as f64)),
                Some(resource) => (with_resource(&possible, resource, resources), splits.clone()),
            };
            let mut candidates = evaluate(&these, &self.cv, &on, (x, y), &self.on_progress)?;
            for candidate in &mut candidates {
                candidate.iteration = iteration;
                candidate.resources = Some(resources);
            }
            let keep = (possible.len() as f64 / self.factor).ceil() as usize;
            possible = best(&candidates, keep).into_iter().map(|i| possible[i].clone()).collect();
            tried.extend(candidates);
            estimators.extend(these.into_iter().map(|(_, estimator)| estimator));
        }
        let last = iterations - 1;
        let may_win = |candidate: &Candidate| candidate.iteration == last;
        FittedSearch::new(&self.cv, &self.refit, (x, y), tried, &estimators, may_win)
    }

    /// The same share of each side of every split, drawn anew from the seed each time, as scikit-learn does.
    fn subsampled(&self, splits: &[Split], share: f64) -> Vec<Split> {
        let some = |rows: &[usize]| {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            RandomState::new(self.random_state).shuffle(&mut order);
            order.truncate((share * rows.len() as f64) as usize);
            order.into_iter().map(|i| rows[i]).collect()
        };
        splits.iter().map(|split| Split { train: some(&split.train), test: some(&split.test) }).collect()
    }
}

fn with_resource<E: Clone>(
    possible: &[Possible<E>],
    resource: &Resource<E>,
    amount: usize,
) -> Vec<Possible<E>> {
    possible
        .iter()
        .map(|(parameters, estimator)| {
            let mut parameters = parameters.clone();
            parameters.push((resource.name.clone(), amount.to_string()));
            (parameters, (resource.set)(estimator.clone(), amount))
        })
        .collect()
}

/// How many classes there are; 1 for other targets.
fn distinct<T: Float>(y: &Target<T>) -> usize {
    let Target::Classes(y) = y else { return 1 };
    let mut labels = y.to_vec();
    labels.sort_unstable();
    labels.dedup();
    labels.len()
}

/// The places of the `keep` best, worst of them first; NaN is worst of all.
fn best(candidates: &[Candidate], keep: usize) -> Vec<usize> {
    let mean = |i: usize| {
        let folds = &candidates[i].folds;
        folds.iter().map(|fold| fold.test[0]).sum::<f64>() / folds.len() as f64
    };
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| match (mean(a).is_nan(), mean(b).is_nan()) {
        (false, false) => mean(a).total_cmp(&mean(b)),
        (a_is_nan, b_is_nan) => b_is_nan.cmp(&a_is_nan),
    });
    order.split_off(order.len() - keep.min(order.len()))
}

impl<E: Estimator<T> + Clone, T: Float> Estimator<T> for HalvingSearch<E, T> {
    fn name(&self) -> &'static str {
        "HalvingSearch"
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
        super::search::best_model("HalvingSearch", sample_weight, || self.fit(x, y))
    }
}
