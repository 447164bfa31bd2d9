//! The largest eigenvalues of a symmetric tridiagonal matrix by bisection, and their vectors by inverse iteration: LAPACK's
//! `dstebz` and `dstein`.

use barehand_kernels::random::RandomState;

/// Eigenvalues that are bisected side by side: their divisions overlap.
const LANES: usize = 8;

/// Solutions of `(T - value) z = z` in a row; the second is as good as rounding lets it be but for unlucky starts.
const ITERATIONS: usize = 3;

/// Vectors of eigenvalues that are closer than this share of the norm are made orthogonal, as others are by themselves.
const CLUSTER: f64 = 1e-3;

/// A symmetric tridiagonal matrix `T`.
pub(super) struct Tridiagonal {
    diagonal: Vec<f64>,
    /// What lies beside the diagonal, and a zero.
    beside: Vec<f64>,
    /// The largest sum of sizes of a row.
    norm: f64,
}

impl Tridiagonal {
    /// From `n` numbers of the diagonal and `n - 1` beside it.
    pub fn new(diagonal: Vec<f64>, mut beside: Vec<f64>) -> Self {
        beside.push(0.0);
        let before = std::iter::once(&0.0).chain(&beside);
        let rows = diagonal.iter().zip(before).zip(&beside);
        let norm = rows.map(|((d, before), after)| d.abs() + before.abs() + after.abs()).fold(0.0, f64::max);
        Tridiagonal { diagonal, beside, norm }
    }

    /// The `k` largest eigenvalues, descending, and their vectors of length 1, rows of `(k, n)`; None where the vectors are no
    /// good to working accuracy, which is not known to happen to matrices that are not zero.
    pub fn largest(&self, k: usize) -> Option<(Vec<f64>, Vec<f64>)> {
        if !(self.norm.is_normal() && self.norm < f64::MAX.sqrt()) {
            return None;
        }
        let values = self.largest_values(k);
        let vectors = self.vectors(&values)?;
        Some((values, vectors))
    }

    fn largest_values(&self, k: usize) -> Vec<f64> {
        let n = self.diagonal.len();
        let mut values = vec![0.0; k];
        for (group, values) in values.chunks_mut(LANES).enumerate() {
            // The eigenvalue of each lane is the one with so many below it.
            let below: [usize; LANES] = std::array::from_fn(|lane| n - 1 - (group * LANES + lane).min(n - 1));
            // Every eigenvalue lies within the norm (Gershgorin), which rounding may miss by a little.
            let (mut low, mut high) = ([-1.01 * self.norm; LANES], [1.01 * self.norm; LANES]);
            loop {
                let middle: [f64; LANES] = std::array::from_fn(|lane| 0.5 * (low[lane] + high[lane]));
                let is_done = |lane: usize| {
                    let size = low[lane].abs().max(high[lane].abs()).max(f64::MIN_POSITIVE * self.norm);
                    high[lane] - low[lane] <= 2.0 * f64::EPSILON * size
                        || middle[lane] <= low[lane]
                        || middle[lane] >= high[lane]
                        || high[lane] - low[lane] <= f64::EPSILON * f64::EPSILON * self.norm
                };
                if (0..values.len()).all(is_done) {
                    for (value, middle) in values.iter_mut().zip(middle) {
                        *value = middle;
                    }
                    break;
                }
                let count = self.count_below(&middle);
                for lane in 0..LANES {
                    let end = if count[lane] <= below[lane] { &mut low[lane] } else { &mut high[lane] };
                    *end = middle[lane];
                }
            }
        }
        values
    }

    /// How many eigenvalues are smaller than each of `x`: by Sylvester, as many as `T - x = L D L^T` has negative numbers in
    /// `D`.
    fn count_below(&self, x: &[f64; LANES]) -> [usize; LANES] {
        let least = f64::EPSILON * f64::EPSILON * self.norm;
        let (mut pivot, mut count) = ([1.0; LANES], [0.0; LANES]);
        let mut before = 0.0;
        for (d, beside) in self.diagonal.iter().zip(&self.beside) {
            let square = before * before;
            for lane in 0..LANES {
                let next = d - x[lane] - square / pivot[lane];
                // A pivot of nothing counts as a negative one.
                let next = if next.abs() < least { -least } else { next };
                count[lane] += if next < 0.0 { 1.0 } else { 0.0 };
                pivot[lane] = next;
            }
            before = *beside;
        }
        count.map(|count| count as usize)
    }

    fn vectors(&self, values: &[f64]) -> Option<Vec<f64>> {
        let n = self.diagonal.len();
        let mut random = RandomState::new(0);
        let mut vectors = Vec::with_capacity(values.len() * n);
        let (mut shift, mut first) = (f64::INFINITY, 0);
        for (j, &value) in values.iter().enumerate() {
            if j > 0 && values[j - 1] - value > CLUSTER * self.norm {
                first = j;
            }
            // Equal shifts would give equal vectors.
            shift = value.min(shift - 10.0 * f64::EPSILON * self.norm);
            let factors = Factors::new(self, if j == first { value } else { shift });
            let mut z: Vec<f64> = (0..n).map(|_| random.uniform(-1.0, 1.0)).collect();
            for _ in 0..ITERATIONS {
                normalize(&mut z)?;
                factors.solve(&mut z);
                normalize(&mut z)?;
                for other in vectors[first * n..].chunks_exact(n) {
                    let along = dot(&z, other);
                    z.iter_mut().zip(other).for_each(|(z, other)| *z -= along * other);
                }
            }
            normalize(&mut z)?;
            if self.residual(value, &z) > (n as f64).max(64.0) * f64::EPSILON * self.norm {
                return None;
            }
            shift = if j == first { value } else { shift };
            vectors.extend(z);
        }
        Some(vectors)
    }

    /// The largest element of `T z - value z`.
    fn residual(&self, value: f64, z: &[f64]) -> f64 {
        let n = z.len();
        let element = |i: usize| {
            let before = if i > 0 { self.beside[i - 1] * z[i - 1] } else { 0.0 };
            let after = if i + 1 < n { self.beside[i] * z[i + 1] } else { 0.0 };
            (before + (self.diagonal[i] - value) * z[i] + after).abs()
        };
        (0..n).map(element).fold(0.0, f64::max)
    }
}

/// `T - shift = P L U` by elimination that exchanges neighbouring rows.
struct Factors {
    /// Of `U`: one over the diagonal, and the two numbers behind it.
    upper: Vec<[f64; 3]>,
    /// What each row gives to the next, and whether the two change places first.
    lower: Vec<(f64, bool)>,
}

impl Factors {
    fn new(matrix: &Tridiagonal, shift: f64) -> Self {
        let Tridiagonal { diagonal, beside, norm } = matrix;
        let n = diagonal.len();
        let reciprocal = |pivot: f64| 1.0 / pivot.abs().max(f64::EPSILON * norm).copysign(pivot);
        let (mut upper, mut lower) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let (mut pivot, mut behind) = (diagonal[0] - shift, beside[0]);
        for i in 1..n {
            let (below, middle, after) = (beside[i - 1], diagonal[i] - shift, beside[i]);
            let exchanges = below.abs() > pivot.abs();
            if exchanges {
                let factor = pivot / below;
                upper.push([reciprocal(below), middle, after]);
                lower.push((factor, true));
                (pivot, behind) = (behind - factor * middle, -factor * after);
            } else {
                let factor = if pivot == 0.0 { 0.0 } else { below / pivot };
                upper.push([reciprocal(pivot), behind, 0.0]);
                lower.push((factor, false));
                (pivot, behind) = (middle - factor * behind, after);
            }
        }
        upper.push([reciprocal(pivot), 0.0, 0.0]);
        Factors { upper, lower }
    }

    /// The solution in place of `z`.
    fn solve(&self, z: &mut [f64]) {
        for (i, &(factor, exchanges)) in self.lower.iter().enumerate() {
            if exchanges {
                z.swap(i, i + 1);
            }
            z[i + 1] -= factor * z[i];
        }
        let (mut next, mut second) = (0.0, 0.0);
        for (z, [reciprocal, behind, far]) in z.iter_mut().zip(&self.upper).rev() {
            *z = (*z - behind * next - far * second) * reciprocal;
            (next, second) = (*z, next);
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Makes the length 1, unless it is nothing, or no number.
fn normalize(z: &mut [f64]) -> Option<()> {
    let largest = z.iter().fold(0.0, |largest: f64, z| largest.max(z.abs()));
    if !(largest.is_normal() && z.iter().all(|z| z.is_finite())) {
        return None;
    }
    z.iter_mut().for_each(|z| *z /= largest);
    let length = dot(z, z).sqrt();
    z.iter_mut().for_each(|z| *z /= length);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Second differences: `2 - 2 cos(pi j / (n + 1))`, vectors that are sines.
    #[test]
    fn second_differences() {
        let n = 60;
        let (values, vectors) = Tridiagonal::new(vec![2.0; n], vec![-1.0; n - 1]).largest(7).unwrap();
        for (j, (value, vector)) in values.iter().zip(vectors.chunks_exact(n)).enumerate() {
            let angle = std::f64::consts::PI * (n - j) as f64 / (n + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-14);
            let sine: Vec<f64> =
                (1..=n).map(|i| (angle * i as f64).sin() * (2.0 / (n + 1) as f64).sqrt()).collect();
            assert!((dot(&sine, vector).abs() - 1.0).abs() < 1e-12, "{j}");
        }
    }

    #[test]
    fn clusters_and_separate_blocks_get_orthogonal_vectors() {
        // Wilkinson's matrix has pairs of eigenvalues that agree to all digits; the second has equal blocks, and the third is
        // diagonal with equal numbers.
        let wilkinson: Vec<f64> = (0..41).map(|i: i32| f64::from((i - 20).abs())).collect();
        let blocks = (0..39).map(|i| if i % 4 == 3 { 0.0 } else { 1.0 }).collect();
        let matrices = [
            Tridiagonal::new(wilkinson, vec![1.0; 40]),
            Tridiagonal::new(vec![1.0; 40], blocks),
            Tridiagonal::new(vec![3.0; 10], vec![0.0; 9]),
            Tridiagonal::new(vec![1e200, 2e-200, 0.0, -5.0], vec![1e-200, 1e-300, 2.0]),
        ];
        for matrix in matrices.iter().take(3) {
            let n = matrix.diagonal.len();
            let (values, vectors) = matrix.largest(n / 2).unwrap();
            assert!(values.is_sorted_by(|a, b| a >= b), "{values:?}");
            for (i, a) in vectors.chunks_exact(n).enumerate() {
                for (j, b) in vectors.chunks_exact(n).enumerate() {
                    assert!((dot(a, b) - f64::from(i == j)).abs() < 1e-12, "{i} {j}: {}", dot(a, b));
                }
                assert!(matrix.residual(values[i], a) < 1e-13 * matrix.norm);
            }
        }
        assert!(matrices[3].largest(1).is_none(), "left to others: squares overflow");
        assert!(Tridiagonal::new(vec![0.0; 3], vec![0.0; 2]).largest(1).is_none());
        assert!(Tridiagonal::new(vec![f64::NAN; 3], vec![0.0; 2]).largest(1).is_none());
    }

    #[test]
    fn a_single_number() {
        assert_eq!(Tridiagonal::new(vec![-2.5], vec![]).largest(1), Some((vec![-2.5], vec![1.0])));
    }
}
