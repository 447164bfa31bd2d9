//! Features as trees look at them: a column after the other, values replaced by their ranks.

use std::any::Any;
use std::borrow::Cow;
use std::sync::OnceLock;

use barehand_kernels::threads;
use barehand_kernels::tree::{Distinct, merge_into_bins, rank_column};
use barehand_tensor::{Error, Float, Result, Tensor};

use crate::dynamic::Features;
use crate::validate;

/// Rows that are turned into columns at a time: they lie in the first-level cache.
const BLOCK: usize = 64;

/// The largest number of categories of a feature.
const CATEGORIES: u32 = 256;

/// Ranked columns; made once for all trees of a forest.
pub(crate) struct Columns {
    rows: usize,
    ranks: Vec<u32>,
    distinct: Vec<Distinct>,
    categorical: Vec<bool>,
}

impl Columns {
    /// The columns of `x`, in at most `bins` ranks each where `bins` are given. NaN is a missing value.
    pub fn new<T: Float>(
        operation: &str,
        x: &Features<T>,
        bins: Option<usize>,
        categorical: &[usize],
    ) -> Result<Columns> {
        let dense = match x {
            Features::Dense(x) => Cow::Borrowed(x),
            Features::Sparse(x) => Cow::Owned(x.to_dense()),
        };
        let (n, d) = validate::matrix(operation, &dense)?;
        if u32::try_from(n).is_err() {
            return Err(Error::value(operation, format!("{n} samples: trees count them in 32 bits")));
        }
        if d >= 1 << 30 {
            return Err(Error::value(operation, format!("{d} features: more than a tree can tell apart")));
        }
        let rows = rows_of(&dense);
        if let Some(place) = rows.iter().position(|value| value.is_infinite()) {
            let message = format!(
                "row {}, column {} of x is infinite, or too large for the f32 that trees compare",
                place / d,
                place % d
            );
            return Err(Error::value(operation, message));
        }
        let mut ranks = vec![0u32; n * d];
        for (block, values) in rows.chunks(BLOCK * d).enumerate() {
            for (j, column) in ranks.chunks_exact_mut(n).enumerate() {
                let column = &mut column[block * BLOCK..];
                for (bits, row) in column.iter_mut().zip(values.chunks_exact(d)) {
                    *bits = row[j].to_bits();
                }
            }
        }
        let mut columns = Columns { rows: n, ranks, distinct: Vec::new(), categorical: vec![false; d] };
        for &feature in categorical {
            match columns.categorical.get_mut(feature) {
                Some(flag) => *flag = true,
                None => {
                    let message = format!("categorical feature {feature} is not there: x has {d} features");
                    return Err(Error::value(operation, message));
                }
            }
            columns.check_categories(operation, feature)?;
        }
        columns.rank(bins);
        Ok(columns)
    }

    fn check_categories(&self, operation: &str, feature: usize) -> Result<()> {
        let column = &self.ranks[feature * self.rows..(feature + 1) * self.rows];
        let valid = |value: f32| {
            value.is_nan() || (value.fract() == 0.0 && (0.0..CATEGORIES as f32).contains(&value))
        };
        match column.iter().map(|&bits| f32::from_bits(bits)).find(|&value| !valid(value)) {
            None => Ok(()),
            Some(value) => Err(Error::value(
                operation,
                format!("categorical feature {feature} holds {value}: codes from 0 to 255 expected"),
            )),
        }
    }

    fn rank(&mut self, bins: Option<usize>) {
        let (n, categorical) = (self.rows, &self.categorical);
        let found: Vec<OnceLock<Distinct>> = categorical.iter().map(|_| OnceLock::new()).collect();
        threads::for_each_chunk(&mut self.ranks, n, 1 << 14, |start, column| {
            let feature = start / n;
            let distinct = rank_column(column);
            let merged = match bins {
                Some(bins) if !categorical[feature] => merge_into_bins(&distinct, column, bins as u32),
                _ => distinct,
            };
            let _ = found[feature].set(merged);
        });
        self.distinct = found.into_iter().map(|cell| cell.into_inner().unwrap_or_default()).collect();
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub fn features(&self) -> usize {
        self.distinct.len()
    }

    /// The rank of each row in a column.
    pub fn ranks(&self, feature: usize) -> &[u32] {
        &self.ranks[feature * self.rows..(feature + 1) * self.rows]
    }

    /// The values of a column's ranks.
    pub fn distinct(&self, feature: usize) -> &Distinct {
        &self.distinct[feature]
    }

    /// Whether the values of a column are categories.
    pub fn is_categorical(&self, feature: usize) -> bool {
        self.categorical[feature]
    }
}

/// The elements of `x` as f32, row after row; without a copy where they are.
pub(crate) fn rows_of<T: Float>(x: &Tensor<T>) -> Cow<'_, [f32]> {
    let any: &dyn Any = x;
    if let Some(x) = any.downcast_ref::<Tensor<f32>>()
        && let Some(rows) = x.as_slice()
    {
        return Cow::Borrowed(rows);
    }
    match x.as_slice() {
        Some(values) => Cow::Owned(values.iter().map(|value| value.to_f64() as f32).collect()),
        None => Cow::Owned(x.to_vec().iter().map(|value| value.to_f64() as f32).collect()),
    }
}
