//! What neighbours say together.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::brute;

/// How much each neighbour counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// All alike.
    #[default]
    Uniform,
    /// The inverse of its distance; where some are at distance 0, those alone.
    Distance,
}

impl Weights {
    /// The weight of each of the distances to one query.
    pub fn of(self, distances: &[f64]) -> Vec<f64> {
        match self {
            Weights::Uniform => vec![1.0; distances.len()],
            Weights::Distance => {
                // The inverse of a tiny distance is infinite as well.
                let touching = distances.iter().any(|distance| (1.0 / distance).is_infinite());
                let weight = |distance: &f64| {
                    let inverse = 1.0 / distance;
                    if touching { f64::from(u8::from(inverse.is_infinite())) } else { inverse }
                };
                distances.iter().map(weight).collect()
            }
        }
    }

    /// scikit-learn's name.
    pub fn name(self) -> &'static str {
        match self {
            Weights::Uniform => "uniform",
            Weights::Distance => "distance",
        }
    }

    /// The weights of this name.
    ///
    /// # Errors
    /// Neither `"uniform"` nor `"distance"`.
    pub fn from_name(operation: &str, name: &str) -> Result<Self> {
        match name {
            "uniform" => Ok(Weights::Uniform),
            "distance" => Ok(Weights::Distance),
            _ => Err(Error::value(operation, format!("weights {name:?}: uniform or distance expected"))),
        }
    }
}

/// The share of the weights that each class has among the neighbours of each query: `codes` are the classes of all points,
/// `indices` the neighbours of one query after another, of each as many as `counts` says, `weights` theirs. No class has a share
/// where there are no neighbours.
///
/// # Errors
/// A neighbour that is not there, or weights or counts of another number of neighbours.
pub fn vote(
    codes: &[usize],
    classes: usize,
    indices: &[usize],
    weights: Option<&[f64]>,
    counts: &[usize],
) -> Result<Vec<f64>> {
    check(codes.len(), indices, weights, counts)?;
    let mut shares = vec![0.0; counts.len() * classes];
    let mut first = 0;
    for (shares, &count) in shares.chunks_mut(classes.max(1)).zip(counts) {
        for place in first..first + count {
            let code = codes[indices[place]];
            let share = shares.get_mut(code);
            let share = share.ok_or_else(|| Error::value("vote", format!("class {code} of {classes}")))?;
            *share += weights.map_or(1.0, |weights| weights[place]);
        }
        first += count;
        if count > 0 {
            let total: f64 = shares.iter().sum();
            shares.iter_mut().for_each(|share| *share /= total);
        }
    }
    Ok(shares)
}

/// The weighted mean of the values of the neighbours of each query, NaN where there are none: `values` is `(points, outputs)`,
/// and the rest as of [`vote`].
///
/// # Errors
/// As [`vote`].
pub fn average<T: Float>(
    values: &[T],
    outputs: usize,
    indices: &[usize],
    weights: Option<&[f64]>,
    counts: &[usize],
) -> Result<Vec<f64>> {
    check(values.len() / outputs.max(1), indices, weights, counts)?;
    let mut means = vec![0.0; counts.len() * outputs];
    let mut first = 0;
    for (means, &count) in means.chunks_mut(outputs.max(1)).zip(counts) {
        let mut total = 0.0;
        for place in first..first + count {
            let (index, weight) = (indices[place], weights.map_or(1.0, |weights| weights[place]));
            for (mean, value) in means.iter_mut().zip(&values[index * outputs..(index + 1) * outputs]) {
                *mean += weight * value.to_f64();
            }
            total += weight;
        }
        first += count;
        means.iter_mut().for_each(|mean| *mean /= total);
    }
    Ok(means)
}

/// The `k` smallest of each row of distances `(queries, points)`, ascending, the lower index first where equal.
///
/// # Errors
/// `distances` is no matrix, or has fewer columns.
pub fn smallest<T: Float>(distances: &Tensor<T>, k: usize) -> Result<(Vec<f64>, Vec<usize>)> {
    let &[n, points] = distances.shape() else {
        return Err(Error::shape(
            "smallest",
            format!("expected (N, D), found shape {:?}", distances.shape()),
        ));
    };
    if k > points {
        return Err(Error::value("smallest", format!("{k} of {points} distances")));
    }
    let values = distances.to_vec();
    let (mut found, mut indices) = (Vec::with_capacity(n * k), Vec::with_capacity(n * k));
    for row in values.chunks_exact(points.max(1)) {
        let ranked = row.iter().enumerate().map(|(i, value)| (value.to_f64(), i as u32)).collect();
        for (value, index) in brute::first(ranked, k) {
            found.push(value);
            indices.push(index as usize);
        }
    }
    Ok((found, indices))
}

fn check(points: usize, indices: &[usize], weights: Option<&[f64]>, counts: &[usize]) -> Result<()> {
    let mut left = indices.len();
    let fits = counts.iter().all(|&count| {
        let enough = count <= left;
        left -= count.min(left);
        enough
    });
    if !fits || left > 0 {
        let found = indices.len();
        return Err(Error::value(
            "neighbors",
            format!("{found} neighbours: as many as are counted expected"),
        ));
    }
    if let Some(index) = indices.iter().find(|&&index| index >= points) {
        return Err(Error::value("neighbors", format!("neighbour {index} of {points} points")));
    }
    if weights.is_some_and(|weights| weights.len() != indices.len()) {
        return Err(Error::value(
            "neighbors",
            format!("a weight for each of {} neighbours expected", indices.len()),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_at_distance_0_count_alone() {
        assert_eq!(Weights::Distance.of(&[0.0, 2.0, 0.0]), [1.0, 0.0, 1.0]);
        assert_eq!(Weights::Distance.of(&[0.5, 2.0]), [2.0, 0.5]);
        assert_eq!(Weights::Uniform.of(&[0.0, 2.0]), [1.0, 1.0]);
    }

    #[test]
    fn votes_and_means() {
        let shares = vote(&[0, 1, 1], 2, &[0, 1, 1, 2], Some(&[3.0, 1.0, 1.0, 1.0]), &[2, 0, 2]).unwrap();
        assert_eq!(shares, [0.75, 0.25, 0.0, 0.0, 0.0, 1.0]);
        let means = average(&[1.0, 10.0, 3.0, 30.0], 2, &[0, 1], Some(&[1.0, 3.0]), &[2, 0]).unwrap();
        assert_eq!(means[..2], [2.5, 25.0]);
        assert!(means[2].is_nan() && means[3].is_nan());
        assert!(vote(&[0], 1, &[1], None, &[1]).is_err());
        for counts in [&[1][..], &[3], &[usize::MAX, 2]] {
            assert!(vote(&[0, 0], 1, &[0, 1], None, counts).is_err());
        }
        let (found, indices) = smallest(&Tensor::from([[2.0, 1.0, 1.0]]), 2).unwrap();
        assert_eq!((found, indices), (vec![1.0, 1.0], vec![1, 2]));
    }
}
