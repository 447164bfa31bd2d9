//! What parameters are drawn from.

use std::fmt::Debug;

use barehand_tensor::random::legacy::RandomState;
use barehand_tensor::{Error, Result};

/// Values to draw a parameter from; the same draws as SciPy's distribution of that name for the same `random_state`.
pub trait Distribution: Send + Sync {
    /// What is drawn.
    type Value: Clone + Debug + Send + Sync + 'static;

    /// The next value.
    ///
    /// # Errors
    /// There is nothing to draw from.
    fn draw(&self, random: &mut RandomState) -> Result<Self::Value>;

    /// All values, where they are a list.
    fn list(&self) -> Option<Vec<Self::Value>> {
        None
    }
}

fn unit(random: &mut RandomState) -> f64 {
    random.rand([1]).to_vec()[0]
}

fn check(operation: &str, low: f64, high: f64) -> Result<()> {
    if low.is_finite() && high.is_finite() && low <= high {
        return Ok(());
    }
    Err(Error::value(operation, format!("no number lies between {low} and {high}")))
}

/// Real numbers of `[low, high)`, all equally probable (`scipy.stats.uniform(low, high - low)`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniform(pub f64, pub f64);

impl Distribution for Uniform {
    type Value = f64;

    fn draw(&self, random: &mut RandomState) -> Result<f64> {
        let &Uniform(low, high) = self;
        check("Uniform", low, high)?;
        Ok(unit(random) * (high - low) + low)
    }
}

/// Positive numbers of `[low, high)`, every order of magnitude equally probable (`scipy.stats.loguniform(low, high)`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogUniform(pub f64, pub f64);

impl Distribution for LogUniform {
    type Value = f64;

    fn draw(&self, random: &mut RandomState) -> Result<f64> {
        let &LogUniform(low, high) = self;
        check("LogUniform", low, high)?;
        if low <= 0.0 {
            return Err(Error::value("LogUniform", format!("{low} has no logarithm")));
        }
        Ok((low.ln() + unit(random) * (high.ln() - low.ln())).exp())
    }
}

/// Whole numbers of `low..high` (`scipy.stats.randint(low, high)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integers(pub i64, pub i64);

impl Distribution for Integers {
    type Value = i64;

    fn draw(&self, random: &mut RandomState) -> Result<i64> {
        random.randint(self.0, self.1, [1])?.item()
    }
}

/// One of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice<V>(pub Vec<V>);

impl<V: Clone + Debug + Send + Sync + 'static> Distribution for Choice<V> {
    type Value = V;

    fn draw(&self, random: &mut RandomState) -> Result<V> {
        let place = random.randint(0, self.0.len() as i64, [1])?.item()?;
        Ok(self.0[place as usize].clone())
    }

    fn list(&self) -> Option<Vec<V>> {
        Some(self.0.clone())
    }
}

/// `k` of the numbers below `n`, drawn without replacement: scikit-learn's `sample_without_replacement`.
pub(super) fn without_replacement(n: usize, k: usize, random: &mut RandomState) -> Result<Vec<usize>> {
    let ratio = if n == 0 { 1.0 } else { k as f64 / n as f64 };
    if ratio > 0.01 && ratio < 0.99 {
        let mut order: Vec<usize> = (0..n).collect();
        random.shuffle(&mut order);
        order.truncate(k);
        return Ok(order);
    }
    let mut below =
        |limit: usize| -> Result<usize> { Ok(random.randint(0, limit as i64, [1])?.item()? as usize) };
    if ratio < 0.2 {
        let mut drawn = Vec::with_capacity(k);
        let mut seen = std::collections::HashSet::new();
        while drawn.len() < k {
            let candidate = below(n)?;
            if seen.insert(candidate) {
                drawn.push(candidate);
            }
        }
        return Ok(drawn);
    }
    let mut kept: Vec<usize> = (0..k).collect();
    for i in k..n {
        let place = below(i + 1)?;
        if place < k {
            kept[place] = i;
        }
    }
    Ok(kept)
}
