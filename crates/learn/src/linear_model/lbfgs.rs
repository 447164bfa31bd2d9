//! L-BFGS with the line search of Moré and Thuente: the steps of SciPy's `L-BFGS-B` where nothing is bounded.
//!
//! Nocedal and Wright, Numerical Optimization, algorithm 7.5; Moré and Thuente 1994, MINPACK-2's `dcsrch`.

/// The inverse of an estimate of the second derivatives, times slopes.
pub type InverseCurvature<'a> = dyn Fn(&[f64]) -> Vec<f64> + 'a;

/// Who is shown the place where a minimisation begins and where each iteration ends, with the number of those before, and says
/// whether to go on.
pub type Watch<'a> = dyn FnMut(&[f64], usize) -> bool + 'a;

/// When to stop, and what is known beforehand.
pub struct Lbfgs<'a> {
    /// Iterations at most.
    pub max_iter: usize,
    /// Stop where no slope is larger.
    pub gtol: f64,
    /// Stop where an iteration gains no larger part of the value.
    pub ftol: f64,
    /// Where there is none, it is the identity times a number that every step tells anew.
    pub inverse_curvature: Option<&'a InverseCurvature<'a>>,
}

/// A place, and what is there.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The place.
    pub x: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// The slopes there.
    pub gradient: Vec<f64>,
}

/// Where a minimisation ended.
pub struct Minimum {
    /// The place.
    pub x: Vec<f64>,
    /// Iterations it took.
    pub n_iter: usize,
    /// Whether it ended by `gtol` or `ftol`, and not by a limit, by its watch, or for want of a step that gains.
    pub converged: bool,
}

/// Pairs of steps and changes of the gradient that are remembered.
const MEMORY: usize = 10;

/// Evaluations in one line search, at most.
const LINE_EVALUATIONS: usize = 50;

/// Evaluations in all, at most.
const EVALUATIONS: usize = 15_000;

struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

impl Lbfgs<'_> {
    /// Minimises `evaluate(x, gradient) -> value` from `start` on.
    pub fn minimize(
        &self,
        start: Evaluated,
        mut evaluate: impl FnMut(&[f64], &mut [f64]) -> f64,
        watch: &mut Watch,
    ) -> Minimum {
        let Evaluated { mut x, mut value, mut gradient } = start;
        let mut evaluations = 0;
        let mut pairs: Vec<Pair> = Vec::new();
        if !watch(&x, 0) {
            return Minimum { x, n_iter: 0, converged: false };
        }
        if largest(&gradient) <= self.gtol {
            return Minimum { x, n_iter: 0, converged: true };
        }
        let mut n_iter = 0;
        loop {
            if n_iter >= self.max_iter || evaluations > EVALUATIONS {
                return Minimum { x, n_iter, converged: false };
            }
            let step = loop {
                let direction = self.descent_direction(&gradient, &pairs);
                let slope = dot(&gradient, &direction);
                let first = if pairs.is_empty() && n_iter == 0 && self.inverse_curvature.is_none() {
                    (1.0 / dot(&direction, &direction).sqrt()).min(1.0e10)
                } else {
                    1.0
                };
                let mut tried = vec![0.0; x.len()];
                let mut slopes = vec![0.0; x.len()];
                let mut search = LineSearch::new(value, slope, first);
                let mut found = None;
                if slope < 0.0 {
                    for _ in 0..LINE_EVALUATIONS {
                        for ((tried, x), direction) in tried.iter_mut().zip(&x).zip(&direction) {
                            *tried = x + search.step * direction;
                        }
                        let at = evaluate(&tried, &mut slopes);
                        evaluations += 1;
                        if search.done(at, dot(&slopes, &direction)) {
                            found = Some(at);
                            break;
                        }
                    }
                }
                match found {
                    Some(at) => break (at, tried, slopes),
                    // Begin again downhill, with nothing remembered.
                    None if !pairs.is_empty() => pairs.clear(),
                    None => return Minimum { x, n_iter, converged: false },
                }
            };
            let (new_value, new_x, new_gradient) = step;
            let gained = value - new_value;
            let scale = value.abs().max(new_value.abs()).max(1.0);
            remember(&mut pairs, [&x[..], &new_x], [&gradient[..], &new_gradient]);
            (x, gradient, value) = (new_x, new_gradient, new_value);
            n_iter += 1;
            if !watch(&x, n_iter) {
                return Minimum { x, n_iter, converged: false };
            }
            if largest(&gradient) <= self.gtol {
                return Minimum { x, n_iter, converged: true };
            }
            if gained <= self.ftol * scale {
                return self.polished(x, gradient, pairs, n_iter, evaluate, watch);
            }
        }
    }

    /// Where values differ by rounding alone, slopes still tell whether a whole step gains: it must halve the largest.
    fn polished(
        &self,
        mut x: Vec<f64>,
        mut gradient: Vec<f64>,
        mut pairs: Vec<Pair>,
        mut n_iter: usize,
        mut evaluate: impl FnMut(&[f64], &mut [f64]) -> f64,
        watch: &mut Watch,
    ) -> Minimum {
        while largest(&gradient) > self.gtol && n_iter < self.max_iter {
            let direction = self.descent_direction(&gradient, &pairs);
            let tried: Vec<f64> = x.iter().zip(&direction).map(|(x, direction)| x + direction).collect();
            let mut slopes = vec![0.0; x.len()];
            evaluate(&tried, &mut slopes);
            if !(largest(&slopes) <= 0.5 * largest(&gradient)) {
                break;
            }
            remember(&mut pairs, [&x[..], &tried], [&gradient[..], &slopes]);
            (x, gradient) = (tried, slopes);
            n_iter += 1;
            if !watch(&x, n_iter) {
                return Minimum { x, n_iter, converged: false };
            }
        }
        Minimum { x, n_iter, converged: true }
    }

    /// `-H g`, by two loops over what is remembered, the estimate between them.
    fn descent_direction(&self, gradient: &[f64], pairs: &[Pair]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(pairs.len());
        for pair in pairs.iter().rev() {
            let alpha = pair.rho * dot(&pair.s, &direction);
            direction.iter_mut().zip(&pair.y).for_each(|(d, y)| *d -= alpha * y);
            alphas.push(alpha);
        }
        if let Some(inverse) = self.inverse_curvature {
            direction = inverse(&direction);
        }
        if let Some(Pair { y, rho, .. }) = pairs.last() {
            let curved = self.inverse_curvature.map_or_else(|| dot(y, y), |inverse| dot(y, &inverse(y)));
            let scale = 1.0 / (rho * curved);
            direction.iter_mut().for_each(|d| *d *= scale);
        }
        for (pair, alpha) in pairs.iter().zip(alphas.iter().rev()) {
            let beta = pair.rho * dot(&pair.y, &direction);
            direction.iter_mut().zip(&pair.s).for_each(|(d, s)| *d += (alpha - beta) * s);
        }
        direction
    }
}

/// Keeps a step and its change of the gradient, if that has risen along it, and the latest of those before.
fn remember(pairs: &mut Vec<Pair>, [x, new_x]: [&[f64]; 2], [gradient, new_gradient]: [&[f64]; 2]) {
    let change =
        |new: &[f64], old: &[f64]| new.iter().zip(old).map(|(new, old)| new - old).collect::<Vec<_>>();
    let (s, y) = (change(new_x, x), change(new_gradient, gradient));
    let sy = dot(&s, &y);
    if sy > f64::EPSILON * -dot(&s, gradient) {
        if pairs.len() == MEMORY {
            pairs.remove(0);
        }
        pairs.push(Pair { s, y, rho: 1.0 / sy });
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(gradient: &[f64]) -> f64 {
    // NaN is no slope that one could stop at.
    gradient.iter().map(|g| g.abs()).fold(0.0, |top, g| if g > top || g.is_nan() { g } else { top })
}

/// A place on the line, its value and its slope.
#[derive(Clone, Copy)]
struct Place {
    step: f64,
    value: f64,
    slope: f64,
}

/// Looks for a step that gains enough (1e-3 of what the slope promises) and leaves little slope (0.9 of it).
struct LineSearch {
    /// The step to try.
    step: f64,
    start: Place,
    best: Place,
    other: Place,
    bracketed: bool,
    /// Whether no step yet has both gained enough and a slope that is not negative.
    first_stage: bool,
    least: f64,
    most: f64,
    width: f64,
    former_width: f64,
}

const GAIN: f64 = 1e-3;
const SLOPE: f64 = 0.9;
const INTERVAL: f64 = 0.1;
const LONGEST: f64 = 1e10;

impl LineSearch {
    fn new(value: f64, slope: f64, step: f64) -> LineSearch {
        let start = Place { step: 0.0, value, slope };
        LineSearch {
            step,
            start,
            best: start,
            other: start,
            bracketed: false,
            first_stage: true,
            least: 0.0,
            most: step + 4.0 * step,
            width: LONGEST,
            former_width: 2.0 * LONGEST,
        }
    }

    /// Takes in what is at [`LineSearch::step`]: done, or the next step to try.
    fn done(&mut self, value: f64, slope: f64) -> bool {
        let needed = GAIN * self.start.slope;
        let bound = self.start.value + self.step * needed;
        if self.first_stage && value <= bound && slope >= 0.0 {
            self.first_stage = false;
        }
        let narrow = self.bracketed && self.most - self.least <= INTERVAL * self.most;
        let rounding = self.bracketed && (self.step <= self.least || self.step >= self.most);
        let at_end = self.step == LONGEST && value <= bound && slope <= needed;
        let at_start = self.step == 0.0 && (value > bound || slope >= needed);
        if narrow || rounding || at_end || at_start {
            return true;
        }
        if value <= bound && slope.abs() <= SLOPE * -self.start.slope {
            return true;
        }
        let tried = Place { step: self.step, value, slope };
        if self.first_stage && value <= self.best.value && value > bound {
            // The same on the function less what is needed, whose minimum gains enough.
            let less = |place: Place| Place {
                value: place.value - place.step * needed,
                slope: place.slope - needed,
                ..place
            };
            let more = |place: Place| Place {
                value: place.value + place.step * needed,
                slope: place.slope + needed,
                ..place
            };
            (self.best, self.other) = (less(self.best), less(self.other));
            self.interpolate(less(tried));
            (self.best, self.other) = (more(self.best), more(self.other));
        } else {
            self.interpolate(tried);
        }
        let gap = (self.other.step - self.best.step).abs();
        if self.bracketed {
            if gap >= 0.66 * self.former_width {
                self.step = self.best.step + 0.5 * (self.other.step - self.best.step);
            }
            (self.former_width, self.width) = (self.width, gap);
            self.least = self.best.step.min(self.other.step);
            self.most = self.best.step.max(self.other.step);
        } else {
            self.least = self.step + 1.1 * (self.step - self.best.step);
            self.most = self.step + 4.0 * (self.step - self.best.step);
        }
        self.step = self.step.clamp(0.0, LONGEST);
        let stuck = self.step <= self.least
            || self.step >= self.most
            || self.most - self.least <= INTERVAL * self.most;
        if self.bracketed && stuck {
            self.step = self.best.step;
        }
        false
    }

    /// The next step by cubic and quadratic interpolation, and the places that enclose it (`dcstep`).
    fn interpolate(&mut self, tried: Place) {
        let (best, other) = (self.best, self.other);
        let opposite = tried.slope * (best.slope / best.slope.abs()) < 0.0;
        let cubic = |a: Place, b: Place, clamp: bool| {
            let theta = 3.0 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope;
            let s = theta.abs().max(a.slope.abs()).max(b.slope.abs());
            let inner = (theta / s).powi(2) - (a.slope / s) * (b.slope / s);
            (theta, s * if clamp { inner.max(0.0) } else { inner }.sqrt())
        };
        let secant = tried.slope / (tried.slope - best.slope);
        let next = if tried.value > best.value {
            let (theta, mut gamma) = cubic(best, tried, false);
            if tried.step < best.step {
                gamma = -gamma;
            }
            let r = ((gamma - best.slope) + theta) / (((gamma - best.slope) + gamma) + tried.slope);
            let length = tried.step - best.step;
            let by_cubic = best.step + r * length;
            let drop = (best.value - tried.value) / length + best.slope;
            let by_quadratic = best.step + best.slope / drop / 2.0 * length;
            self.bracketed = true;
            if (by_cubic - best.step).abs() < (by_quadratic - best.step).abs() {
                by_cubic
            } else {
                by_cubic + (by_quadratic - by_cubic) / 2.0
            }
        } else if opposite {
            let (theta, mut gamma) = cubic(best, tried, false);
            if tried.step > best.step {
                gamma = -gamma;
            }
            let r = ((gamma - tried.slope) + theta) / (((gamma - tried.slope) + gamma) + best.slope);
            let by_cubic = tried.step + r * (best.step - tried.step);
            let by_secant = tried.step + secant * (best.step - tried.step);
            self.bracketed = true;
            if (by_cubic - tried.step).abs() > (by_secant - tried.step).abs() { by_cubic } else { by_secant }
        } else if tried.slope.abs() < best.slope.abs() {
            let (theta, mut gamma) = cubic(best, tried, true);
            if tried.step > best.step {
                gamma = -gamma;
            }
            let r = ((gamma - tried.slope) + theta) / ((gamma + (best.slope - tried.slope)) + gamma);
            let by_cubic = if r < 0.0 && gamma != 0.0 {
                tried.step + r * (best.step - tried.step)
            } else if tried.step > best.step {
                self.most
            } else {
                self.least
            };
            let by_secant = tried.step + secant * (best.step - tried.step);
            let cubic_is_nearer = (by_cubic - tried.step).abs() < (by_secant - tried.step).abs();
            if self.bracketed {
                let next = if cubic_is_nearer { by_cubic } else { by_secant };
                let limit = tried.step + 0.66 * (other.step - tried.step);
                if tried.step > best.step { next.min(limit) } else { next.max(limit) }
            } else {
                let next = if cubic_is_nearer { by_secant } else { by_cubic };
                next.max(self.least).min(self.most)
            }
        } else if self.bracketed {
            let (theta, mut gamma) = cubic(tried, other, false);
            if tried.step > other.step {
                gamma = -gamma;
            }
            let r = ((gamma - tried.slope) + theta) / (((gamma - tried.slope) + gamma) + other.slope);
            tried.step + r * (other.step - tried.step)
        } else if tried.step > best.step {
            self.most
        } else {
            self.least
        };
        if tried.value > best.value {
            self.other = tried;
        } else {
            if opposite {
                self.other = best;
            }
            self.best = tried;
        }
        self.step = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `x` on, with an estimate of the curvature or without; how many evaluations it took besides.
    fn minimized(
        solver: &Lbfgs,
        x: Vec<f64>,
        mut evaluate: impl FnMut(&[f64], &mut [f64]) -> f64,
    ) -> (Minimum, usize) {
        let mut gradient = vec![0.0; x.len()];
        let value = evaluate(&x, &mut gradient);
        let mut evaluations = 1;
        let counted = |x: &[f64], gradient: &mut [f64]| {
            evaluations += 1;
            evaluate(x, gradient)
        };
        let minimum = solver.minimize(Evaluated { x, value, gradient }, counted, &mut |_, _| true);
        (minimum, evaluations)
    }

    #[test]
    fn rosenbrocks_valley_is_walked_to_its_end() {
        let valley = |x: &[f64], g: &mut [f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            g.copy_from_slice(&[-2.0 * a - 400.0 * x[0] * b, 200.0 * b]);
            a * a + 100.0 * b * b
        };
        let solver = Lbfgs { max_iter: 200, gtol: 1e-8, ftol: 0.0, inverse_curvature: None };
        let (minimum, evaluations) = minimized(&solver, vec![-1.2, 1.0], valley);
        assert!(minimum.converged && (minimum.x[0] - 1.0).abs() < 1e-7 && (minimum.x[1] - 1.0).abs() < 1e-7);
        // SciPy 1.17 takes 38 iterations and 49 evaluations for it.
        assert!((30..=45).contains(&minimum.n_iter) && evaluations < 60, "{} {evaluations}", minimum.n_iter);
    }

    #[test]
    fn a_watch_sees_every_iteration_and_may_end_it() {
        let bowl = |x: &[f64], g: &mut [f64]| {
            g.iter_mut().zip(x).zip([1.0, 30.0]).for_each(|((g, x), c)| *g = c * (x - 1.0));
            x.iter().zip([1.0, 30.0]).map(|(x, c)| 0.5 * c * (x - 1.0) * (x - 1.0)).sum()
        };
        let start = || Evaluated { x: vec![0.0, 3.0], value: 60.5, gradient: vec![-1.0, 60.0] };
        let of = |max_iter| Lbfgs { max_iter, gtol: 1e-8, ftol: 0.0, inverse_curvature: None };
        let mut seen = Vec::new();
        let whole = of(50).minimize(start(), bowl, &mut |x, n_iter| {
            seen.push((x.to_vec(), n_iter));
            true
        });
        assert!(whole.converged && whole.n_iter > 2 && seen.len() == whole.n_iter + 1);
        for (i, (x, n_iter)) in seen.iter().enumerate() {
            let limited = of(i).minimize(start(), bowl, &mut |_, _| true);
            assert!(*n_iter == i && *x == limited.x);
        }
        for last in 0..=2 {
            let ended = of(50).minimize(start(), bowl, &mut |_, n_iter| n_iter < last);
            assert!(!ended.converged && ended.n_iter == last && ended.x == seen[last].0);
        }
    }

    #[test]
    fn a_bowl_of_known_curvature_takes_one_step() {
        let curvature = [1e-4, 1.0, 3e5];
        let bowl = |x: &[f64], g: &mut [f64]| {
            let mut value = 0.0;
            for ((x, g), c) in x.iter().zip(g).zip(curvature) {
                *g = c * (x - 1.0);
                value += 0.5 * c * (x - 1.0).powi(2);
            }
            value
        };
        let inverse = |g: &[f64]| g.iter().zip(curvature).map(|(g, c)| g / c).collect::<Vec<_>>();
        let solver = Lbfgs { max_iter: 50, gtol: 1e-9, ftol: 0.0, inverse_curvature: Some(&inverse) };
        let (minimum, evaluations) = minimized(&solver, vec![0.0, -3.0, 8.0], bowl);
        assert!(minimum.converged && minimum.n_iter == 1 && evaluations == 2);
        // One that is wrong, and of another scale, only costs steps.
        let inverse = |g: &[f64]| {
            g.iter().zip(curvature).enumerate().map(|(i, (g, c))| g / c * [40.0, 70.0, 20.0][i]).collect()
        };
        let (minimum, _) =
            minimized(&Lbfgs { inverse_curvature: Some(&inverse), ..solver }, vec![0.0, -3.0, 8.0], bowl);
        assert!(minimum.converged && (2..20).contains(&minimum.n_iter));
    }

    #[test]
    fn a_function_without_a_minimum_ends() {
        let solver = Lbfgs { max_iter: 50, gtol: 1e-8, ftol: 0.0, inverse_curvature: None };
        let (minimum, _) = minimized(&solver, vec![0.0], |x, g| {
            g[0] = -1.0;
            -x[0]
        });
        assert!(minimum.x[0] > 1.0);
        let (nothing, _) = minimized(&solver, vec![1.0], |_, g| {
            g[0] = f64::NAN;
            f64::NAN
        });
        assert!(!nothing.converged);
    }
}
