//! What optimizers that move each parameter by itself have in common, which is all but the rule.

use std::collections::BTreeMap;

use barehand_kernels::optimizer::Step;

use super::for_each::{for_each_trained, with_elements};
use super::{Optimizer, OptimizerState};
use crate::{Error, Float, Gradients, Parameters, Result, Tensor};

/// The options that every rule has.
#[derive(Clone, Copy, Debug)]
pub struct Common {
    pub(super) learning_rate: f64,
    pub(super) maximize: bool,
    pub(super) strict: bool,
}

/// The options of an optimizer, which say how one parameter moves. Every builder is one.
pub trait Rule: Copy + Send + Sync + 'static {
    /// PyTorch's names of the arrays that may be remembered of a parameter, in the order in which the kernel takes them.
    const ARRAYS: &'static [&'static str];
    /// PyTorch's names of the numbers that are remembered of a parameter, beside the number of its steps.
    const NUMBERS: &'static [&'static str] = &[];
    /// Whether the steps are counted.
    const COUNTED: bool = true;

    /// The optimizer's name, as in `adam`.
    fn name(&self) -> &'static str;

    /// The options that every rule has.
    fn common(&self) -> &Common;

    /// The same, to be changed.
    fn common_mut(&mut self) -> &mut Common;

    /// Refuses what PyTorch refuses.
    ///
    /// # Errors
    /// Names the option that is outside its domain.
    fn validate(&self) -> Result<()>;

    /// With what each of [`ARRAYS`](Rule::ARRAYS) begins; `None` for those that these options do not need.
    fn beginnings(&self) -> [Option<f64>; 3];

    /// The next step of a parameter.
    fn step(&self, moment: &mut Moment) -> Step;

    /// The momentum (for Adam and its relatives, beta1) and its name in a saved state, where there is one.
    fn momentum(&mut self) -> Option<(&'static str, &mut f64)> {
        None
    }
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The number of the step to come, from 1.
    pub step: u64,
    /// Whether the first of its arrays has only just begun.
    pub fresh: bool,
    /// The numbers that are remembered, in the order of [`Rule::NUMBERS`].
    pub numbers: [f64; 2],
}

/// What is remembered of one parameter.
struct Memory<T: Float> {
    name: String,
    steps: u64,
    numbers: [f64; 2],
    arrays: [Option<Tensor<T>>; 3],
}

impl<T: Float> Memory<T> {
    fn new(name: &str) -> Self {
        Memory { name: name.to_owned(), steps: 0, numbers: [0.0; 2], arrays: [None, None, None] }
    }
}

type Members<T> = Box<dyn Fn(&str, &Tensor<T>) -> bool + Send + Sync>;
type Change<R> = Box<dyn Fn(R) -> R + Send + Sync>;

/// An optimizer that moves every parameter by one [`Rule`], and remembers what the rule needs.
pub struct ByRule<R: Rule, T: Float = f32> {
    rule: R,
    memories: Vec<Memory<T>>,
    /// Where each parameter's memory is, by name.
    places: BTreeMap<String, usize>,
    /// Where the next parameter's probably is, for they come in the same order every time.
    next: usize,
    groups: Vec<(Members<T>, Change<R>)>,
}

impl<R: Rule, T: Float> ByRule<R, T> {
    /// The optimizer with these options, which has no memories yet.
    ///
    /// # Errors
    /// As [`Rule::validate`].
    pub fn new(rule: R) -> Result<Self> {
        rule.validate()?;
        Ok(ByRule { rule, memories: Vec::new(), places: BTreeMap::new(), next: 0, groups: Vec::new() })
    }

    /// Goes on with other options, and the memories of before.
    ///
    /// # Errors
    /// As the builder's `build`; the options of before then stay.
    pub fn set_options(&mut self, options: R) -> Result<()> {
        options.validate()?;
        for (_, change) in &self.groups {
            change(options).validate()?;
        }
        self.rule = options;
        Ok(())
    }

    /// Gives the parameters that `members` chooses by name or shape options of their own, which `change` makes from those
    /// of the others; so they follow a schedule as well. A parameter is in the first group that chooses it.
    ///
    /// ```
    /// use barehand_nn::{AdamW, named};
    ///
    /// # fn main() -> barehand_nn::Result<()> {
    /// let optimizer = AdamW::builder(1e-3)
    ///     .weight_decay(0.1)
    ///     .build::<f32>()?
    ///     .group(named("embedding.*"), |options| options.scale_learning_rate(0.1))?
    ///     .group(|_, parameter| parameter.rank() < 2, |options| options.weight_decay(0.0))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As the builder's `build`, for the changed options.
    pub fn group(
        mut self,
        members: impl Fn(&str, &Tensor<T>) -> bool + Send + Sync + 'static,
        change: impl Fn(R) -> R + Send + Sync + 'static,
    ) -> Result<Self> {
        change(self.rule).validate()?;
        self.groups.push((Box::new(members), Box::new(change)));
        Ok(self)
    }

    /// The options of one parameter.
    fn options_of(&self, name: &str, parameter: &Tensor<T>) -> R {
        let group = self.groups.iter().find(|(members, _)| members(name, parameter));
        group.map_or(self.rule, |(_, change)| change(self.rule))
    }

    /// The memory of a parameter.
    fn memory(&mut self, name: &str) -> &mut Memory<T> {
        let expected = self.memories.get(self.next).is_some_and(|memory| memory.name == name);
        let place = if expected {
            self.next
        } else if let Some(&place) = self.places.get(name) {
            place
        } else {
            self.places.insert(name.to_owned(), self.memories.len());
            self.memories.push(Memory::new(name));
            self.memories.len() - 1
        };
        self.next = if place + 1 == self.memories.len() { 0 } else { place + 1 };
        &mut self.memories[place]
    }

    /// Moves a parameter along the elements of its gradient.
    fn moved(&mut self, name: &str, parameter: &mut Tensor<T>, gradient: &[T]) -> Result<()> {
        let rule = self.options_of(name, parameter);
        let beginnings = rule.beginnings();
        if R::ARRAYS.is_empty() || (!R::COUNTED && beginnings.iter().all(Option::is_none)) {
            let mut moment = Moment { step: 1, fresh: true, numbers: [0.0; 2] };
            T::step(&rule.step(&mut moment), parameter.data_mut(), gradient, &mut [], T::from_real(1.0));
            return Ok(());
        }
        let memory = self.memory(name);
        for array in memory.arrays.iter().flatten() {
            if array.shape() != parameter.shape() {
                return Err(Error::shape(
                    rule.name(),
                    format!(
                        "the state of {name} has shape {:?}, the parameter {:?}",
                        array.shape(),
                        parameter.shape()
                    ),
                ));
            }
        }
        let step = memory.steps.saturating_add(1);
        let mut moment = Moment { step, fresh: memory.arrays[0].is_none(), numbers: memory.numbers };
        let step = rule.step(&mut moment);
        memory.steps = moment.step;
        // In the precision of the parameter, as PyTorch keeps them where that is its default type.
        memory.numbers = moment.numbers.map(|number| T::from_real(number).as_f64());
        let mut state: [&mut [T]; 3] = Default::default();
        let mut count = 0;
        for (array, beginning) in memory.arrays.iter_mut().zip(beginnings) {
            let Some(beginning) = beginning else { continue };
            let array = array.get_or_insert_with(|| Tensor::full(parameter.shape(), T::from_real(beginning)));
            state[count] = array.data_mut();
            count += 1;
        }
        T::step(&step, parameter.data_mut(), gradient, &mut state[..count], T::from_real(1.0));
        Ok(())
    }
}

impl<R: Rule, T: Float> Optimizer<T> for ByRule<R, T> {
    fn step(&mut self, model: &mut dyn Parameters<T>, gradients: &Gradients<T>) -> Result<()> {
        let Common { strict, .. } = *self.rule.common();
        for_each_trained(self.rule.name(), model, gradients, strict, |name, parameter, gradient| {
            self.moved(name, parameter, gradient)
        })
    }

    fn update(&mut self, name: &str, parameter: &mut Tensor<T>, gradient: &Tensor<T>) -> Result<()> {
        with_elements(self.rule.name(), parameter, gradient, |parameter, gradient| {
            self.moved(name, parameter, gradient)
        })
    }

    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn learning_rate(&self) -> f64 {
        self.rule.common().learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.rule.common_mut().learning_rate = learning_rate;
    }

    fn momentum(&self) -> f64 {
        let mut rule = self.rule;
        rule.momentum().map_or(0.0, |(_, momentum)| *momentum)
    }

    fn set_momentum(&mut self, momentum: f64) {
        if let Some((_, held)) = self.rule.momentum() {
            *held = momentum;
        }
    }

    fn state(&self) -> OptimizerState<T> {
        let mut state = OptimizerState::default();
        state.scalars.insert("learning_rate".to_owned(), self.learning_rate());
        if let Some((name, momentum)) = { self.rule }.momentum() {
            state.scalars.insert(name.to_owned(), *momentum);
        }
        for Memory { name, steps, numbers, arrays } in &self.memories {
            if R::COUNTED {
                state.scalars.insert(format!("{name}.step"), *steps as f64);
            }
            for (kind, number) in R::NUMBERS.iter().zip(numbers) {
                state.scalars.insert(format!("{name}.{kind}"), *number);
            }
            for (kind, array) in R::ARRAYS.iter().zip(arrays) {
                if let Some(array) = array {
                    state.tensors.insert(format!("{name}.{kind}"), array.clone());
                }
            }
        }
        state
    }

    fn load_state(&mut self, mut state: OptimizerState<T>) -> Result<()> {
        let optimizer = self.rule.name();
        let foreign = |name: &str| {
            Error::value(optimizer, format!("the saved state holds {name}, which is not {optimizer}'s"))
        };
        let mut rate = |name: &str| {
            let missing = || Error::value(optimizer, format!("the saved state holds no {name}"));
            state.scalars.remove(name).ok_or_else(missing)
        };
        let mut rule = self.rule;
        rule.common_mut().learning_rate = rate("learning_rate")?;
        if let Some((name, momentum)) = rule.momentum() {
            *momentum = rate(name)?;
        }
        let mut loaded = ByRule::new(self.rule)?;
        for (name, value) in state.scalars {
            let (parameter, kind) = name.rsplit_once('.').ok_or_else(|| foreign(&name))?;
            let memory = loaded.memory(parameter);
            if R::COUNTED && kind == "step" {
                memory.steps = value as u64;
            } else {
                let place = R::NUMBERS.iter().position(|number| *number == kind);
                memory.numbers[place.ok_or_else(|| foreign(&name))?] = value;
            }
        }
        for (name, tensor) in state.tensors {
            let (parameter, kind) = name.rsplit_once('.').ok_or_else(|| foreign(&name))?;
            let place = R::ARRAYS.iter().position(|array| *array == kind).ok_or_else(|| foreign(&name))?;
            loaded.memory(parameter).arrays[place] = Some(tensor);
        }
        loaded.groups = std::mem::take(&mut self.groups);
        *self = ByRule { rule, ..loaded };
        Ok(())
    }
}

/// Chooses parameters by name, for [`ByRule::group`] and [`clip_grad_norm_of`](crate::clip_grad_norm_of): a `*` stands for
/// any letters, none included.
///
/// ```
/// use barehand_nn::{Tensor, named};
///
/// let biases = named("*.bias");
/// let any = Tensor::<f32>::zeros([1]);
/// assert!(biases("layers.0.bias", &any) && !biases("layers.0.weight", &any));
/// ```
pub fn named<T: Float>(pattern: &str) -> impl Fn(&str, &Tensor<T>) -> bool + Send + Sync + 'static {
    let pattern = pattern.to_owned();
    move |name, _| matches(&pattern, name)
}

/// Whether a name is the pattern, in which stars stand for any letters.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    // Each part where it is found first leaves most for the others.
    for part in middle.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(last)
}

/// A builder: its options with their defaults, and a method that sets each. All have a learning rate, `maximize` and
/// `strict`.
macro_rules! options {
    (
        $(#[$doc:meta])*
        $builder:ident {
            $( $(#[$field_doc:meta])* $field:ident: $type:tt = $default:expr, )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[must_use]
        pub struct $builder {
            common: $crate::optim::rule::Common,
            $( $field: $type, )*
        }

        impl $builder {
            fn new(learning_rate: f64) -> Self {
                let common =
                    $crate::optim::rule::Common { learning_rate, maximize: false, strict: true };
                $builder { common, $( $field: $default, )* }
            }

            $( $crate::optim::rule::setter! { $(#[$field_doc])* $field $type } )*

            /// Multiplies the learning rate: for a [group](crate::optim::rule::ByRule::group) that is to follow the others
            /// at its own pace.
            pub fn scale_learning_rate(mut self, factor: f64) -> Self {
                self.common.learning_rate *= factor;
                self
            }

            /// Whether to climb instead. Default false.
            pub fn maximize(mut self, maximize: bool) -> Self {
                self.common.maximize = maximize;
                self
            }

            /// Whether a trained parameter without a gradient is an error. Default true; PyTorch skips it.
            pub fn strict(mut self, strict: bool) -> Self {
                self.common.strict = strict;
                self
            }

            /// The optimizer.
            ///
            /// # Errors
            /// As PyTorch: an option outside its domain, which is named.
            pub fn build<T: $crate::Float>(self) -> $crate::Result<$crate::optim::rule::ByRule<Self, T>> {
                $crate::optim::rule::ByRule::new(self)
            }
        }
    };
}

/// The method that sets one option; a pair has two arguments.
macro_rules! setter {
    ($(#[$doc:meta])* $field:ident (f64, f64)) => {
        $(#[$doc])*
        pub fn $field(mut self, first: f64, second: f64) -> Self {
            self.$field = (first, second);
            self
        }
    };
    ($(#[$doc:meta])* $field:ident $type:tt) => {
        $(#[$doc])*
        pub fn $field(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    };
}

/// The two methods of [`Rule`] that are alike for all builders.
macro_rules! common {
    () => {
        fn common(&self) -> &$crate::optim::rule::Common {
            &self.common
        }

        fn common_mut(&mut self) -> &mut $crate::optim::rule::Common {
            &mut self.common
        }
    };
}

pub(super) use {common, options, setter};

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_letters() {
        for (pattern, name, expected) in [
            ("weight", "weight", true),
            ("weight", "0.weight", false),
            ("*", "", true),
            ("*.bias", "0.bias", true),
            ("*.bias", "bias", false),
            ("layers.*.weight", "layers.0.weight", true),
            ("layers.*.weight", "layers.weight", false),
            ("*.attention.*.weight", "0.attention.1.attention.weight", true),
            ("a*a", "a", false),
            ("a*b*c", "a_b_b_c", true),
            ("a*b*c", "a_c", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
