//! L-BFGS, which looks at the whole loss several times before each step.

use super::{Closure, Optimizer, OptimizerState, check};
use crate::{Error, Float, Gradients, Module, Parameters, Result, Tensor};

/// Limited-memory BFGS (Liu and Nocedal 1989; `torch.optim.LBFGS`), for losses of the whole data set:
///
/// ```text
/// y = g - g_before,  s = t d                       remembered where y·s > 1e-10, the last history_size of them
/// d = -H g                                         H from the pairs (s, y) by two loops, beginning with (y·s / y·y) I
/// t = learning_rate, at first min(1, 1 / Σ|g|) learning_rate; or found on the line by the strong Wolfe conditions
/// param = param + t d
/// ```
///
/// One [`step`](Lbfgs::step) is up to `max_iter` such iterations. It needs the loss at several points, so it is given a
/// closure in place of gradients, and where it is one [`Optimizer`] among others it steps by
/// [`step_with`](Optimizer::step_with) alone. Every parameter counts alike: there are no groups.
///
/// ```
/// use barehand_nn::{Generator, Lbfgs, LineSearch, Linear, Module, Tensor, mse_loss};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let x = Tensor::from([[0.0_f64], [1.0], [2.0]]);
/// let y = Tensor::from([[1.0_f64], [3.0], [5.0]]);
/// let mut model = Linear::new(1, 1, &mut Generator::new(0));
/// let mut optimizer = Lbfgs::builder(1.0).line_search(LineSearch::StrongWolfe).build::<f64>()?;
/// optimizer.step(&mut model, |model| {
///     let loss = mse_loss(&model.forward(&x)?, &y)?;
///     Ok((loss.item()?, loss.backward()?))
/// })?;
/// assert!((model.weight.item()? - 2.0).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub struct Lbfgs<T: Float = f32> {
    options: LbfgsBuilder,
    memory: Memory<T>,
}

/// How far a step goes along its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineSearch {
    /// To where the loss has fallen enough and its slope is small enough (Nocedal and Wright, section 3.5), by cubic
    /// interpolation, as in minFunc.
    StrongWolfe,
}

/// The options of [`Lbfgs`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct LbfgsBuilder {
    learning_rate: f64,
    max_iter: usize,
    max_eval: Option<usize>,
    tolerance_grad: f64,
    tolerance_change: f64,
    history_size: usize,
    line_search: Option<LineSearch>,
    maximize: bool,
}

/// What is remembered from one iteration to the next.
struct Memory<T: Float> {
    evaluations: u64,
    iterations: u64,
    direction: Option<Tensor<T>>,
    length: f64,
    /// The pairs (y, s) and 1 / (y·s), oldest first.
    pairs: Vec<(Tensor<T>, Tensor<T>, f64)>,
    /// The diagonal of the matrix that the pairs amend.
    diagonal: f64,
    gradient: Option<Tensor<T>>,
    loss: f64,
}

impl<T: Float> Default for Memory<T> {
    fn default() -> Self {
        Memory {
            evaluations: 0,
            iterations: 0,
            direction: None,
            length: 0.0,
            pairs: Vec::new(),
            diagonal: 1.0,
            gradient: None,
            loss: 0.0,
        }
    }
}

impl Lbfgs {
    /// L-BFGS with at most 20 iterations and 25 evaluations a step, 100 pairs and no line search: set options, then
    /// [`build`](LbfgsBuilder::build) it. PyTorch's default rate is 1.
    pub fn builder(learning_rate: f64) -> LbfgsBuilder {
        LbfgsBuilder {
            learning_rate,
            max_iter: 20,
            max_eval: None,
            tolerance_grad: 1e-7,
            tolerance_change: 1e-9,
            history_size: 100,
            line_search: None,
            maximize: false,
        }
    }
}

impl LbfgsBuilder {
    /// Iterations of one step, at most. Default 20.
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Evaluations of the loss in one step, after which no iteration begins. Default 5/4 of the iterations.
    pub fn max_eval(mut self, max_eval: impl Into<Option<usize>>) -> Self {
        self.max_eval = max_eval.into();
        self
    }

    /// A step ends where no element of the gradient is larger. Default 1e-7.
    pub fn tolerance_grad(mut self, tolerance_grad: f64) -> Self {
        self.tolerance_grad = tolerance_grad;
        self
    }

    /// A step ends where neither the loss nor any parameter changes by more. Default 1e-9.
    pub fn tolerance_change(mut self, tolerance_change: f64) -> Self {
        self.tolerance_change = tolerance_change;
        self
    }

    /// How many pairs are remembered. Default 100.
    pub fn history_size(mut self, history_size: usize) -> Self {
        self.history_size = history_size;
        self
    }

    /// How far a step goes along its direction. Default: as far as the learning rate says.
    pub fn line_search(mut self, line_search: impl Into<Option<LineSearch>>) -> Self {
        self.line_search = line_search.into();
        self
    }

    /// Whether to climb instead. Default false.
    pub fn maximize(mut self, maximize: bool) -> Self {
        self.maximize = maximize;
        self
    }

    /// The optimizer.
    ///
    /// # Errors
    /// As PyTorch, when the learning rate is below 0.
    pub fn build<T: Float>(self) -> Result<Lbfgs<T>> {
        check(self.learning_rate >= 0.0, "lbfgs", "learning rate", self.learning_rate)?;
        Ok(Lbfgs { options: self, memory: Memory::default() })
    }
}

impl<T: Float> Lbfgs<T> {
    /// Moves the parameters of `model` by one step, and returns the loss where it began. `closure` computes a model's loss
    /// and its gradients; parameters that got none have a gradient of 0.
    ///
    /// # Errors
    /// Whatever the closure returns; and when the model changed its shapes since the step before.
    pub fn step<M: Parameters<T> + ?Sized>(
        &mut self,
        model: &mut M,
        mut closure: impl FnMut(&M) -> Result<(T, Gradients<T>)>,
    ) -> Result<f64> {
        let mut point = flat(model, |parameter| Ok(parameter.detach()))?;
        let loss = self.step_flat(&mut point, |x| {
            scatter(model, x);
            let (loss, gradients) = closure(model)?;
            let of = |p: &Tensor<T>| Ok(gradients.get(p).map_or_else(|| p.zeros_like(), Clone::clone));
            Ok((loss.as_f64(), flat(model, of)?))
        })?;
        scatter(model, &point);
        Ok(loss)
    }

    /// Moves a vector by one step, and returns the loss where it began. `objective` computes the loss of a vector and the
    /// gradient, a vector of the same length.
    ///
    /// # Errors
    /// Whatever the objective returns; and when the length is not that of the step before.
    pub fn step_flat<E: From<Error>>(
        &mut self,
        x: &mut Tensor<T>,
        mut objective: impl FnMut(&Tensor<T>) -> std::result::Result<(f64, Tensor<T>), E>,
    ) -> std::result::Result<f64, E> {
        let Lbfgs { options, memory } = self;
        if let Some(before) = memory.gradient.as_ref().filter(|before| before.len() != x.len()) {
            let message = format!("{} numbers to move, and before there were {}", x.len(), before.len());
            return Err(Error::shape("lbfgs", message).into());
        }
        let max_eval = options.max_eval.unwrap_or(options.max_iter.saturating_mul(5) / 4);
        let (rate, least) = (options.learning_rate, options.tolerance_change);
        let mut evaluate = |x: &Tensor<T>| -> std::result::Result<(f64, Tensor<T>), E> {
            let (loss, gradient) = objective(x)?;
            Ok(if options.maximize { (-loss, gradient.neg()?) } else { (loss, gradient) })
        };
        let (first, mut gradient) = evaluate(x)?;
        let mut loss = first;
        let mut evaluations = 1;
        memory.evaluations = memory.evaluations.saturating_add(1);
        let returned = if options.maximize { -first } else { first };
        if x.is_empty() || largest(&gradient)? <= options.tolerance_grad {
            return Ok(returned);
        }
        for iteration in 1..=options.max_iter {
            memory.iterations = memory.iterations.saturating_add(1);
            let direction = memory.turn(&gradient, options.history_size)?;
            let loss_before = loss;
            memory.loss = loss;
            memory.gradient = Some(gradient.clone());
            let mut length = rate;
            if memory.iterations == 1 {
                length *= (1.0 / gradient.abs()?.sum()?.item()?.as_f64()).min(1.0);
            }
            memory.length = length;
            memory.direction = Some(direction.clone());
            let slope = dot(&gradient, &direction)?;
            if slope > -least {
                break;
            }
            let mut spent = 0;
            if options.line_search.is_some() {
                let at = |t: f64| -> std::result::Result<Point<T>, E> {
                    let mut x = x.clone();
                    x.add_assign_scaled(t, &direction)?;
                    let (loss, gradient) = evaluate(&x)?;
                    let slope = dot(&gradient, &direction)?;
                    Ok(Point { t, loss, gradient, slope })
                };
                let start = Point { t: 0.0, loss, gradient: gradient.clone(), slope };
                let step = largest(&direction)?;
                let search = Search { least, step, trials: max_eval.saturating_sub(evaluations) };
                let (found, trials) = search.run(start, length, at)?;
                (loss, gradient, length, spent) = (found.loss, found.gradient, found.t, trials);
                x.add_assign_scaled(length, &direction)?;
            } else {
                x.add_assign_scaled(length, &direction)?;
                // Not after the last iteration: nobody would look at it.
                if iteration != options.max_iter {
                    (loss, gradient) = evaluate(x)?;
                    spent = 1;
                }
            }
            memory.length = length;
            evaluations += spent;
            memory.evaluations = memory.evaluations.saturating_add(spent as u64);
            if evaluations >= max_eval
                || largest(&gradient)? <= options.tolerance_grad
                || largest(&direction)? * length.abs() <= least
                || (loss - loss_before).abs() < least
            {
                break;
            }
        }
        Ok(returned)
    }

    /// The optimizer's name, `lbfgs`.
    pub fn name(&self) -> &'static str {
        "lbfgs"
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.options.learning_rate
    }

    /// Sets the learning rate of the next step.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.options.learning_rate = learning_rate;
    }

    /// Goes on with other options, and the memories of before.
    ///
    /// # Errors
    /// As [`LbfgsBuilder::build`]; the options of before then stay.
    pub fn set_options(&mut self, options: LbfgsBuilder) -> Result<()> {
        self.options = options.build::<T>()?.options;
        Ok(())
    }

    /// What is remembered between steps, under PyTorch's names; the histories are numbered from the oldest pair.
    pub fn state(&self) -> OptimizerState<T> {
        let memory = &self.memory;
        let mut state = OptimizerState::default();
        let scalars = [
            ("learning_rate", self.options.learning_rate),
            ("func_evals", memory.evaluations as f64),
            ("n_iter", memory.iterations as f64),
            ("t", memory.length),
            ("H_diag", memory.diagonal),
            ("prev_loss", memory.loss),
        ];
        state.scalars.extend(scalars.map(|(name, value)| (name.to_owned(), value)));
        for (name, tensor) in [("d", &memory.direction), ("prev_flat_grad", &memory.gradient)] {
            state.tensors.extend(tensor.iter().map(|tensor| (name.to_owned(), tensor.clone())));
        }
        for (i, (y, s, ro)) in memory.pairs.iter().enumerate() {
            state.tensors.insert(format!("old_dirs.{i}"), y.clone());
            state.tensors.insert(format!("old_stps.{i}"), s.clone());
            state.scalars.insert(format!("ro.{i}"), *ro);
        }
        state
    }

    /// Goes on from what [`state`](Lbfgs::state) returned.
    ///
    /// # Errors
    /// When a value is missing, or is not one of these, or the vectors are not of one length.
    pub fn load_state(&mut self, mut state: OptimizerState<T>) -> Result<()> {
        let mut number = |name: &str| {
            let missing = || Error::value("lbfgs", format!("the saved state holds no {name}"));
            state.scalars.remove(name).ok_or_else(missing)
        };
        let learning_rate = number("learning_rate")?;
        let mut memory = Memory {
            evaluations: number("func_evals")? as u64,
            iterations: number("n_iter")? as u64,
            length: number("t")?,
            diagonal: number("H_diag")?,
            loss: number("prev_loss")?,
            ..Memory::default()
        };
        while let Some(ro) = state.scalars.remove(&format!("ro.{}", memory.pairs.len())) {
            let i = memory.pairs.len();
            let mut vector = |name: String| {
                let missing = || Error::value("lbfgs", format!("the saved state holds no {name}"));
                state.tensors.remove(&name).ok_or_else(missing)
            };
            memory.pairs.push((vector(format!("old_dirs.{i}"))?, vector(format!("old_stps.{i}"))?, ro));
        }
        memory.direction = state.tensors.remove("d");
        memory.gradient = state.tensors.remove("prev_flat_grad");
        let rest = state.scalars.keys().chain(state.tensors.keys()).next();
        if let Some(name) = rest {
            return Err(Error::value("lbfgs", format!("the saved state holds {name}, which is not lbfgs's")));
        }
        if memory.iterations > 0 && (memory.direction.is_none() || memory.gradient.is_none()) {
            return Err(Error::value("lbfgs", "the saved state holds no d or no prev_flat_grad"));
        }
        let pairs = memory.pairs.iter().flat_map(|(y, s, _)| [y, s]);
        let mut vectors = memory.direction.iter().chain(&memory.gradient).chain(pairs).map(Tensor::shape);
        let first = vectors.next().unwrap_or(&[0]);
        if let Some(other) =
            [first].into_iter().chain(vectors).find(|shape| shape.len() != 1 || *shape != first)
        {
            let message = format!(
                "the saved state holds vectors of shapes {first:?} and {other:?}: one length expected"
            );
            return Err(Error::shape("lbfgs", message));
        }
        self.memory = memory;
        self.options.learning_rate = learning_rate;
        Ok(())
    }
}

/// One optimizer among others, for those who give it a closure.
impl<T: Float> Optimizer<T> for Lbfgs<T> {
    fn step(&mut self, _: &mut dyn Parameters<T>, _: &Gradients<T>) -> Result<()> {
        Err(needs_a_closure())
    }

    fn step_with(&mut self, model: &mut dyn Module<T>, closure: &mut Closure<'_, T>) -> Result<f64> {
        Lbfgs::step(self, model, |model| closure(model))
    }

    fn update(&mut self, _: &str, _: &mut Tensor<T>, _: &Tensor<T>) -> Result<()> {
        Err(needs_a_closure())
    }

    fn name(&self) -> &'static str {
        self.name()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate()
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.set_learning_rate(learning_rate);
    }

    fn momentum(&self) -> f64 {
        0.0
    }

    fn set_momentum(&mut self, _: f64) {}

    fn state(&self) -> OptimizerState<T> {
        self.state()
    }

    fn load_state(&mut self, state: OptimizerState<T>) -> Result<()> {
        self.load_state(state)
    }
}

fn needs_a_closure() -> Error {
    Error::value("lbfgs", "the loss is needed at several points: step_with takes a closure that computes it")
}

impl<T: Float> Memory<T> {
    /// The direction to go in from where the gradient is this, after the last step has become a pair.
    fn turn(&mut self, gradient: &Tensor<T>, history_size: usize) -> Result<Tensor<T>> {
        let (Some(direction), Some(before)) = (&self.direction, &self.gradient) else {
            return gradient.neg();
        };
        let y = gradient.sub(before)?;
        let s = direction.mul_scalar(self.length)?;
        let ys = dot(&y, &s)?;
        if ys > 1e-10 {
            if self.pairs.len() >= history_size.max(1) {
                self.pairs.remove(0);
            }
            self.diagonal = ys / dot(&y, &y)?;
            self.pairs.push((y, s, 1.0 / ys));
        }
        let mut q = gradient.neg()?;
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (y, s, ro) in self.pairs.iter().rev() {
            let share = dot(s, &q)? * ro;
            q.add_assign_scaled(-share, y)?;
            shares.push(share);
        }
        let mut r = q.mul_scalar(self.diagonal)?;
        for ((y, s, ro), share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let back = dot(y, &r)? * ro;
            r.add_assign_scaled(share - back, s)?;
        }
        Ok(r)
    }
}

/// A place on the line along the direction.
#[derive(Clone)]
struct Point<T: Float> {
    t: f64,
    loss: f64,
    gradient: Tensor<T>,
    slope: f64,
}

/// The search for a place that fulfils the strong Wolfe conditions.
struct Search {
    /// A bracket in which no parameter changes by more is not divided further.
    least: f64,
    /// The direction's largest element.
    step: f64,
    /// Evaluations, at most; one more than 0.
    trials: usize,
}

/// The share of the first slope by which the loss must fall.
const ENOUGH: f64 = 1e-4;
/// The share of the first slope that may be left.
const FLAT: f64 = 0.9;

impl Search {
    /// Goes outward from `start` until a bracket is found, then divides it. Returns the place, and the evaluations it took.
    fn run<T: Float, E>(
        &self,
        start: Point<T>,
        first: f64,
        mut at: impl FnMut(f64) -> std::result::Result<Point<T>, E>,
    ) -> std::result::Result<(Point<T>, usize), E> {
        let (loss, slope) = (start.loss, start.slope);
        let too_high = |point: &Point<T>| point.loss > loss + ENOUGH * point.t * slope;
        let flat = |point: &Point<T>| point.slope.abs() <= -FLAT * slope;
        let mut point = at(first)?;
        let mut tried = 0;
        let mut before = start.clone();
        let mut bracket = loop {
            if tried >= self.trials {
                break [start, point];
            }
            if too_high(&point) || (tried > 1 && point.loss >= before.loss) {
                break [before, point];
            }
            if flat(&point) {
                return Ok((point, tried + 1));
            }
            if point.slope >= 0.0 {
                break [before, point];
            }
            let bounds = (point.t + 0.01 * (point.t - before.t), point.t * 10.0);
            let next = cubic_minimum(&before, &point, bounds);
            before = std::mem::replace(&mut point, at(next)?);
            tried += 1;
        };
        let lower_first =
            |bracket: &[Point<T>; 2]| if bracket[0].loss <= bracket[1].loss { (0, 1) } else { (1, 0) };
        let (mut low, mut high) = lower_first(&bracket);
        let mut near_an_end = false;
        while tried < self.trials {
            let (least, most) = (bracket[0].t.min(bracket[1].t), bracket[0].t.max(bracket[1].t));
            if (most - least) * self.step < self.least {
                break;
            }
            let mut t = cubic_minimum(&bracket[0], &bracket[1], (least, most));
            // Twice in a row close to an end, or on it, is no progress: then go a tenth of the bracket away from it.
            let margin = 0.1 * (most - least);
            if (most - t).min(t - least) < margin {
                if near_an_end || t >= most || t <= least {
                    t = if (t - most).abs() < (t - least).abs() { most - margin } else { least + margin };
                    near_an_end = false;
                } else {
                    near_an_end = true;
                }
            } else {
                near_an_end = false;
            }
            let point = at(t)?;
            tried += 1;
            if too_high(&point) || point.loss >= bracket[low].loss {
                bracket[high] = point;
                (low, high) = lower_first(&bracket);
                continue;
            }
            let done = flat(&point);
            if !done && point.slope * (bracket[high].t - bracket[low].t) >= 0.0 {
                bracket[high] = bracket[low].clone();
            }
            bracket[low] = point;
            if done {
                break;
            }
        }
        let [first, second] = bracket;
        Ok((if low == 0 { first } else { second }, tried + 1))
    }
}

/// Where the cubic through two places with these slopes has its minimum, within bounds; the middle of the bounds where it
/// has none.
fn cubic_minimum<T: Float>(a: &Point<T>, b: &Point<T>, (least, most): (f64, f64)) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.t - b.t);
    let square = d1 * d1 - a.slope * b.slope;
    if square.is_nan() || square < 0.0 {
        return f64::midpoint(least, most);
    }
    let d2 = square.sqrt();
    let minimum = if a.t <= b.t {
        b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2))
    } else {
        a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2.0 * d2))
    };
    minimum.max(least).min(most)
}

fn dot<T: Float>(x: &Tensor<T>, y: &Tensor<T>) -> Result<f64> {
    Ok(x.dot(y)?.item()?.as_f64())
}

/// The size of the largest element.
fn largest<T: Float>(x: &Tensor<T>) -> Result<f64> {
    Ok(x.abs()?.max()?.item()?.as_f64())
}

/// One vector of what `of` says of every trained parameter.
fn flat<T: Float, M: Parameters<T> + ?Sized>(
    model: &M,
    of: impl Fn(&Tensor<T>) -> Result<Tensor<T>>,
) -> Result<Tensor<T>> {
    let mut elements = Vec::new();
    for (_, parameter) in model.named_parameters() {
        if parameter.is_leaf() {
            elements.extend(of(parameter)?.to_vec());
        }
    }
    let len = elements.len();
    Tensor::from_vec(elements, [len])
}

/// Writes a vector into the trained parameters, the other way of [`flat`].
fn scatter<T: Float, M: Parameters<T> + ?Sized>(model: &mut M, x: &Tensor<T>) {
    let x = x.contiguous();
    let mut rest = x.as_slice().expect("made contiguous above");
    model.visit_parameters_mut(&mut |_, parameter| {
        if parameter.is_leaf() {
            let (elements, others) = rest.split_at(parameter.len());
            rest = others;
            parameter.data_mut().copy_from_slice(elements);
        }
    });
}
