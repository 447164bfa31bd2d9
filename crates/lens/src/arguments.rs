//! The user's JSON, read as what a block expects.

use barehand_textbook::{Array, Reduction};
use serde_json::Value;

use crate::block::Block;
use crate::error::Error;

/// The value of every input and option of one block: the user's, else the default.
#[derive(Debug)]
pub(crate) struct Arguments {
    block: &'static Block,
    values: Vec<(&'static str, Value)>,
}

impl Arguments {
    /// Checks the names in `given`; an empty name stands for the first input.
    pub fn new(block: &'static Block, given: &[(String, Value)]) -> Result<Self, Error> {
        let known = || block.inputs.iter().chain(block.options);
        let mut values: Vec<(&'static str, Value)> = known().map(|i| (i.name, i.default_value())).collect();
        for (name, value) in given {
            let slot = values
                .iter_mut()
                .enumerate()
                .find(|(i, (known, _))| known == name || (name.is_empty() && *i == 0));
            let Some((_, slot)) = slot else {
                let known = known().map(|i| i.name).collect();
                return Err(Error::UnknownInput { block: block.name, name: name.clone(), known });
            };
            slot.1 = value.clone();
        }
        Ok(Arguments { block, values })
    }

    /// Names and values, inputs first.
    pub fn values(&self) -> &[(&'static str, Value)] {
        &self.values
    }

    fn get(&self, name: &str) -> &Value {
        self.values.iter().find(|(known, _)| *known == name).map_or(&Value::Null, |(_, value)| value)
    }

    /// An error about the input called `name`.
    pub fn invalid(&self, name: &str, message: impl Into<String>) -> Error {
        Error::InvalidInput { block: self.block.name, name: name.to_owned(), message: message.into() }
    }

    /// A number, or nested lists of numbers of equal lengths.
    pub fn array(&self, name: &str) -> Result<Array, Error> {
        let value = self.get(name);
        let (mut shape, mut data) = (Vec::new(), Vec::new());
        let mut first = value;
        while let Value::Array(items) = first {
            shape.push(items.len());
            match items.first() {
                Some(item) => first = item,
                None => break,
            }
        }
        collect(value, &shape, &mut data).map_err(|message| self.invalid(name, message))?;
        Array::new(&shape, data).map_err(|error| self.invalid(name, error.to_string()))
    }

    /// An array, unless the value is null.
    pub fn maybe_array(&self, name: &str) -> Result<Option<Array>, Error> {
        if self.get(name).is_null() { Ok(None) } else { self.array(name).map(Some) }
    }

    /// A list of numbers.
    pub fn vector(&self, name: &str) -> Result<Vec<f64>, Error> {
        let array = self.array(name)?;
        if array.rank() == 1 {
            return Ok(array.data().to_vec());
        }
        Err(self.invalid(name, format!("expected a list of numbers, got shape {:?}", array.shape())))
    }

    /// A list of arrays of any shapes.
    pub fn arrays(&self, name: &str) -> Result<Vec<Array>, Error> {
        let Value::Array(items) = self.get(name) else {
            return Err(self.invalid(name, "expected a list of arrays"));
        };
        let one = |item: &Value| {
            let values = vec![(self.block.inputs[0].name, item.clone())];
            Arguments { block: self.block, values }.array(self.block.inputs[0].name)
        };
        items.iter().map(one).collect()
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<f64, Error> {
        number(self.get(name)).map_err(|message| self.invalid(name, message))
    }

    /// A number, unless the value is null.
    pub fn maybe_number(&self, name: &str) -> Result<Option<f64>, Error> {
        if self.get(name).is_null() { Ok(None) } else { self.number(name).map(Some) }
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Result<i64, Error> {
        let value = self.get(name);
        value.as_i64().ok_or_else(|| self.invalid(name, format!("expected a whole number, got {value}")))
    }

    /// A whole number from 0 to ten thousand: a trace is to be read.
    pub fn count(&self, name: &str) -> Result<usize, Error> {
        let n = self.integer(name)?;
        let count = usize::try_from(n).ok().filter(|n| *n <= 10_000);
        count.ok_or_else(|| self.invalid(name, format!("must lie in 0..=10000, got {n}")))
    }

    /// A list of whole numbers; one number is a list of one.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>, Error> {
        let value = self.get(name);
        let items = if let Value::Array(items) = value { items.clone() } else { vec![value.clone()] };
        let integers = items.iter().map(Value::as_i64).collect::<Option<_>>();
        integers.ok_or_else(|| self.invalid(name, format!("expected whole numbers, got {value}")))
    }

    /// Two numbers from 0 to 100, vertical and horizontal; one number stands for both.
    pub fn pair(&self, name: &str) -> Result<[usize; 2], Error> {
        let size = |n: i64| usize::try_from(n).ok().filter(|n| *n <= 100);
        let sizes: Option<Vec<usize>> = self.integers(name)?.into_iter().map(size).collect();
        match sizes.as_deref() {
            Some(&[both]) => Ok([both, both]),
            Some(&[vertical, horizontal]) => Ok([vertical, horizontal]),
            _ => Err(self.invalid(name, "expected one or two whole numbers in 0..=100, none negative")),
        }
    }

    /// A pair, or `None` for null.
    pub fn maybe_pair(&self, name: &str) -> Result<Option<[usize; 2]>, Error> {
        if self.get(name).is_null() { Ok(None) } else { self.pair(name).map(Some) }
    }

    /// true or false.
    pub fn flag(&self, name: &str) -> Result<bool, Error> {
        let value = self.get(name);
        value.as_bool().ok_or_else(|| self.invalid(name, format!("expected true or false, got {value}")))
    }

    /// One of several words: what the word stands for.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, Error> {
        let value = self.get(name);
        let chosen = choices.iter().find(|(word, _)| value.as_str() == Some(word));
        chosen.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.invalid(name, format!("expected one of {}, got {value}", words.join(", ")))
        })
    }

    /// The option `reduction`.
    pub fn reduction(&self) -> Result<Reduction, Error> {
        self.choice(
            "reduction",
            &[("mean", Reduction::Mean), ("sum", Reduction::Sum), ("none", Reduction::None)],
        )
    }

    /// The input `upstream`, or ones in the shape of `output`.
    pub fn upstream(&self, output: &Array) -> Result<Array, Error> {
        Ok(self.maybe_array("upstream")?.unwrap_or_else(|| output.map(|_| 1.0)))
    }

    /// The input `upstream`, or the gradient of the first element of `output`.
    pub fn upstream_of_first(&self, output: &Array) -> Result<Array, Error> {
        let mut first = output.map(|_| 0.0);
        if let Some(one) = first.data_mut().first_mut() {
            *one = 1.0;
        }
        Ok(self.maybe_array("upstream")?.unwrap_or(first))
    }
}

/// JSON has no word for infinity and not-a-number; they come as strings.
fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "inf" | "infinity" => Ok(f64::INFINITY),
            "-inf" | "-infinity" => Ok(f64::NEG_INFINITY),
            "nan" => Ok(f64::NAN),
            _ => Err(format!("expected a number, got {value}")),
        },
        _ => value.as_f64().ok_or_else(|| format!("expected a number, got {value}")),
    }
}

fn collect(value: &Value, shape: &[usize], data: &mut Vec<f64>) -> Result<(), String> {
    match (value, shape) {
        (Value::Array(items), [n, rest @ ..]) if items.len() == *n => {
            items.iter().try_for_each(|item| collect(item, rest, data))
        }
        (Value::Array(_), _) => {
            Err("the lists in one array must be equally long and equally deep".to_owned())
        }
        (value, []) => number(value).map(|n| data.push(n)),
        (value, _) => Err(format!("expected a list, got {value}")),
    }
}
