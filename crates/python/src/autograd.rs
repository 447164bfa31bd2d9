//! Backward passes, switching recording, hooks, and differentiable functions written in Python.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use barehand_tensor::{
    AnyTensor, BackwardPass, Float, Gradients, InputGradients, Operator, Tensor, apply, is_recording,
    set_recording,
};
use pyo3::exceptions::{PyNotImplementedError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::error::{Failure, Result, callback};
use crate::tensor::{Gradient, PyTensor, cast, detached, is_leaf, is_recorded, len};

/// A backward pass from tensors of one precision each; both may occur.
struct Pass {
    single: Option<BackwardPass<f32>>,
    double: Option<BackwardPass<f64>>,
}

impl Pass {
    fn new() -> Self {
        Pass { single: None, double: None }
    }

    fn add_root(&mut self, tensor: &AnyTensor, grad: Option<&AnyTensor>) -> Result<()> {
        if grad.is_none() && is_recorded(tensor) && len(tensor) != 1 {
            return Err(PyRuntimeError::new_err(format!(
                "backward: only a single element has a gradient of its own, not shape {:?}; pass that of something with \
                 respect to this tensor as gradient=",
                tensor.shape()
            ))
            .into());
        }
        match tensor {
            AnyTensor::F32(x) => {
                let grad = grad.map(AnyTensor::get).transpose()?;
                self.single = Some(self.single.take().unwrap_or_default().from(x, grad.as_ref())?);
            }
            AnyTensor::F64(x) => {
                let grad = grad.map(AnyTensor::get).transpose()?;
                self.double = Some(self.double.take().unwrap_or_default().from(x, grad.as_ref())?);
            }
            _ => {
                return Err(Failure::Python(PyRuntimeError::new_err("backward: only floats have gradients")));
            }
        }
        Ok(())
    }
}

fn check_create_graph(create_graph: bool) -> Result<()> {
    if create_graph {
        return Err(PyNotImplementedError::new_err(
            "create_graph=True: gradients are not recorded themselves, so there are no second derivatives",
        )
        .into());
    }
    Ok(())
}

/// Leaves what a pass found in the `.grad` of its leaves.
fn deliver<T: Float>(py: Python<'_>, gradients: Gradients<T>) -> Result<()> {
    for (tag, grad) in gradients.into_tagged() {
        if let Ok(gradient) = tag.downcast::<Gradient>() {
            gradient.accumulate(py, grad)?;
        }
    }
    Ok(())
}

fn run(py: Python<'_>, pass: Pass, retain_graph: bool) -> Result<()> {
    // Walking calls back into Python where a function or a hook was written there; those attach again.
    if let Some(pass) = pass.single {
        let found = py.detach(|| pass.retain_graph(retain_graph).run())?;
        deliver(py, found)?;
    }
    if let Some(pass) = pass.double {
        let found = py.detach(|| pass.retain_graph(retain_graph).run())?;
        deliver(py, found)?;
    }
    Ok(())
}

#[pymethods]
impl PyTensor {
    /// Adds to the `.grad` of every leaf the gradient of this scalar with respect to it; `gradient` is that of something
    /// with respect to this tensor, where it is no scalar.
    #[pyo3(signature = (gradient=None, retain_graph=None, create_graph=false))]
    fn backward(
        &self,
        py: Python<'_>,
        gradient: Option<&Bound<'_, PyTensor>>,
        retain_graph: Option<bool>,
        create_graph: bool,
    ) -> Result<()> {
        check_create_graph(create_graph)?;
        let mut pass = Pass::new();
        pass.add_root(&self.value(), gradient.map(|grad| grad.get().value()).as_ref())?;
        run(py, pass, retain_graph.unwrap_or(false))
    }

    /// Keeps the gradient of this computed tensor in its `.grad` too.
    fn retain_grad(&self) -> Result<()> {
        fn keep<T: Float>(x: &Tensor<T>, gradient: Arc<Gradient>) -> Result<()> {
            x.register_hook(move |grad| {
                let found = T::into_any(grad.clone());
                Python::attach(|py| gradient.accumulate(py, found))
                    .map_err(|failure| callback(failure.into()))?;
                Ok(None)
            })?;
            Ok(())
        }
        if self.look(is_leaf) {
            return Ok(());
        }
        let gradient: Arc<Gradient> = self.gradient().clone();
        if gradient.retained.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        match self.value() {
            AnyTensor::F32(x) => keep(&x, gradient),
            AnyTensor::F64(x) => keep(&x, gradient),
            _ => Err(PyRuntimeError::new_err("retain_grad: only floats have gradients").into()),
        }
    }

    /// Calls `hook(grad)` whenever a backward pass has completed the gradient of this tensor; a tensor that it returns
    /// goes on instead. `.remove()` of what is returned takes it away.
    fn register_hook(&self, hook: Py<PyAny>) -> Result<HookHandle> {
        fn add<T: Float>(x: &Tensor<T>, hook: Py<PyAny>) -> Result<u64> {
            Ok(x.register_hook(move |grad| {
                let given = PyTensor::from(T::into_any(grad.clone()));
                Python::attach(|py| -> PyResult<Option<AnyTensor>> {
                    let replaced = hook.call1(py, (given,))?;
                    let replaced = replaced.bind(py);
                    if replaced.is_none() {
                        return Ok(None);
                    }
                    Ok(Some(detached(&replaced.cast::<PyTensor>()?.get().value())))
                })
                .map_err(callback)?
                .map(|replaced| replaced.get())
                .transpose()
            })?)
        }
        let value = self.value();
        let number = match &value {
            AnyTensor::F32(x) => add(x, hook)?,
            AnyTensor::F64(x) => add(x, hook)?,
            _ => return Err(PyRuntimeError::new_err("register_hook: only floats have gradients").into()),
        };
        Ok(HookHandle { tensor: value, number })
    }
}

/// Takes a hook away again.
#[pyclass(module = "barehand", frozen)]
pub struct HookHandle {
    tensor: AnyTensor,
    number: u64,
}

#[pymethods]
impl HookHandle {
    /// The hook is called no longer.
    fn remove(&self) {
        match &self.tensor {
            AnyTensor::F32(x) => x.remove_hook(self.number),
            AnyTensor::F64(x) => x.remove_hook(self.number),
            _ => {}
        }
    }
}

/// One tensor or several.
fn several<'py>(given: &Bound<'py, PyAny>) -> Result<Vec<Bound<'py, PyTensor>>> {
    match given.cast::<PyTensor>() {
        Ok(one) => Ok(vec![one.clone()]),
        Err(_) => Ok(given.extract()?),
    }
}

/// One gradient or several, any of which may be left out.
fn several_or_none<'py>(
    given: Option<&Bound<'py, PyAny>>,
    count: usize,
) -> Result<Vec<Option<Bound<'py, PyTensor>>>> {
    let Some(given) = given else { return Ok(vec![None; count]) };
    let gradients: Vec<Option<Bound<'py, PyTensor>>> = match given.cast::<PyTensor>() {
        Ok(one) => vec![Some(one.clone())],
        Err(_) => given.extract()?,
    };
    if gradients.len() != count {
        return Err(Failure::value("backward", format!("{} gradients for {count} tensors", gradients.len())));
    }
    Ok(gradients)
}

/// Adds to the `.grad` of every leaf the gradient of the sum of `tensors`.
#[pyfunction]
#[pyo3(signature = (tensors, grad_tensors=None, retain_graph=None, create_graph=false))]
fn backward(
    py: Python<'_>,
    tensors: &Bound<'_, PyAny>,
    grad_tensors: Option<&Bound<'_, PyAny>>,
    retain_graph: Option<bool>,
    create_graph: bool,
) -> Result<()> {
    check_create_graph(create_graph)?;
    let tensors = several(tensors)?;
    let gradients = several_or_none(grad_tensors, tensors.len())?;
    let mut pass = Pass::new();
    for (tensor, grad) in tensors.iter().zip(&gradients) {
        pass.add_root(&tensor.get().value(), grad.as_ref().map(|grad| grad.get().value()).as_ref())?;
    }
    run(py, pass, retain_graph.unwrap_or(false))
}

/// The gradients of the sum of `outputs` with respect to each of `inputs`, leaving every `.grad` as it is.
#[pyfunction]
#[pyo3(signature = (outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=false, allow_unused=false))]
fn grad<'py>(
    py: Python<'py>,
    outputs: &Bound<'py, PyAny>,
    inputs: &Bound<'py, PyAny>,
    grad_outputs: Option<&Bound<'py, PyAny>>,
    retain_graph: Option<bool>,
    create_graph: bool,
    allow_unused: bool,
) -> Result<Bound<'py, PyTuple>> {
    check_create_graph(create_graph)?;
    let (outputs, inputs) = (several(outputs)?, several(inputs)?);
    let gradients = several_or_none(grad_outputs, outputs.len())?;
    let roots: Vec<(AnyTensor, Option<AnyTensor>)> = outputs
        .iter()
        .zip(&gradients)
        .map(|(output, grad)| (output.get().value(), grad.as_ref().map(|grad| grad.get().value())))
        .collect();
    let wanted: Vec<AnyTensor> = inputs.iter().map(|input| input.get().value()).collect();
    let retain = retain_graph.unwrap_or(false);
    let found = if roots.iter().any(|(root, _)| matches!(root, AnyTensor::F64(_))) {
        gradients_of::<f64>(py, &roots, &wanted, retain)?
    } else {
        gradients_of::<f32>(py, &roots, &wanted, retain)?
    };
    let mut results = Vec::with_capacity(found.len());
    for (i, found) in found.into_iter().enumerate() {
        if found.is_none() && !allow_unused {
            return Err(PyRuntimeError::new_err(format!(
                "grad: input {i} took no part in the computation; pass allow_unused=True to get None for it"
            ))
            .into());
        }
        results.push(found.map(|grad| Py::new(py, PyTensor::from(grad))).transpose()?);
    }
    Ok(PyTuple::new(py, results)?)
}

fn gradients_of<T: Float>(
    py: Python<'_>,
    roots: &[(AnyTensor, Option<AnyTensor>)],
    wanted: &[AnyTensor],
    retain: bool,
) -> Result<Vec<Option<AnyTensor>>> {
    let mut pass = BackwardPass::<T>::new().retain_graph(retain);
    for (root, grad) in roots {
        // A root of the other precision is looked at through a cast, which the pass walks back.
        let root = real::<T>(root)?;
        let grad = grad.as_ref().map(barehand_tensor::AnyTensor::cast::<T>);
        pass = pass.from(&root, grad.as_ref())?;
    }
    for tensor in wanted {
        match tensor {
            AnyTensor::F32(x) => pass = pass.with_gradient_of(x),
            AnyTensor::F64(x) => pass = pass.with_gradient_of(x),
            _ => return Err(PyRuntimeError::new_err("grad: only floats have gradients").into()),
        }
    }
    let found = py.detach(|| pass.run())?;
    Ok(wanted
        .iter()
        .map(|tensor| match tensor {
            AnyTensor::F32(x) => found.of_either(x).cloned().map(AnyTensor::from),
            AnyTensor::F64(x) => found.of_either(x).cloned().map(AnyTensor::from),
            _ => None,
        })
        .collect())
}

fn real<T: Float>(x: &AnyTensor) -> Result<Tensor<T>> {
    match x {
        AnyTensor::F32(x) => Ok(x.to()),
        AnyTensor::F64(x) => Ok(x.to()),
        _ => Err(PyRuntimeError::new_err("grad: only floats have gradients").into()),
    }
}

/// Switches recording on this thread on or off; returns what it was.
#[pyfunction]
#[pyo3(name = "_set_grad_enabled")]
fn set_grad_enabled(enabled: bool) -> bool {
    set_recording(enabled)
}

/// Whether operations on this thread are recorded.
#[pyfunction]
fn is_grad_enabled() -> bool {
    is_recording()
}

/// A step whose backward is a Python function: `backward(grad) -> (grad_of_input, ...)`.
struct PythonStep<T: Float> {
    name: &'static str,
    output: Tensor<T>,
    backward: Py<PyAny>,
}

impl<T: Float> Operator<T> for PythonStep<T> {
    type Saved = ();

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, _: &[&Tensor<T>]) -> barehand_tensor::Result<(Tensor<T>, ())> {
        Ok((self.output.clone(), ()))
    }

    fn backward(
        &self,
        (): &(),
        grad: &Tensor<T>,
        wants: &[bool],
    ) -> barehand_tensor::Result<InputGradients<T>> {
        Python::attach(|py| -> PyResult<InputGradients<T>> {
            let grad = PyTensor::from(T::into_any(grad.clone()));
            let found = self.backward.bind(py).call1((grad, wants.to_vec()))?;
            let found: Vec<Option<Bound<'_, PyTensor>>> = found.extract()?;
            Ok(found.into_iter().map(|grad| grad.map(|grad| grad.get().value().cast::<T>())).collect())
        })
        .map_err(callback)
    }
}

/// Records a Python function: `output` was computed from `inputs`, and `backward(grad, wants)` returns a gradient, or
/// `None`, for each of them.
#[pyfunction]
#[pyo3(name = "_record")]
fn record(
    name: &str,
    output: &Bound<'_, PyTensor>,
    inputs: Vec<Bound<'_, PyTensor>>,
    backward: Py<PyAny>,
) -> Result<PyTensor> {
    fn step<T: Float>(
        name: &'static str,
        output: Tensor<T>,
        inputs: &[AnyTensor],
        backward: Py<PyAny>,
    ) -> Result<AnyTensor> {
        let inputs = inputs.iter().map(real::<T>).collect::<Result<Vec<_>>>()?;
        let inputs: Vec<&Tensor<T>> = inputs.iter().collect();
        Ok(T::into_any(apply(PythonStep { name, output: output.detach(), backward }, &inputs)?))
    }
    let name = known_name(name);
    let inputs: Vec<AnyTensor> = inputs.iter().map(|input| input.get().value()).collect();
    Ok(PyTensor::from(match output.get().value() {
        AnyTensor::F32(output) => step(name, output, &inputs, backward)?,
        AnyTensor::F64(output) => step(name, output, &inputs, backward)?,
        _ => return Err(PyRuntimeError::new_err("only floats have gradients").into()),
    }))
}

/// Names of operators live as long as the program; each name of a Python function is kept once.
fn known_name(name: &str) -> &'static str {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = crate::tensor::locked(&NAMES);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}

/// Compares the gradients of `f` with central differences in float64 for every element of every input; raises
/// `RuntimeError` naming the element where they differ by more than `tolerance` times (1 + |gradient|).
#[pyfunction]
#[pyo3(signature = (f, inputs, tolerance=1e-6))]
fn check_gradients<'py>(
    py: Python<'py>,
    f: Py<PyAny>,
    inputs: &Bound<'py, PyAny>,
    tolerance: f64,
) -> Result<Bound<'py, PyDict>> {
    let inputs: Vec<Tensor<f64>> =
        several(inputs)?.iter().map(|input| input.get().value().cast::<f64>().detach()).collect();
    let call = |inputs: &[Tensor<f64>]| -> barehand_tensor::Result<Tensor<f64>> {
        let given: Vec<PyTensor> = inputs.iter().map(|x| PyTensor::from(x.clone())).collect();
        Python::attach(|py| -> PyResult<AnyTensor> {
            let output = f.bind(py).call1(PyTuple::new(py, given)?)?;
            Ok(cast(&output.cast::<PyTensor>()?.get().value(), barehand_tensor::DType::F64))
        })
        .map_err(callback)?
        .get()
    };
    let check = barehand_tensor::check_gradients(call, &inputs, tolerance)?;
    let result = PyDict::new(py);
    result.set_item("worst", check.worst)?;
    result.set_item("compared", check.compared)?;
    Ok(result)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<HookHandle>()?;
    module.add("_backward", wrap_pyfunction!(backward, module)?)?;
    module.add("_grad", wrap_pyfunction!(grad, module)?)?;
    module.add_function(wrap_pyfunction!(set_grad_enabled, module)?)?;
    module.add_function(wrap_pyfunction!(is_grad_enabled, module)?)?;
    module.add_function(wrap_pyfunction!(record, module)?)?;
    module.add_function(wrap_pyfunction!(check_gradients, module)?)
}
