//! Least squares by products with the samples alone: conjugate gradients and LSQR, for sparse samples of many columns.

use barehand_tensor::Float;

use super::moments::Moments;
use super::samples::Samples;

/// `A = diag(sqrt(weights)) (X - 1 mean^T)`, never formed.
pub struct Centered<'a, T: Float> {
    samples: &'a Samples<'a, T>,
    means: &'a [f64],
    roots: Option<Vec<f64>>,
}

impl<'a, T: Float> Centered<'a, T> {
    /// Of samples whose means `moments` knows.
    pub fn new(samples: &'a Samples<'a, T>, moments: &'a Moments, weights: Option<&[f64]>) -> Self {
        let roots = weights.map(|weights| weights.iter().map(|weight| weight.sqrt()).collect());
        Centered { samples, means: &moments.x_mean, roots }
    }

    /// `A v`
    fn times(&self, v: &[f64]) -> Vec<f64> {
        let shift: f64 = v.iter().zip(self.means).map(|(v, mean)| v * mean).sum();
        let w: Vec<T> = v.iter().map(|&v| T::from_f64(v)).collect();
        let mut out: Vec<f64> =
            self.samples.scores(&w, &[T::from_f64(-shift)]).iter().map(|z| z.to_f64()).collect();
        if let Some(roots) = &self.roots {
            out.iter_mut().zip(roots).for_each(|(out, root)| *out *= root);
        }
        out
    }

    /// `A^T u`
    fn transposed_times(&self, u: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = match &self.roots {
            None => u.to_vec(),
            Some(roots) => u.iter().zip(roots).map(|(u, root)| u * root).collect(),
        };
        let sum: f64 = scaled.iter().sum();
        let r: Vec<T> = scaled.iter().map(|&value| T::from_f64(value)).collect();
        let mut out = self.samples.transposed(&r, 1);
        out.iter_mut().zip(self.means).for_each(|(out, mean)| *out -= mean * sum);
        out
    }

    /// Column `output` of the targets, centred and weighted as the rows are.
    pub fn target(&self, y: &[T], moments: &Moments, output: usize) -> Vec<f64> {
        let column = y.iter().skip(output).step_by(moments.outputs);
        let mut out: Vec<f64> = column.map(|y| y.to_f64() - moments.y_mean[output]).collect();
        if let Some(roots) = &self.roots {
            out.iter_mut().zip(roots).for_each(|(out, root)| *out *= root);
        }
        out
    }

    /// The solution of `(A^T A + alpha I) w = A^T y` by conjugate gradients, until the residual is `tol` times the right
    /// side (Hestenes and Stiefel 1952; SciPy: `cg`), and whether it came to be. With fewer rows than columns in its dual form,
    /// `w = A^T v`.
    pub fn conjugate_gradients(
        &self,
        y: &[f64],
        alpha: f64,
        tol: f64,
        max_iter: Option<usize>,
    ) -> (Vec<f64>, bool) {
        let (n, d) = self.samples.shape();
        if d > n {
            let product = |v: &[f64]| plus(self.times(&self.transposed_times(v)), alpha, v);
            let (v, converged) = solve(product, y.to_vec(), tol, max_iter.unwrap_or(10 * n));
            return (self.transposed_times(&v), converged);
        }
        let product = |v: &[f64]| plus(self.transposed_times(&self.times(v)), alpha, v);
        solve(product, self.transposed_times(y), tol, max_iter.unwrap_or(10 * d))
    }

    /// The `w` that minimises `|y - A w|^2 + damp^2 |w|^2`, the smallest of several, and the number of iterations (Paige
    /// and Saunders 1982; SciPy: `lsqr` with `atol = btol = tol`).
    pub fn lsqr(&self, y: &[f64], damp: f64, tol: f64, max_iter: Option<usize>) -> (Vec<f64>, usize) {
        let (_, d) = self.samples.shape();
        let max_iter = max_iter.unwrap_or(2 * d);
        let mut w = vec![0.0; d];
        let mut u = y.to_vec();
        let y_norm = normalize(&mut u);
        let mut v = self.transposed_times(&u);
        let mut alpha = normalize(&mut v);
        if alpha * y_norm == 0.0 {
            return (w, 0);
        }
        let mut direction = v.clone();
        let (mut rho_bar, mut phi_bar) = (alpha, y_norm);
        let (mut a_norm, mut damped, mut d_norm) = (0.0f64, 0.0f64, 0.0f64);
        let (mut cs2, mut sn2, mut z, mut w_squares) = (-1.0f64, 0.0f64, 0.0f64, 0.0f64);
        for iteration in 1..=max_iter {
            let mut next = self.times(&v);
            next.iter_mut().zip(&u).for_each(|(next, u)| *next -= alpha * u);
            u = next;
            let beta = normalize(&mut u);
            a_norm = (a_norm.powi(2) + alpha.powi(2) + beta.powi(2) + damp.powi(2)).sqrt();
            if beta > 0.0 {
                let mut next = self.transposed_times(&u);
                next.iter_mut().zip(&v).for_each(|(next, v)| *next -= beta * v);
                v = next;
                alpha = normalize(&mut v);
            }
            // One rotation takes out the damping, one the subdiagonal.
            let rho_damped = rho_bar.hypot(damp);
            let psi = damp / rho_damped * phi_bar;
            phi_bar *= rho_bar / rho_damped;
            let rho = rho_damped.hypot(beta);
            let (cs, sn) = (rho_damped / rho, beta / rho);
            let theta = sn * alpha;
            rho_bar = -cs * alpha;
            let phi = cs * phi_bar;
            phi_bar *= sn;
            for ((w, direction), v) in w.iter_mut().zip(&mut direction).zip(&v) {
                *w += phi / rho * *direction;
                d_norm += (*direction / rho).powi(2);
                *direction = v - theta / rho * *direction;
            }
            // Estimates of norms, for the tests.
            let delta = sn2 * rho;
            let gamma_bar = -cs2 * rho;
            let rhs = phi - delta * z;
            let w_norm = (w_squares + (rhs / gamma_bar).powi(2)).sqrt();
            let gamma = gamma_bar.hypot(theta);
            (cs2, sn2) = (gamma_bar / gamma, theta / gamma);
            z = rhs / gamma;
            w_squares += z * z;
            damped += psi * psi;
            let r_norm = (phi_bar * phi_bar + damped).sqrt();
            let optimal = alpha * (sn * phi).abs() / (a_norm * r_norm + f64::EPSILON);
            let singular = 1.0 / (a_norm * d_norm.sqrt() + f64::EPSILON);
            let solved = r_norm / y_norm;
            let allowed = tol + tol * a_norm * w_norm / y_norm;
            let rounding = solved / (1.0 + a_norm * w_norm / y_norm);
            let negligible = |value: f64| 1.0 + value <= 1.0;
            if optimal <= tol
                || solved <= allowed
                || singular <= 1e-8
                || negligible(optimal)
                || negligible(rounding)
            {
                return (w, iteration);
            }
        }
        (w, max_iter)
    }
}

fn plus(mut a: Vec<f64>, factor: f64, b: &[f64]) -> Vec<f64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
    a
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn normalize(a: &mut [f64]) -> f64 {
    let norm = dot(a, a).sqrt();
    if norm > 0.0 {
        a.iter_mut().for_each(|a| *a /= norm);
    }
    norm
}

fn solve(product: impl Fn(&[f64]) -> Vec<f64>, b: Vec<f64>, tol: f64, max_iter: usize) -> (Vec<f64>, bool) {
    let mut x = vec![0.0; b.len()];
    let enough = tol * dot(&b, &b).sqrt();
    let mut r = b;
    let mut p = r.clone();
    let mut square = dot(&r, &r);
    let at_once = square == 0.0;
    for _ in 0..max_iter {
        if square.sqrt() < enough || square == 0.0 {
            break;
        }
        let ap = product(&p);
        let step = square / dot(&p, &ap);
        if !step.is_finite() {
            break;
        }
        x.iter_mut().zip(&p).for_each(|(x, p)| *x += step * p);
        r.iter_mut().zip(&ap).for_each(|(r, ap)| *r -= step * ap);
        let next = dot(&r, &r);
        p.iter_mut().zip(&r).for_each(|(p, r)| *p = r + next / square * *p);
        square = next;
    }
    (x, square.sqrt() < enough || enough == 0.0 && at_once)
}
