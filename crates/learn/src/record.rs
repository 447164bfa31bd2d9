//! What there is to save of a model: fields by name.

use std::collections::BTreeMap;

use barehand_tensor::{AnyTensor, Element, Error, Result, Tensor};

/// A named set of fields: a model, a part of one, or a set of parameters.
///
/// ```
/// use barehand_learn::Record;
/// use barehand_tensor::Tensor;
///
/// let record = Record::new("Ridge").with("coef", Tensor::from([1.0, 2.0f64])).with("intercept", 0.5);
/// assert_eq!(record.tensor::<f64>("coef")?.to_vec(), [1.0, 2.0]);
/// assert_eq!(record.float("intercept")?, 0.5);
/// assert!(record.float("n_iter").unwrap_err().to_string().contains("field \"n_iter\" is missing"));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    name: String,
    fields: BTreeMap<String, Field>,
}

/// One value of a [`Record`].
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Nothing: an option that is not set.
    None,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A real number, infinite and NaN included.
    Float(f64),
    /// Text.
    Text(String),
    /// An array.
    Tensor(AnyTensor),
    /// A part with fields of its own.
    Record(Record),
    /// Several values in order.
    List(Vec<Field>),
}

impl Field {
    fn kind(&self) -> &'static str {
        match self {
            Field::None => "nothing",
            Field::Bool(_) => "a bool",
            Field::Integer(_) => "an integer",
            Field::Float(_) => "a float",
            Field::Text(_) => "text",
            Field::Tensor(_) => "a tensor",
            Field::Record(_) => "a record",
            Field::List(_) => "a list",
        }
    }
}

macro_rules! from {
    ($($t:ty => $convert:expr),* $(,)?) => { $(
        impl From<$t> for Field {
            fn from(value: $t) -> Self {
                $convert(value)
            }
        }
    )* };
}
from! {
    bool => Field::Bool,
    i64 => Field::Integer,
    usize => |value| Field::Integer(value as i64),
    f64 => Field::Float,
    String => Field::Text,
    &str => |value: &str| Field::Text(value.to_owned()),
    AnyTensor => Field::Tensor,
    &[f64] => |value: &[f64]| Field::Tensor(Tensor::from(value.to_vec()).into()),
    Record => Field::Record,
    Vec<Field> => Field::List,
    Vec<Record> => |value: Vec<Record>| Field::List(value.into_iter().map(Field::Record).collect()),
}

impl<T: Element> From<Tensor<T>> for Field
where
    AnyTensor: From<Tensor<T>>,
{
    fn from(value: Tensor<T>) -> Self {
        Field::Tensor(value.into())
    }
}

impl<F: Into<Field>> From<Option<F>> for Field {
    fn from(value: Option<F>) -> Self {
        value.map_or(Field::None, Into::into)
    }
}

impl Record {
    /// A record of this name without fields.
    pub fn new(name: impl Into<String>) -> Record {
        Record { name: name.into(), fields: BTreeMap::new() }
    }

    /// What it is a record of: `"Ridge"`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The record with one field more, or another value of it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Field>) -> Record {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// The record without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Record {
        self.fields.remove(name);
        self
    }

    /// Every field, by name.
    pub fn fields(&self) -> &BTreeMap<String, Field> {
        &self.fields
    }

    /// A field.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn field(&self, name: &str) -> Result<&Field> {
        self.fields.get(name).ok_or_else(|| self.error(format!("field {name:?} is missing")))
    }

    /// A field of whole numbers.
    ///
    /// # Errors
    /// There is none of this name, or it is something else; so for all that follow.
    pub fn integer(&self, name: &str) -> Result<i64> {
        match self.field(name)? {
            Field::Integer(value) => Ok(*value),
            other => Err(self.wrong(name, other, "an integer")),
        }
    }

    /// A whole number that counts.
    pub fn count(&self, name: &str) -> Result<usize> {
        let value = self.integer(name)?;
        usize::try_from(value).map_err(|_| self.error(format!("field {name:?} is {value}, not a count")))
    }

    /// True or false.
    pub fn bool(&self, name: &str) -> Result<bool> {
        match self.field(name)? {
            Field::Bool(value) => Ok(*value),
            other => Err(self.wrong(name, other, "a bool")),
        }
    }

    /// A real number.
    pub fn float(&self, name: &str) -> Result<f64> {
        match self.field(name)? {
            Field::Float(value) => Ok(*value),
            other => Err(self.wrong(name, other, "a float")),
        }
    }

    /// Text.
    pub fn text(&self, name: &str) -> Result<&str> {
        match self.field(name)? {
            Field::Text(value) => Ok(value),
            other => Err(self.wrong(name, other, "text")),
        }
    }

    /// A tensor of `T`.
    pub fn tensor<T: Element>(&self, name: &str) -> Result<Tensor<T>> {
        match self.field(name)? {
            Field::Tensor(any) => any
                .get()
                .map_err(|_| self.error(format!("field {name:?} holds {}, not {}", any.dtype(), T::DTYPE))),
            other => Err(self.wrong(name, other, "a tensor")),
        }
    }

    /// A tensor of `T` with this shape.
    pub fn tensor_of<T: Element>(&self, name: &str, shape: &[usize]) -> Result<Tensor<T>> {
        let tensor = self.tensor(name)?;
        if tensor.shape() == shape {
            return Ok(tensor);
        }
        let found = tensor.shape();
        Err(self.error(format!("field {name:?} has shape {found:?}, expected {shape:?}")))
    }

    /// A part.
    pub fn record(&self, name: &str) -> Result<&Record> {
        match self.field(name)? {
            Field::Record(value) => Ok(value),
            other => Err(self.wrong(name, other, "a record")),
        }
    }

    /// Several parts.
    pub fn records(&self, name: &str) -> Result<Vec<&Record>> {
        let Field::List(list) = self.field(name)? else {
            return Err(self.wrong(name, self.field(name)?, "a list of records"));
        };
        list.iter()
            .map(|field| match field {
                Field::Record(record) => Ok(record),
                other => Err(self.wrong(name, other, "a record in each place")),
            })
            .collect()
    }

    /// Whether the field is there and set.
    pub fn is_set(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|field| *field != Field::None)
    }

    /// An error about this record.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::format(&self.name, message)
    }

    fn wrong(&self, name: &str, found: &Field, expected: &str) -> Error {
        self.error(format!("field {name:?} holds {}, expected {expected}", found.kind()))
    }
}
