//! Sparse rows: matrices most of whose elements are 0.

use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// A matrix in compressed sparse rows (CSR): of each row only the elements that are stored, in ascending columns.
///
/// Row `i` owns the entries `indptr[i] .. indptr[i + 1]` of `indices` (their columns) and `values`. Stored zeros are
/// allowed. SciPy's name for it: `csr_array`.
///
/// ```
/// use barehand_tensor::{CsrMatrix, Tensor};
///
/// let x = CsrMatrix::new([2, 3], vec![0, 1, 3], vec![2, 0, 1], vec![5.0f64, 1.0, 2.0])?;
/// assert_eq!(x.to_dense(), Tensor::from([[0.0, 0.0, 5.0], [1.0, 2.0, 0.0]]));
/// assert_eq!(x.row(1), (&[0, 1][..], &[1.0, 2.0][..]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CsrMatrix<T> {
    shape: [usize; 2],
    indptr: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<T>,
}

impl<T: Float> CsrMatrix<T> {
    /// A matrix of `shape` (rows, columns) from its three lists.
    ///
    /// # Errors
    /// `indptr` does not start at 0, descend nowhere and end at the number of entries, with one more element than there
    /// are rows; or the columns of a row do not ascend below `shape[1]`; or there are more than `2^32` columns.
    pub fn new(
        shape: [usize; 2],
        indptr: Vec<usize>,
        indices: Vec<u32>,
        values: Vec<T>,
    ) -> Result<CsrMatrix<T>> {
        const OPERATION: &str = "CsrMatrix::new";
        let [rows, columns] = shape;
        let fail = |message: String| Err(Error::shape(OPERATION, message));
        if columns > 1 << 32 {
            return fail(format!("{columns} columns; at most 2^32 expected"));
        }
        if rows.checked_add(1) != Some(indptr.len()) {
            return fail(format!("indptr of {rows} rows has {rows} + 1 elements, found {}", indptr.len()));
        }
        if indices.len() != values.len() {
            return fail(format!("{} columns are named for {} values", indices.len(), values.len()));
        }
        if indptr[0] != 0 || indptr[rows] != values.len() {
            let (first, last) = (indptr[0], indptr[rows]);
            return fail(format!("indptr leads from {first} to {last}; from 0 to {} expected", values.len()));
        }
        for row in 0..rows {
            if indptr[row] > indptr[row + 1] {
                return fail(format!("indptr descends after row {row}"));
            }
        }
        for row in 0..rows {
            let of_row = &indices[indptr[row]..indptr[row + 1]];
            if of_row.windows(2).any(|pair| pair[0] >= pair[1]) {
                return fail(format!("the columns of row {row} do not ascend"));
            }
            if let Some(&last) = of_row.last()
                && last as usize >= columns
            {
                return Err(Error::index(
                    OPERATION,
                    format!("row {row} names column {last} of a matrix of {columns} columns"),
                ));
            }
        }
        Ok(CsrMatrix { shape, indptr, indices, values })
    }

    /// The elements of a matrix `(N, D)` that are not 0.
    ///
    /// # Errors
    /// `x` is not a matrix.
    pub fn from_dense(x: &Tensor<T>) -> Result<CsrMatrix<T>> {
        let &[rows, columns] = x.shape() else {
            let message = format!("expected a matrix (N, D), found shape {:?}", x.shape());
            return Err(Error::shape("CsrMatrix::from_dense", message));
        };
        let dense = x.to_vec();
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for row in 0..rows {
            for (column, &value) in dense[row * columns..(row + 1) * columns].iter().enumerate() {
                if value != T::ZERO {
                    indices.push(column as u32);
                    values.push(value);
                }
            }
            indptr.push(values.len());
        }
        CsrMatrix::new([rows, columns], indptr, indices, values)
    }

    /// The matrix with its zeros, `(N, D)`.
    pub fn to_dense(&self) -> Tensor<T> {
        let mut dense = Tensor::zeros(self.shape);
        let elements = dense.data_mut();
        for row in 0..self.rows() {
            let (columns, values) = self.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                elements[row * self.columns() + column as usize] = value;
            }
        }
        dense
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.shape[0]
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.shape[1]
    }

    /// How many elements are stored.
    pub fn stored(&self) -> usize {
        self.values.len()
    }

    /// The columns and the values of what row `row` stores.
    pub fn row(&self, row: usize) -> (&[u32], &[T]) {
        let entries = self.indptr[row]..self.indptr[row + 1];
        (&self.indices[entries.clone()], &self.values[entries])
    }

    /// Where each row's entries start, and where the last row's end.
    pub fn indptr(&self) -> &[usize] {
        &self.indptr
    }

    /// The column of each entry.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The value of each entry.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The transpose, of new memory.
    #[must_use]
    pub fn transpose(&self) -> CsrMatrix<T> {
        let [rows, columns] = self.shape;
        let mut indptr = vec![0; columns + 1];
        for &column in &self.indices {
            indptr[column as usize + 1] += 1;
        }
        for column in 0..columns {
            indptr[column + 1] += indptr[column];
        }
        let mut next = indptr.clone();
        let mut indices = vec![0; self.stored()];
        let mut values = vec![T::ZERO; self.stored()];
        for row in 0..rows {
            let (of_row, stored) = self.row(row);
            for (&column, &value) in of_row.iter().zip(stored) {
                let place = &mut next[column as usize];
                (indices[*place], values[*place]) = (row as u32, value);
                *place += 1;
            }
        }
        CsrMatrix { shape: [columns, rows], indptr, indices, values }
    }

    /// The rows at `rows`, in that order; a row may be taken more than once.
    ///
    /// # Errors
    /// A row is not there.
    pub fn select_rows(&self, rows: &[usize]) -> Result<CsrMatrix<T>> {
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for &row in rows {
            if row >= self.rows() {
                let message = format!("row {row} of a matrix of {} rows", self.rows());
                return Err(Error::index("select_rows", message));
            }
            let (columns, stored) = self.row(row);
            indices.extend_from_slice(columns);
            values.extend_from_slice(stored);
            indptr.push(values.len());
        }
        CsrMatrix::new([rows.len(), self.columns()], indptr, indices, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_do_not_fit_are_named() {
        let error = |shape, indptr: &[usize], indices: &[u32], values: &[f64]| {
            CsrMatrix::new(shape, indptr.to_vec(), indices.to_vec(), values.to_vec()).unwrap_err().to_string()
        };
        assert!(error([2, 2], &[0, 1], &[0], &[1.0]).contains("has 2 + 1 elements, found 2"));
        assert!(error([1, 2], &[0, 2], &[0], &[1.0]).contains("from 0 to 2; from 0 to 1"));
        assert!(error([2, 2], &[0, 2, 1], &[0], &[1.0]).contains("descends after row 1"));
        assert!(error([1, 2], &[0, 2], &[1, 0], &[1.0, 2.0]).contains("row 0 do not ascend"));
        assert!(error([1, 2], &[0, 1], &[2], &[1.0]).contains("row 0 names column 2"));
    }

    #[test]
    fn transposing_and_selecting_are_those_of_the_dense_matrix() {
        let dense = Tensor::from([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0f64]]);
        let x = CsrMatrix::from_dense(&dense).unwrap();
        assert_eq!(x.stored(), 3);
        assert_eq!(x.transpose().to_dense(), dense.transpose(0, 1).unwrap().contiguous());
        assert_eq!(x.select_rows(&[1, 1]).unwrap().to_dense().to_vec(), [3.0, 0.0, 0.0, 3.0, 0.0, 0.0]);
        assert!(x.select_rows(&[2]).is_err());
    }
}
