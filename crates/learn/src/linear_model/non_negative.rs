//! Least squares whose coefficients may not be negative: the active set method of Lawson and Hanson.

use barehand_tensor::{Error, Result};

use super::least_squares::ScaledCholesky;

/// The `w >= 0` that minimises `w^T (G + alpha I) w / 2 - b^T w`.
///
/// Coefficients are let in one by one, the one that gains most first; where the solution over those that are in has a
/// negative one, it is gone towards until the first reaches 0, which leaves. Lawson and Hanson, Solving Least Squares
/// Problems, chapter 23; SciPy: `nnls`.
///
/// # Errors
/// No end after three changes for each coefficient.
pub fn non_negative(gram: &[f64], b: &[f64], alpha: f64) -> Result<Vec<f64>> {
    let d = b.len();
    let mut w = vec![0.0; d];
    let mut inside: Vec<usize> = Vec::new();
    let largest = b.iter().fold(0.0, |top: f64, b| top.max(b.abs()));
    let tolerance = 10.0 * d as f64 * f64::EPSILON * largest;
    for _ in 0..3 * d + 10 {
        let slope = |j: usize| {
            let row = &gram[j * d..(j + 1) * d];
            b[j] - alpha * w[j] - inside.iter().map(|&i| row[i] * w[i]).sum::<f64>()
        };
        let outside = (0..d).filter(|j| !inside.contains(j) && gram[j * d + j] > 0.0);
        let best = outside.map(|j| (j, slope(j))).max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((entering, _)) = best.filter(|(_, gain)| *gain > tolerance) else {
            return Ok(w);
        };
        inside.push(entering);
        loop {
            let Some(solution) = solve(gram, b, d, alpha, &inside) else {
                // The newcomer depends on those that are in: there is nothing to gain by it.
                return Ok(w);
            };
            if solution.iter().all(|&value| value > 0.0) {
                w.fill(0.0);
                inside.iter().zip(&solution).for_each(|(&j, &value)| w[j] = value);
                break;
            }
            let part = inside
                .iter()
                .zip(&solution)
                .filter(|(_, value)| **value <= 0.0)
                .map(|(&j, value)| w[j] / (w[j] - value))
                .fold(1.0, f64::min);
            for (&j, value) in inside.iter().zip(&solution) {
                w[j] += part * (value - w[j]);
            }
            let before = inside.len();
            let top = w.iter().fold(0.0, |top: f64, w| top.max(*w));
            inside.retain(|&j| w[j] > f64::EPSILON * top);
            if inside.len() == before {
                // Rounding keeps the one that stopped the way a hair above 0.
                let least = inside.iter().copied().min_by(|&a, &b| w[a].total_cmp(&w[b]));
                inside.retain(|&j| Some(j) != least);
            }
            (0..d).filter(|j| !inside.contains(j)).for_each(|j| w[j] = 0.0);
            if inside.is_empty() {
                break;
            }
        }
    }
    Err(Error::value("non_negative", format!("{d} coefficients did not settle")))
}

fn solve(gram: &[f64], b: &[f64], d: usize, alpha: f64, inside: &[usize]) -> Option<Vec<f64>> {
    let k = inside.len();
    let part: Vec<f64> = inside.iter().flat_map(|&i| inside.iter().map(move |&j| gram[i * d + j])).collect();
    let mut solution: Vec<f64> = inside.iter().map(|&j| b[j]).collect();
    ScaledCholesky::new(&part, k, alpha)?.solve(&mut solution, 1);
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subset_is_worse() {
        let d = 5;
        for seed in 0..40 {
            let value = |i: usize| (((i + 31 * seed) * 7919) % 1013) as f64 / 507.0 - 1.0;
            let x: Vec<f64> = (0..8 * d).map(value).collect();
            let y: Vec<f64> = (0..8).map(|i| value(i + 500)).collect();
            let product = |a: usize, b: usize| (0..8).map(|r| x[r * d + a] * x[r * d + b]).sum::<f64>();
            let gram: Vec<f64> = (0..d * d).map(|i| product(i / d, i % d)).collect();
            let b: Vec<f64> = (0..d).map(|j| (0..8).map(|r| x[r * d + j] * y[r]).sum()).collect();
            let value = |w: &[f64]| {
                let quadratic: f64 = (0..d * d).map(|i| w[i / d] * gram[i] * w[i % d]).sum();
                quadratic / 2.0 - w.iter().zip(&b).map(|(w, b)| w * b).sum::<f64>()
            };
            let best = (0..1u32 << d)
                .filter_map(|subset| {
                    let inside: Vec<usize> = (0..d).filter(|j| subset >> j & 1 == 1).collect();
                    let solution = solve(&gram, &b, d, 0.0, &inside)?;
                    let mut w = vec![0.0; d];
                    inside.iter().zip(solution).for_each(|(&j, value)| w[j] = value);
                    w.iter().all(|&w| w >= 0.0).then(|| value(&w))
                })
                .fold(0.0, f64::min);
            let found = non_negative(&gram, &b, 0.0).unwrap();
            assert!(found.iter().all(|&w| w >= 0.0));
            assert!((value(&found) - best).abs() < 1e-10, "{} {best}", value(&found));
        }
    }
}
