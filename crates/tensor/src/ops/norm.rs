//! Layer norm and batch norm, fused forward and backward.

use barehand_kernels::Buffer;

use crate::autograd::operator::{InputGradients, Operator, apply, record};
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// A zeroed gradient buffer where one is wanted.
fn wanted<T: Element>(want: bool, len: usize) -> Option<Buffer<T>> {
    want.then(|| Buffer::scratch(len))
}

/// The gradients of (x, weight, bias) from the buffers that were wanted.
fn gradients<T: Element>(
    dx: Option<Buffer<T>>,
    dweight: Option<Buffer<T>>,
    dbias: Option<Buffer<T>>,
    x: &[usize],
    parameters: &[usize],
    inputs: usize,
) -> InputGradients<T> {
    let all = [(dx, x), (dweight, parameters), (dbias, parameters)];
    all.into_iter()
        .take(inputs)
        .map(|(buffer, shape)| buffer.map(|b| Tensor::from_buffer(b, shape)))
        .collect()
}

struct LayerNorm {
    eps: f64,
}

struct SavedLayerNorm<T: Element> {
    x: Tensor<T>,
    weight: Option<Tensor<T>>,
    mean: Buffer<T>,
    rstd: Buffer<T>,
    parameters: Vec<usize>,
}

fn slice<T: Element>(x: Option<&Tensor<T>>) -> Option<&[T]> {
    x.map(Tensor::packed_slice)
}

impl<T: Float> Operator<T> for LayerNorm {
    type Saved = SavedLayerNorm<T>;

    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0].packed();
        let parameters = normalised_shape(inputs);
        let cols: usize = parameters.iter().product();
        let weight = inputs.get(1).map(|w| w.packed());
        let bias = inputs.get(2).map(|b| b.packed());
        let rows = x.len() / cols.max(1);
        let mut out = Buffer::scratch(x.len());
        let (mut mean, mut rstd) = (Buffer::scratch(rows), Buffer::scratch(rows));
        T::layer_norm(
            x.packed_slice(),
            cols,
            slice(weight.as_ref()),
            slice(bias.as_ref()),
            T::from_real(self.eps),
            &mut out,
            &mut mean,
            &mut rstd,
        );
        let y = Tensor::from_buffer(out, x.shape());
        Ok((y, SavedLayerNorm { x, weight, mean, rstd, parameters }))
    }

    fn backward(&self, saved: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let want = |i: usize| wants.get(i).copied().unwrap_or(false);
        let cols: usize = saved.parameters.iter().product();
        let (mut dx, mut dw, mut db) =
            (wanted(want(0), saved.x.len()), wanted(want(1), cols), wanted(want(2), cols));
        T::layer_norm_backward(
            grad.packed().packed_slice(),
            saved.x.packed_slice(),
            cols,
            slice(saved.weight.as_ref()),
            &saved.mean,
            &saved.rstd,
            dx.as_deref_mut(),
            dw.as_deref_mut(),
            db.as_deref_mut(),
        );
        Ok(gradients(dx, dw, db, saved.x.shape(), &saved.parameters, wants.len()))
    }
}

/// The normalised shape: that of the weight, or the last axis where there is none.
fn normalised_shape<T: Element>(inputs: &[&Tensor<T>]) -> Vec<usize> {
    match inputs.get(1) {
        Some(weight) => weight.shape().to_vec(),
        None => inputs[0].shape()[inputs[0].rank() - 1..].to_vec(),
    }
}

/// One number for each channel, the statistics of a batch.
pub type ChannelStatistics<T> = (Tensor<T>, Tensor<T>);

struct BatchNorm<T> {
    eps: T,
    /// Given statistics (evaluation), or those of the batch itself (training).
    running: Option<(Vec<T>, Vec<T>)>,
}

struct SavedBatchNorm<T: Element> {
    x: Tensor<T>,
    weight: Option<Tensor<T>>,
    mean: Buffer<T>,
    var: Buffer<T>,
}

/// Channels and elements of a channel within one image.
fn channels(shape: &[usize]) -> (usize, usize) {
    (shape[1], shape[2..].iter().product())
}

impl<T: Float> Operator<T> for BatchNorm<T> {
    type Saved = SavedBatchNorm<T>;

    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0].packed();
        let weight = inputs.get(1).map(|w| w.packed());
        let bias = inputs.get(2).map(|b| b.packed());
        let (count, inner) = channels(x.shape());
        let mut out = Buffer::scratch(x.len());
        let (w, b) = (slice(weight.as_ref()), slice(bias.as_ref()));
        let (mean, var) = if let Some((mean, var)) = &self.running {
            T::batch_norm_eval(x.packed_slice(), count, inner, mean, var, w, b, self.eps, &mut out);
            (Buffer::copy_of(mean), Buffer::copy_of(var))
        } else {
            let (mut mean, mut var) = (Buffer::scratch(count), Buffer::scratch(count));
            T::batch_norm_train(
                x.packed_slice(),
                count,
                inner,
                w,
                b,
                self.eps,
                &mut out,
                &mut mean,
                &mut var,
            );
            (mean, var)
        };
        let y = Tensor::from_buffer(out, x.shape());
        Ok((y, SavedBatchNorm { x, weight, mean, var }))
    }

    fn backward(&self, saved: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let want = |i: usize| wants.get(i).copied().unwrap_or(false);
        let (count, inner) = channels(saved.x.shape());
        let (mut dx, mut dw, mut db) =
            (wanted(want(0), saved.x.len()), wanted(want(1), count), wanted(want(2), count));
        let (dy, x, w) = (grad.packed(), saved.x.packed_slice(), slice(saved.weight.as_ref()));
        let dy = dy.packed_slice();
        let (mean, var) = (&saved.mean, &saved.var);
        let outputs = (dx.as_deref_mut(), dw.as_deref_mut(), db.as_deref_mut());
        if self.running.is_some() {
            T::batch_norm_eval_backward(
                dy, x, count, inner, mean, var, w, self.eps, outputs.0, outputs.1, outputs.2,
            );
        } else {
            T::batch_norm_train_backward(
                dy, x, count, inner, w, mean, var, self.eps, outputs.0, outputs.1, outputs.2,
            );
        }
        Ok(gradients(dx, dw, db, saved.x.shape(), &[count], wants.len()))
    }
}

/// The inputs of a normalisation; a bias without a weight has no place in the operator.
fn inputs<'a, T: Element>(
    operation: &str,
    x: &'a Tensor<T>,
    weight: Option<&'a Tensor<T>>,
    bias: Option<&'a Tensor<T>>,
) -> Result<Vec<&'a Tensor<T>>> {
    if weight.is_none() && bias.is_some() {
        return Err(Error::value(operation, "a bias needs a weight beside it; pass ones"));
    }
    Ok([Some(x), weight, bias].into_iter().flatten().collect())
}

impl<T: Float> Tensor<T> {
    /// Each row over the last axes becomes (x - mean) / sqrt(var + eps) · weight + bias, with the population variance
    /// (Ba et al. 2016; PyTorch's `layer_norm`). The weight's shape names the axes; without one it is the last.
    ///
    /// # Errors
    /// When the weight's shape is not the end of the input's, or the bias differs from the weight.
    pub fn layer_norm(
        &self,
        weight: Option<&Tensor<T>>,
        bias: Option<&Tensor<T>>,
        eps: f64,
    ) -> Result<Tensor<T>> {
        let inputs = inputs("layer_norm", self, weight, bias)?;
        let fits = self.rank() > 0
            && inputs[1..].iter().all(|p| p.rank() > 0 && self.shape().ends_with(p.shape()))
            && inputs[1..].windows(2).all(|pair| pair[0].shape() == pair[1].shape());
        if !fits {
            let shapes: Vec<_> = inputs[1..].iter().map(|p| p.shape()).collect();
            return Err(Error::shape(
                "layer_norm",
                format!(
                    "weight and bias of shapes {shapes:?} must be the last axes of the input {:?}",
                    self.shape()
                ),
            ));
        }
        apply(LayerNorm { eps }, &inputs)
    }

    fn batch_norm_inputs<'a>(
        &'a self,
        weight: Option<&'a Tensor<T>>,
        bias: Option<&'a Tensor<T>>,
    ) -> Result<Vec<&'a Tensor<T>>> {
        let inputs = inputs("batch_norm", self, weight, bias)?;
        if self.rank() < 2 || inputs[1..].iter().any(|p| p.shape() != [self.shape()[1]]) {
            let shapes: Vec<_> = inputs[1..].iter().map(|p| p.shape()).collect();
            return Err(Error::shape(
                "batch_norm",
                format!(
                    "input of shape {:?} must be (N, C, ...), with weight and bias of shape (C), not {shapes:?}",
                    self.shape()
                ),
            ));
        }
        Ok(inputs)
    }

    /// Each channel of (N, C, ...) becomes (x - mean) / sqrt(var + eps) · weight + bias with the mean and population
    /// variance of this batch (Ioffe & Szegedy 2015). Returns the output, and those statistics for running averages.
    ///
    /// # Errors
    /// When shapes do not fit, or a channel has fewer than two values (their variance would always be 0).
    pub fn batch_norm_train(
        &self,
        weight: Option<&Tensor<T>>,
        bias: Option<&Tensor<T>>,
        eps: f64,
    ) -> Result<(Tensor<T>, ChannelStatistics<T>)> {
        let inputs = self.batch_norm_inputs(weight, bias)?;
        let (count, inner) = channels(self.shape());
        if self.shape()[0] * inner < 2 {
            return Err(Error::shape(
                "batch_norm",
                format!("training needs more than one value for each channel, got shape {:?}", self.shape()),
            ));
        }
        let operator = BatchNorm { eps: T::from_real(eps), running: None };
        let (y, saved) = operator.forward(&inputs)?;
        let statistic = |values: &Buffer<T>| Tensor::from_buffer(values.clone(), &[count]);
        let statistics = (statistic(&saved.mean), statistic(&saved.var));
        Ok((record(y, operator, saved, &inputs), statistics))
    }

    /// Batch norm with given means and variances: a fixed scale and shift of each channel.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn batch_norm_eval(
        &self,
        mean: &Tensor<T>,
        var: &Tensor<T>,
        weight: Option<&Tensor<T>>,
        bias: Option<&Tensor<T>>,
        eps: f64,
    ) -> Result<Tensor<T>> {
        let inputs = self.batch_norm_inputs(weight, bias)?;
        let channels = [self.shape()[1]];
        if mean.shape() != channels || var.shape() != channels {
            return Err(Error::shape(
                "batch_norm",
                format!(
                    "mean {:?} and variance {:?} must have shape {channels:?}",
                    mean.shape(),
                    var.shape()
                ),
            ));
        }
        apply(BatchNorm { eps: T::from_real(eps), running: Some((mean.to_vec(), var.to_vec())) }, &inputs)
    }
}
