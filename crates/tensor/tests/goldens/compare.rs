//! Closeness, counted in units of the last place.

use barehand_tensor::{DType, Float, Tensor};

/// How far a result may be from PyTorch's.
pub struct Bound {
    /// In units of the last place of the expected value.
    pub ulps: f64,
    /// Values below this count as this large.
    pub floor: f64,
    /// Values below this share of the tensor's largest count as that share: sums cancel.
    pub share: f64,
    /// Operations with an `ulps` and a `floor` of their own; beside each stands why.
    pub except: &'static [(&'static str, f64, f64)],
    /// Elements, by place and index, where PyTorch is not followed; beside each stands why.
    pub apart: &'static [(&'static str, usize)],
}

/// Differences found so far; all are told at the end, so that one run shows every disagreement.
pub struct Tally {
    family: String,
    bound: Bound,
    dtype: DType,
    worst: Vec<(String, f64)>,
    failures: Vec<String>,
}

impl Tally {
    pub fn new(family: &str, dtype: DType, bound: Bound) -> Self {
        Tally { family: family.to_string(), bound, dtype, worst: Vec::new(), failures: Vec::new() }
    }

    /// NaN equals NaN, infinities must be the same, and everything else be within the bound.
    pub fn compare<T: Float>(&mut self, place: &str, op: &str, got: &Tensor<T>, golden: &Tensor<T>) {
        if got.shape() != golden.shape() {
            self.failures.push(format!("{place}: shape {:?}, not {:?}", got.shape(), golden.shape()));
            return;
        }
        let epsilon = if T::DTYPE == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
        let own = self.bound.except.iter().find(|(name, ..)| *name == op);
        let (limit, floor) =
            own.map_or((self.bound.ulps, self.bound.floor), |&(_, ulps, floor)| (ulps, floor));
        let golden = golden.to_vec();
        let largest = golden.iter().map(|x| x.as_f64().abs()).filter(|x| x.is_finite()).fold(0.0, f64::max);
        let floor = floor.max(self.bound.share * largest);
        for (i, (got, golden)) in got.to_vec().into_iter().zip(golden).enumerate() {
            let (x, y) = (got.as_f64(), golden.as_f64());
            let same = x == y || x.is_nan() && y.is_nan();
            if self.bound.apart.contains(&(place, i)) {
                if same {
                    self.failures.push(format!("{place}[{i}] follows PyTorch: strike it from the list"));
                }
                continue;
            }
            if same {
                continue;
            }
            let ulps = (x - y).abs() / (epsilon * y.abs().max(floor));
            let finite = ulps.is_finite();
            if finite {
                match self.worst.iter_mut().find(|(name, _)| name == op) {
                    Some((_, worst)) => *worst = worst.max(ulps),
                    None => self.worst.push((op.to_string(), ulps)),
                }
            }
            if !finite || ulps > limit {
                self.failures
                    .push(format!("{place}[{i}]: {x:e}, PyTorch {y:e}: {ulps:.1} ulps, {limit} allowed"));
            }
        }
    }

    /// Fails where anything failed.
    pub fn finish(mut self) {
        self.worst.sort_by(|a, b| b.1.total_cmp(&a.1));
        let worst: Vec<String> = self.worst.iter().map(|(op, ulps)| format!("{op} {ulps:.1}")).collect();
        println!("{} {}, in ulps: {}", self.family, self.dtype, worst.join(", "));
        assert!(
            self.failures.is_empty(),
            "{} differences:\n{}",
            self.failures.len(),
            self.failures.join("\n")
        );
    }
}
