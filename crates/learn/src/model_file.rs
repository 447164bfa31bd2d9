//! The one file of a model: a safetensors file whose header holds the model's fields as JSON.
//!
//! Tensors lie in the file under the paths of their fields (`steps.0.mean`); everything else stands in the header, under
//! `barehand.model`, with the version of the format. There is no code in it, and reading one checks every field.

use std::collections::BTreeMap;
use std::path::Path;

use barehand_tensor::safetensors::Archive;
use barehand_tensor::{Error, NamedTensors, Result};
use serde_json::{Map, Value, json};

use crate::record::{Field, Record};

/// One more whenever an older barehand could not read what is written.
pub const VERSION: u64 = 1;

const MODEL: &str = "barehand.model";
const VERSION_KEY: &str = "barehand.version";

/// A fitted model that can be written to a file and read back: the same predictions, to the bit.
pub trait Persist: Sized {
    /// The estimator's name, `"Ridge"`, and what its file says it is.
    const NAME: &'static str;

    /// Everything that predicting and looking at the model needs.
    fn to_record(&self) -> Record;

    /// The model of a record; every length and index is checked here, for a file may say anything.
    fn from_record(record: &Record) -> Result<Self>;

    /// Writes the model to a file, whole or not at all.
    ///
    /// # Errors
    /// What the operating system says.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        to_archive(&self.to_record()).write(path)
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    /// It is not one, of another estimator or element type, or written by a later version.
    fn load(path: impl AsRef<Path>) -> Result<Self> {
        let source = path.as_ref().display().to_string();
        Self::from_record(named(&from_archive(&source, Archive::read(&path)?)?, Self::NAME, &source)?)
    }

    /// The bytes of the file; equal models give equal bytes.
    fn to_bytes(&self) -> Result<Vec<u8>> {
        to_archive(&self.to_record()).to_bytes()
    }

    /// The model of a file's bytes.
    ///
    /// # Errors
    /// As [`Persist::load`].
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        const SOURCE: &str = "from_bytes";
        Self::from_record(named(&read_bytes(SOURCE, bytes)?, Self::NAME, SOURCE)?)
    }
}

fn named<'a>(record: &'a Record, name: &str, source: &str) -> Result<&'a Record> {
    if record.name() == name {
        return Ok(record);
    }
    Err(Error::format(source, format!("holds a model of {}, not of {name}", record.name())))
}

/// The bytes of the file of a record.
pub fn write_bytes(record: &Record) -> Result<Vec<u8>> {
    to_archive(record).to_bytes()
}

/// The record in the bytes of a file, which `source` names in errors.
pub fn read_bytes(source: &str, bytes: &[u8]) -> Result<Record> {
    from_archive(source, Archive::from_bytes(source, bytes)?)
}

/// Writes a record to a file, whole or not at all.
pub fn write(record: &Record, path: impl AsRef<Path>) -> Result<()> {
    to_archive(record).write(path)
}

/// Reads the record in a file.
pub fn read(path: impl AsRef<Path>) -> Result<Record> {
    from_archive(&path.as_ref().display().to_string(), Archive::read(&path)?)
}

/// What a program keeps in a model's file beside the model: a text and arrays of its own, which nobody else looks at.
#[derive(Clone, Debug, Default)]
pub struct Companion {
    /// Whatever it wants to read again, JSON say.
    pub text: String,
    /// Arrays by name.
    pub tensors: NamedTensors,
}

fn companion_key(owner: &str) -> String {
    format!("barehand.{owner}")
}

/// Writes a record and beside it what `owner` (`"python"`) keeps there.
///
/// # Errors
/// What the operating system says.
pub fn write_beside(
    record: &Record,
    owner: &str,
    companion: &Companion,
    path: impl AsRef<Path>,
) -> Result<()> {
    let mut archive = to_archive(record);
    archive.metadata.insert(companion_key(owner), companion.text.clone());
    // No path of a field has a slash.
    let tensors = companion.tensors.iter().map(|(name, tensor)| (format!("{owner}/{name}"), tensor.clone()));
    archive.tensors.extend(tensors);
    archive.write(path)
}

/// Reads the record in a file, and what `owner` kept beside it, if anything.
///
/// # Errors
/// It is not a model's file, or written by a later version.
pub fn read_beside(path: impl AsRef<Path>, owner: &str) -> Result<(Record, Option<Companion>)> {
    let mut archive = Archive::read(&path)?;
    let companion = archive.metadata.remove(&companion_key(owner)).map(|text| {
        let prefix = format!("{owner}/");
        let mut tensors = NamedTensors::new();
        for (name, tensor) in &archive.tensors {
            if let Some(name) = name.strip_prefix(&prefix) {
                tensors.insert(name.to_owned(), tensor.clone());
            }
        }
        Companion { text, tensors }
    });
    Ok((from_archive(&path.as_ref().display().to_string(), archive)?, companion))
}

fn to_archive(record: &Record) -> Archive {
    let mut tensors = NamedTensors::new();
    let model = record_to_json(record, "", &mut tensors);
    let metadata = BTreeMap::from([
        (MODEL.to_owned(), model.to_string()),
        (VERSION_KEY.to_owned(), VERSION.to_string()),
    ]);
    Archive { tensors, metadata }
}

fn from_archive(source: &str, mut archive: Archive) -> Result<Record> {
    let malformed = |message: String| Error::format(source, message);
    let (Some(model), Some(version)) = (archive.metadata.get(MODEL), archive.metadata.get(VERSION_KEY))
    else {
        return Err(malformed(format!("not a model file: its header has no {MODEL:?}")));
    };
    match version.parse::<u64>() {
        Ok(version) if version <= VERSION => {}
        Ok(version) => {
            return Err(malformed(format!(
                "a model file of version {version}; this barehand reads versions up to {VERSION}: a later one wrote it"
            )));
        }
        Err(_) => return Err(malformed(format!("version {version:?} is not a number"))),
    }
    let model: Value =
        serde_json::from_str(model).map_err(|e| malformed(format!("the model's header: {e}")))?;
    match field_from_json(&model, &mut archive.tensors).map_err(malformed)? {
        Field::Record(record) => Ok(record),
        _ => Err(malformed("the model's header is not a record".into())),
    }
}

fn record_to_json(record: &Record, path: &str, tensors: &mut NamedTensors) -> Value {
    let mut fields = Map::new();
    for (name, field) in record.fields() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        fields.insert(name.clone(), field_to_json(field, &path, tensors));
    }
    json!({"record": record.name(), "fields": fields})
}

fn field_to_json(field: &Field, path: &str, tensors: &mut NamedTensors) -> Value {
    match field {
        Field::None => Value::Null,
        Field::Bool(value) => json!(value),
        Field::Integer(value) => json!(value),
        // JSON has no words for infinity and NaN, and 1.0 must not come back as an integer.
        Field::Float(value) if value.is_finite() => json!({"float": value}),
        Field::Float(value) => json!({"float": value.to_string()}),
        Field::Text(value) => json!(value),
        Field::Tensor(tensor) => {
            tensors.insert(path.to_owned(), tensor.clone());
            json!({"tensor": path})
        }
        Field::Record(record) => record_to_json(record, path, tensors),
        Field::List(list) => list
            .iter()
            .enumerate()
            .map(|(i, field)| field_to_json(field, &format!("{path}.{i}"), tensors))
            .collect(),
    }
}

fn field_from_json(value: &Value, tensors: &mut NamedTensors) -> Result<Field, String> {
    // How deep records lie inside records is bounded by serde_json, which has read them already.
    let unknown = || format!("the model's header has a value that means nothing: {value}");
    Ok(match value {
        Value::Null => Field::None,
        Value::Bool(value) => Field::Bool(*value),
        Value::Number(number) => Field::Integer(number.as_i64().ok_or_else(unknown)?),
        Value::String(text) => Field::Text(text.clone()),
        Value::Array(list) => {
            Field::List(list.iter().map(|value| field_from_json(value, tensors)).collect::<Result<_, _>>()?)
        }
        Value::Object(object) => {
            if let (Some(Value::String(name)), Some(Value::Object(fields))) =
                (object.get("record"), object.get("fields"))
            {
                let mut record = Record::new(name.as_str());
                for (name, value) in fields {
                    record = record.with(name, field_from_json(value, tensors)?);
                }
                Field::Record(record)
            } else if let Some(Value::String(path)) = object.get("tensor") {
                // Taken out: a header that names a tensor twice would multiply its memory.
                let tensor = tensors.remove(path);
                Field::Tensor(tensor.ok_or_else(|| format!("tensor {path:?} is missing, or named twice"))?)
            } else {
                let float = object.get("float").ok_or_else(unknown)?;
                let text = float.as_str().map(str::parse::<f64>);
                Field::Float(float.as_f64().or(text.and_then(Result::ok)).ok_or_else(unknown)?)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use barehand_tensor::Tensor;

    use super::*;

    fn sample() -> Record {
        let part = Record::new("Part").with("x", Tensor::from([1.0f32, 2.0]));
        Record::new("Whole")
            .with("none", Field::None)
            .with("yes", true)
            .with("n", 3usize)
            .with("low", f64::NEG_INFINITY)
            .with("one", 1.0)
            .with("tenth", 0.1)
            .with("name", "lbfgs")
            .with("labels", Tensor::from([3i64, 5]))
            .with("steps", vec![part.clone(), part])
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = write_bytes(&sample()).unwrap();
        assert_eq!(read_bytes("memory", &bytes).unwrap(), sample());
        let nan = read_bytes("memory", &write_bytes(&Record::new("N").with("x", f64::NAN)).unwrap()).unwrap();
        assert!(nan.float("x").unwrap().is_nan());
    }

    #[test]
    fn what_lies_beside_a_model_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.safetensors");
        let tensors = NamedTensors::from([("x".to_owned(), Tensor::from([7i64]).into())]);
        write_beside(&sample(), "python", &Companion { text: "{}".into(), tensors }, &path).unwrap();
        assert_eq!(read(&path).unwrap(), sample());
        let (record, companion) = read_beside(&path, "python").unwrap();
        let companion = companion.unwrap();
        assert_eq!((record, companion.text.as_str()), (sample(), "{}"));
        assert_eq!(companion.tensors["x"].get::<i64>().unwrap().to_vec(), [7]);
        assert!(read_beside(&path, "julia").unwrap().1.is_none());
    }

    #[test]
    fn a_later_version_and_other_files_are_refused() {
        let mut archive = to_archive(&sample());
        archive.metadata.insert(VERSION_KEY.into(), "2".into());
        let error = from_archive("m.safetensors", archive).unwrap_err().to_string();
        assert!(error.contains("m.safetensors: a model file of version 2; this barehand reads"), "{error}");
        let error = from_archive("w", Archive::default()).unwrap_err().to_string();
        assert!(error.contains("not a model file"), "{error}");
    }

    #[test]
    fn headers_that_lie_are_refused() {
        let read = |model: &str| {
            let metadata = BTreeMap::from([
                (MODEL.to_owned(), model.to_owned()),
                (VERSION_KEY.to_owned(), "1".to_owned()),
            ]);
            from_archive("w", Archive { tensors: NamedTensors::new(), metadata }).unwrap_err().to_string()
        };
        assert!(read(r#"{"record":"A","fields":{"x":{"tensor":"x"}}}"#).contains("missing, or named twice"));
        assert!(read("3").contains("not a record"));
        assert!(read(r#"{"record":"A","fields":{"x":1.5}}"#).contains("means nothing: 1.5"));
        let deep = r#"{"record":"A","fields":{"x":"#.repeat(70) + "null" + &"}}".repeat(70);
        assert!(read(&deep).contains("recursion limit"));
    }
}
