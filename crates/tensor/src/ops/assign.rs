//! Writing through an index: `x[1:3] = y`, in place or as an operation that gradients flow through.

use barehand_kernels::strided;

use super::arithmetic::broadcast;
use super::index::Index;
use crate::element::Element;
use crate::error::Result;
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// Writes `values`, broadcast, to the elements that [`index`](Tensor::index) would show; where an element is named
    /// twice, the last value stays. In place where nobody shares the memory. Not recorded: see
    /// [`with_assigned`](Tensor::with_assigned).
    ///
    /// ```
    /// use barehand_tensor::{Index, Tensor};
    ///
    /// let mut x = Tensor::<f32>::zeros([2, 3]);
    /// x.assign(&[Index::from(..), Index::At(1)], &Tensor::from([7.0, 8.0])).unwrap();
    /// assert_eq!(x.to_vec(), [0.0, 7.0, 0.0, 0.0, 8.0, 0.0]);
    /// ```
    ///
    /// # Errors
    /// When an index leaves the shape, or the values do not broadcast to what is indexed.
    pub fn assign(&mut self, indices: &[Index], values: &Tensor<T>) -> Result<()> {
        if indices.iter().any(Index::picks) {
            let positions = self.positions(indices)?;
            let values = broadcast("assign", values, positions.shape())?.to_vec();
            let data = self.data_mut();
            for (position, value) in positions.to_vec().into_iter().zip(values) {
                data[position as usize] = value;
            }
            return Ok(());
        }
        // Values that lie in this very memory are read before it is written.
        let values = if self.shares_memory(values) { values.copied() } else { values.detach() };
        let values = {
            let window = self.detach().index(indices)?;
            broadcast("assign", &values, window.shape())?
        };
        self.data_mut();
        let layout = self.detach().index(indices)?.layout;
        let (data, base) = (self.layout.offset(), layout.offset());
        let data = &mut self.data_mut()[base - data..];
        strided::assign(data, layout.shape(), layout.strides(), values.view());
        Ok(())
    }

    /// A copy in which [`assign`](Tensor::assign) has written, through which gradients flow to both (PyTorch's
    /// `index_put`).
    ///
    /// # Errors
    /// As `assign`.
    pub fn with_assigned(&self, indices: &[Index], values: &Tensor<T>) -> Result<Tensor<T>> {
        let positions = self.positions(indices)?;
        let values = values.expand(positions.shape())?.reshape([-1])?;
        let shape: Vec<isize> = self.shape().iter().map(|&n| n as isize).collect();
        self.reshape([-1])?.scatter(0, &positions.reshape([-1])?, &values)?.reshape(shape)
    }

    /// Row-major numbers of the elements that an index shows, in its shape.
    fn positions(&self, indices: &[Index]) -> Result<Tensor<i64>> {
        let shape: Vec<isize> = self.shape().iter().map(|&n| n as isize).collect();
        Tensor::<i64>::from((0..self.len() as i64).collect::<Vec<_>>()).reshape(shape)?.index(indices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_changes_nobody_else() {
        let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
        let mut y = x.t().unwrap();
        y.assign(&[Index::At(0)], &x.select(0, 1).unwrap()).unwrap();
        assert_eq!(y.to_vec(), [3.0, 4.0, 2.0, 4.0]);
        assert_eq!(x.to_vec(), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_window_may_be_written_from_its_own_memory() {
        let mut x = Tensor::<i64>::from([0, 1, 2, 3, 4]);
        let shifted = x.narrow(0, 0, 4).unwrap();
        x.assign(&[Index::from(1..)], &shifted).unwrap();
        assert_eq!(x.to_vec(), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn picked_elements_take_the_last_value() {
        let mut x = Tensor::<i64>::from([0, 0, 0]);
        let picks = Index::Take(Tensor::<i64>::from([2, 0, 2]));
        x.assign(std::slice::from_ref(&picks), &Tensor::<i64>::from([5, 6, 7])).unwrap();
        assert_eq!(x.to_vec(), [6, 0, 7]);
        let refused = x.assign(&[picks], &Tensor::<i64>::from([1, 2])).unwrap_err().to_string();
        assert!(refused.contains("[2]") && refused.contains("[3]"), "{refused}");
    }

    #[test]
    fn gradients_flow_around_and_through_an_assignment() {
        let x = Tensor::from([1.0, 2.0, 3.0]).requires_grad();
        let v = Tensor::from([10.0]).requires_grad();
        let y = x.with_assigned(&[Index::from(0..2)], &v).unwrap();
        assert_eq!(y.to_vec(), [10.0, 10.0, 3.0]);
        let gradients = y.square().unwrap().sum().unwrap().backward().unwrap();
        assert_eq!(gradients.of(&x).unwrap().to_vec(), [0.0, 0.0, 6.0]);
        assert_eq!(gradients.of(&v).unwrap().to_vec(), [40.0]);
    }
}
