//! Distances of sparse rows: what both leave out adds nothing, so that only what one of them stores is looked at.

use barehand_kernels::nearest::{Metric, rank_of_stored};
use barehand_tensor::{CsrMatrix, Float};

/// The rank of each of `points` to a query, and its index.
pub(super) fn ranks<'a, T: Float>(
    metric: Metric,
    query: (&'a [u32], &'a [T]),
    points: &'a CsrMatrix<T>,
) -> impl Iterator<Item = (f64, u32)> + 'a {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    (0..points.rows()).map(move |point| {
        side_by_side(query, points.row(point), &mut a, &mut b);
        (rank_of_stored(metric, points.columns(), &a, &b), point as u32)
    })
}

/// The numbers of two rows in the columns that either has.
fn side_by_side<T: Float>(first: (&[u32], &[T]), second: (&[u32], &[T]), a: &mut Vec<T>, b: &mut Vec<T>) {
    a.clear();
    b.clear();
    let (mut i, mut j) = (0, 0);
    while i < first.0.len() || j < second.0.len() {
        let column = |row: &[u32], at: usize| row.get(at).map_or(u64::MAX, |&column| u64::from(column));
        let (here, there) = (column(first.0, i), column(second.0, j));
        let take = |row: &[T], at: &mut usize, takes: bool, into: &mut Vec<T>| {
            into.push(if takes { row[*at] } else { T::ZERO });
            *at += usize::from(takes);
        };
        take(first.1, &mut i, here <= there, a);
        take(second.1, &mut j, there <= here, b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_meet_in_the_columns_that_either_has() {
        let (mut a, mut b) = (vec![9.0], vec![9.0]);
        side_by_side((&[0, 3, 5], &[1.0, 2.0, 3.0]), (&[3, 4], &[4.0, 5.0]), &mut a, &mut b);
        assert_eq!((a, b), (vec![1.0, 2.0, 0.0, 3.0], vec![0.0, 4.0, 5.0, 0.0]));
    }
}
