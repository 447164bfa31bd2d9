//! Layer, RMS, group, instance and batch norm, fused forward and backward.

use barehand_kernels::Buffer;
use barehand_kernels::group_norm::Groups;

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
    /// How many of the last axes are normalised.
    axes: usize,
    scaled: bool,
    shifted: bool,
}

struct SavedLayerNorm<T: Element> {
    x: Tensor<T>,
    weight: Option<Tensor<T>>,
    mean: Buffer<T>,
    rstd: Buffer<T>,
}

fn slice<T: Element>(x: Option<&Tensor<T>>) -> Option<&[T]> {
    x.map(Tensor::packed_slice)
}

/// Weight and bias among the inputs behind the first, of which either may be missing.
fn parameters<T: Element>(
    inputs: &[&Tensor<T>],
    scaled: bool,
    shifted: bool,
) -> (Option<Tensor<T>>, Option<Tensor<T>>) {
    let mut rest = inputs[1..].iter();
    let mut next = |present: bool| if present { rest.next().map(|p| p.packed()) } else { None };
    (next(scaled), next(shifted))
}

/// Which of the gradients of (x, weight, bias) are wanted, where either parameter may be missing.
fn wants_of(wants: &[bool], scaled: bool, shifted: bool) -> [bool; 3] {
    let mut wants = wants.iter().copied();
    let mut next = |present: bool| present && wants.next().unwrap_or(false);
    [next(true), next(scaled), next(shifted)]
}

/// The gradients of the inputs that there are.
fn gradients_of<T: Element>(
    [dx, dweight, dbias]: [Option<Buffer<T>>; 3],
    x: &[usize],
    parameters: &[usize],
    scaled: bool,
    shifted: bool,
) -> InputGradients<T> {
    [(dx, x, true), (dweight, parameters, scaled), (dbias, parameters, shifted)]
        .into_iter()
        .filter(|(_, _, present)| *present)
        .map(|(buffer, shape, _)| buffer.map(|b| Tensor::from_buffer(b, shape)))
        .collect()
}

/// The last axes of a shape.
fn last(shape: &[usize], axes: usize) -> &[usize] {
    &shape[shape.len() - axes..]
}

impl<T: Float> Operator<T> for LayerNorm {
    type Saved = SavedLayerNorm<T>;

    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0].packed();
        let (weight, bias) = parameters(inputs, self.scaled, self.shifted);
        let cols: usize = last(x.shape(), self.axes).iter().product();
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
        Ok((y, SavedLayerNorm { x, weight, mean, rstd }))
    }

    fn backward(&self, saved: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let shape = last(saved.x.shape(), self.axes);
        let cols: usize = shape.iter().product();
        let [x, w, b] = wants_of(wants, self.scaled, self.shifted);
        let (mut dx, mut dw, mut db) = (wanted(x, saved.x.len()), wanted(w, cols), wanted(b, cols));
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
        Ok(gradients_of([dx, dw, db], saved.x.shape(), shape, self.scaled, self.shifted))
    }
}

struct RmsNorm {
    eps: f64,
    /// How many of the last axes are normalised.
    axes: usize,
}

struct SavedRmsNorm<T: Element> {
    x: Tensor<T>,
    weight: Option<Tensor<T>>,
    rstd: Buffer<T>,
}

impl<T: Float> Operator<T> for RmsNorm {
    type Saved = SavedRmsNorm<T>;

    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0].packed();
        let weight = inputs.get(1).map(|w| w.packed());
        let cols: usize = last(x.shape(), self.axes).iter().product();
        let mut out = Buffer::scratch(x.len());
        let mut rstd = Buffer::scratch(x.len() / cols.max(1));
        let eps = T::from_real(self.eps);
        T::rms_norm(x.packed_slice(), cols, slice(weight.as_ref()), eps, &mut out, &mut rstd);
        let y = Tensor::from_buffer(out, x.shape());
        Ok((y, SavedRmsNorm { x, weight, rstd }))
    }

    fn backward(&self, saved: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let shape = last(saved.x.shape(), self.axes);
        let cols: usize = shape.iter().product();
        let scaled = saved.weight.is_some();
        let [x, w, _] = wants_of(wants, scaled, false);
        let (mut dx, mut dw) = (wanted(x, saved.x.len()), wanted(w, cols));
        T::rms_norm_backward(
            grad.packed().packed_slice(),
            saved.x.packed_slice(),
            cols,
            slice(saved.weight.as_ref()),
            &saved.rstd,
            dx.as_deref_mut(),
            dw.as_deref_mut(),
        );
        Ok(gradients_of([dx, dw, None], saved.x.shape(), shape, scaled, false))
    }
}

struct GroupNorm {
    eps: f64,
    groups: usize,
    scaled: bool,
    shifted: bool,
}

impl GroupNorm {
    fn layout(&self, shape: &[usize]) -> Groups {
        let (channels, inner) = channels(shape);
        Groups { channels, inner, groups: self.groups }
    }
}

impl<T: Float> Operator<T> for GroupNorm {
    type Saved = SavedLayerNorm<T>;

    fn name(&self) -> &'static str {
        "group_norm"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let x = inputs[0].packed();
        let (weight, bias) = parameters(inputs, self.scaled, self.shifted);
        let layout = self.layout(x.shape());
        let rows = if x.is_empty() { 0 } else { x.shape()[0] * self.groups };
        let mut out = Buffer::scratch(x.len());
        let (mut mean, mut rstd) = (Buffer::scratch(rows), Buffer::scratch(rows));
        T::group_norm(
            x.packed_slice(),
            layout,
            slice(weight.as_ref()),
            slice(bias.as_ref()),
            T::from_real(self.eps),
            &mut out,
            &mut mean,
            &mut rstd,
        );
        let y = Tensor::from_buffer(out, x.shape());
        Ok((y, SavedLayerNorm { x, weight, mean, rstd }))
    }

    fn backward(&self, saved: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let layout = self.layout(saved.x.shape());
        let [x, w, b] = wants_of(wants, self.scaled, self.shifted);
        let (mut dx, mut dw, mut db) =
            (wanted(x, saved.x.len()), wanted(w, layout.channels), wanted(b, layout.channels));
        T::group_norm_backward(
            grad.packed().packed_slice(),
            saved.x.packed_slice(),
            layout,
            slice(saved.weight.as_ref()),
            &saved.mean,
            &saved.rstd,
            dx.as_deref_mut(),
            dw.as_deref_mut(),
            db.as_deref_mut(),
        );
        Ok(gradients_of([dx, dw, db], saved.x.shape(), &[layout.channels], self.scaled, self.shifted))
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
    /// (Ba et al. 2016; PyTorch's `layer_norm`). The weight's shape names the axes, or that of the bias; without either it
    /// is the last.
    ///
    /// # Errors
    /// When the weight's shape is not the end of the input's, or the bias differs from the weight.
    pub fn layer_norm(
        &self,
        weight: Option<&Tensor<T>>,
        bias: Option<&Tensor<T>>,
        eps: f64,
    ) -> Result<Tensor<T>> {
        let axes = weight.or(bias).map_or(1, Tensor::rank);
        self.layer_norm_over(axes, weight, bias, eps)
    }

    /// [`layer_norm`](Tensor::layer_norm) over as many of the last axes.
    ///
    /// # Errors
    /// When there are fewer axes, or a parameter does not have the shape of these.
    pub fn layer_norm_over(
        &self,
        axes: usize,
        weight: Option<&Tensor<T>>,
        bias: Option<&Tensor<T>>,
        eps: f64,
    ) -> Result<Tensor<T>> {
        self.check_last_axes("layer_norm", axes, &[weight, bias])?;
        let inputs: Vec<&Tensor<T>> = [Some(self), weight, bias].into_iter().flatten().collect();
        apply(LayerNorm { eps, axes, scaled: weight.is_some(), shifted: bias.is_some() }, &inputs)
    }

    /// Each row over as many of the last axes becomes x / sqrt(mean(x²) + eps) · weight (Zhang and Sennrich 2019; PyTorch's
    /// `rms_norm`). Without an eps it is the gap between 1 and the next number, as in PyTorch.
    ///
    /// # Errors
    /// When there are fewer axes, or the weight does not have the shape of these.
    pub fn rms_norm(&self, axes: usize, weight: Option<&Tensor<T>>, eps: Option<f64>) -> Result<Tensor<T>> {
        self.check_last_axes("rms_norm", axes, &[weight])?;
        let inputs: Vec<&Tensor<T>> = [Some(self), weight].into_iter().flatten().collect();
        apply(RmsNorm { eps: eps.unwrap_or_else(|| T::EPSILON.as_f64()), axes }, &inputs)
    }

    /// Refuses parameters that do not have the shape of the last axes.
    fn check_last_axes(&self, operation: &str, axes: usize, parameters: &[Option<&Tensor<T>>]) -> Result<()> {
        let mut given = parameters.iter().flatten();
        if (1..=self.rank()).contains(&axes) && given.all(|p| p.shape() == last(self.shape(), axes)) {
            return Ok(());
        }
        let shapes: Vec<_> = parameters.iter().flatten().map(|p| p.shape()).collect();
        let message = format!(
            "weight and bias of shapes {shapes:?} must be the last {axes} axes of the input {:?}",
            self.shape()
        );
        Err(Error::shape(operation, message))
    }

    /// Each group of channels of each sample of (N, C, ...) becomes (x - mean) / sqrt(var + eps), with the population
    /// variance, and then each channel is scaled by its weight and shifted by its bias (Wu and He 2018; PyTorch's
    /// `group_norm`). As many groups as channels are instance normalisation.
    ///
    /// # Errors
    /// When the groups do not divide the channels, or weight or bias are not (C).
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Tensor<T>>,
        bias: Option<&Tensor<T>>,
        eps: f64,
    ) -> Result<Tensor<T>> {
        let inputs = self.group_norm_inputs("group_norm", groups, weight, bias)?;
        apply(GroupNorm { eps, groups, scaled: weight.is_some(), shifted: bias.is_some() }, &inputs)
    }

    /// Each channel of each sample of (N, C, ...) becomes (x - mean) / sqrt(var + eps) · weight + bias, with the population
    /// variance (Ulyanov et al. 2016; PyTorch's `instance_norm`).
    ///
    /// # Errors
    /// When weight or bias are not (C), or a channel has a single value (its variance would always be 0).
    pub fn instance_norm(
        &self,
        weight: Option<&Tensor<T>>,
        bias: Option<&Tensor<T>>,
        eps: f64,
    ) -> Result<Tensor<T>> {
        let groups = self.shape().get(1).copied().unwrap_or(0);
        let inputs = self.group_norm_inputs("instance_norm", groups, weight, bias)?;
        if channels(self.shape()).1 == 1 {
            return Err(Error::shape(
                "instance_norm",
                format!(
                    "more than one value for each channel of a sample expected, got shape {:?}",
                    self.shape()
                ),
            ));
        }
        apply(GroupNorm { eps, groups, scaled: weight.is_some(), shifted: bias.is_some() }, &inputs)
    }

    fn group_norm_inputs<'a>(
        &'a self,
        operation: &str,
        groups: usize,
        weight: Option<&'a Tensor<T>>,
        bias: Option<&'a Tensor<T>>,
    ) -> Result<Vec<&'a Tensor<T>>> {
        let parameters = || [weight, bias].into_iter().flatten();
        let fits = self.rank() >= 2
            && groups > 0
            && self.shape()[1].is_multiple_of(groups)
            && parameters().all(|p| p.shape() == [self.shape()[1]]);
        if !fits {
            let shapes: Vec<_> = parameters().map(Tensor::shape).collect();
            return Err(Error::shape(
                operation,
                format!(
                    "input of shape {:?} must be (N, C, ...) with channels for {groups} groups, and weight and bias of shape (C), not {shapes:?}",
                    self.shape()
                ),
            ));
        }
        Ok(std::iter::once(self).chain(parameters()).collect())
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
