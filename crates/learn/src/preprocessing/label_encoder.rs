//! Labels of any kind as numbers from 0 on.

use std::fmt::Debug;

use barehand_tensor::{Error, Result, Tensor};

use crate::model_file::Persist;
use crate::record::{Field, Record};

/// Numbers the distinct labels in ascending order.
///
/// Labels are whatever has an order: whole numbers, text, dates. Source: scikit-learn's `LabelEncoder`.
///
/// ```
/// use barehand_learn::preprocessing::LabelEncoder;
///
/// let encoder = LabelEncoder::new().fit(&["paris", "tokyo", "amsterdam", "tokyo"])?;
/// assert_eq!(encoder.classes(), ["amsterdam", "paris", "tokyo"]);
/// let codes = encoder.transform(&["tokyo", "paris"])?;
/// assert_eq!(codes.to_vec(), [2, 1]);
/// assert_eq!(encoder.inverse_transform(&codes)?, ["tokyo", "paris"]);
/// assert!(encoder.transform(&["oslo"]).unwrap_err().to_string().contains("label \"oslo\" of sample 0"));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelEncoder {}

impl LabelEncoder {
    /// There is nothing to choose.
    pub fn new() -> Self {
        Self::default()
    }

    /// The encoder of the labels that occur here.
    ///
    /// # Errors
    /// There are none.
    pub fn fit<L: Ord + Clone>(&self, labels: &[L]) -> Result<FittedLabelEncoder<L>> {
        if labels.is_empty() {
            return Err(Error::value("LabelEncoder::fit", "0 labels: at least one expected"));
        }
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        Ok(FittedLabelEncoder { classes })
    }
}

/// What [`LabelEncoder`] learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FittedLabelEncoder<L> {
    classes: Vec<L>,
}

impl<L: Ord + Clone + Debug> FittedLabelEncoder<L> {
    /// The distinct labels, in ascending order.
    pub fn classes(&self) -> &[L] {
        &self.classes
    }

    /// The number of each label, `(N)`.
    ///
    /// # Errors
    /// A label did not occur in `fit`.
    pub fn transform(&self, labels: &[L]) -> Result<Tensor<i64>> {
        let codes = labels.iter().enumerate().map(|(i, label)| match self.classes.binary_search(label) {
            Ok(code) => Ok(code as i64),
            Err(_) => {
                let message = format!("label {label:?} of sample {i} did not occur in fit");
                Err(Error::value("LabelEncoder::transform", message))
            }
        });
        Ok(codes.collect::<Result<Vec<i64>>>()?.into())
    }

    /// The label of each number.
    ///
    /// # Errors
    /// A number is not that of a label.
    pub fn inverse_transform(&self, codes: &Tensor<i64>) -> Result<Vec<L>> {
        let label = |code: i64| usize::try_from(code).ok().and_then(|code| self.classes.get(code)).cloned();
        let labels = codes.to_vec().into_iter().enumerate().map(|(i, code)| {
            label(code).ok_or_else(|| {
                let message =
                    format!("code {code} of sample {i}: from 0 to {} expected", self.classes.len() - 1);
                Error::value("LabelEncoder::inverse_transform", message)
            })
        });
        labels.collect()
    }

    fn checked(record: &Record, classes: Vec<L>) -> Result<Self> {
        if classes.is_empty() || classes.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(record.error("its classes do not ascend"));
        }
        Ok(FittedLabelEncoder { classes })
    }
}

const NAME: &str = "LabelEncoder";

impl Persist for FittedLabelEncoder<String> {
    const NAME: &'static str = NAME;

    fn to_record(&self) -> Record {
        let classes: Vec<Field> = self.classes.iter().map(|label| label.as_str().into()).collect();
        Record::new(NAME).with("classes", classes)
    }

    fn from_record(record: &Record) -> Result<Self> {
        let Field::List(list) = record.field("classes")? else {
            return Err(record.error("its classes are no list of text"));
        };
        let text = list.iter().map(|label| match label {
            Field::Text(label) => Ok(label.clone()),
            _ => Err(record.error("its classes are no list of text")),
        });
        Self::checked(record, text.collect::<Result<_>>()?)
    }
}

impl Persist for FittedLabelEncoder<i64> {
    const NAME: &'static str = NAME;

    fn to_record(&self) -> Record {
        Record::new(NAME).with("classes", crate::models::labels(&self.classes))
    }

    fn from_record(record: &Record) -> Result<Self> {
        Self::checked(record, record.tensor::<i64>("classes")?.to_vec())
    }
}
