//! MNIST as CSV: one image a row, the label first, then 784 pixels; with or without a header row.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use barehand_tensor::{Error, Result, Tensor};

use crate::source::Source;

/// Height and width of an image.
pub(crate) const SIDE: usize = 28;

const PIXELS: usize = SIDE * SIDE;

/// No row of numbers and no header of column names comes near this many bytes.
const LONGEST_LINE: u64 = 1 << 16;

/// Reads images `(N, 1, 28, 28)` and labels `(N)` from a CSV file, plain or gzipped, of rows
/// `label,pixel,...,pixel` with 784 pixels from 0 to 255. A first row that does not start with a number is a header.
///
/// # Errors
/// The file cannot be read, a row has another number of columns, or a value is not a whole number from 0 to 255; the
/// text names the line and the column.
pub fn read_mnist_csv(path: impl AsRef<Path>) -> Result<(Tensor<u8>, Tensor<i64>)> {
    parse(Source::open(path.as_ref())?)
}

/// As [`read_mnist_csv`], from the content of the file.
pub fn parse_mnist_csv(bytes: &[u8]) -> Result<(Tensor<u8>, Tensor<i64>)> {
    parse(Source::of_bytes(bytes, "CSV data")?)
}

fn parse(source: Source<'_>) -> Result<(Tensor<u8>, Tensor<i64>)> {
    let name = source.name;
    let mut reader = BufReader::with_capacity(1 << 16, source.reader);
    let mut header: Option<Vec<u8>> = None;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if read.map_err(|e| Error::io(&name, e))? == 0 {
            break;
        }
        if line.len() as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
            return Err(Error::format(name, format!("line {number} is longer than {LONGEST_LINE} bytes")));
        }
        let row = line.trim_ascii_end();
        if row.is_empty() {
            continue;
        }
        if number == 1 && !starts_as_number(row) {
            header = Some(row.to_vec());
            continue;
        }
        let mut columns = 0;
        for (column, field) in row.split(|&b| b == b',').enumerate() {
            let Some(value) = byte(field) else {
                return Err(Error::format(name, bad_value(number, column, field, header.as_deref())));
            };
            match column {
                0 => labels.push(i64::from(value)),
                _ => pixels.push(value),
            }
            columns = column + 1;
        }
        if columns != 1 + PIXELS {
            let text = format!("line {number} has {columns} columns, expected a label and {PIXELS} pixels");
            return Err(Error::format(name, text));
        }
    }
    if labels.is_empty() {
        return Err(Error::format(name, format!("no rows, expected a label and {PIXELS} pixels in each")));
    }
    let count = labels.len();
    Ok((Tensor::from_vec(pixels, [count, 1, SIDE, SIDE])?, Tensor::from_vec(labels, [count])?))
}

/// Whether a first row belongs to data; one that starts with a wrong number is data with a mistake, not a header.
fn starts_as_number(row: &[u8]) -> bool {
    matches!(unquoted(row).first(), Some(b'0'..=b'9' | b'-' | b'+' | b'.'))
}

/// A whole number from 0 to 255 in decimal digits.
#[inline]
fn byte(field: &[u8]) -> Option<u8> {
    let digits = unquoted(field);
    if digits.is_empty() || digits.len() > 3 {
        return None;
    }
    let mut value = 0u16;
    for &digit in digits {
        value = value * 10 + u16::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    u8::try_from(value).ok()
}

/// A field without the blanks and quotation marks that some programs put around it.
#[inline]
fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").map_or(field, |field| field.strip_suffix(b"\"").unwrap_or(field))
}

fn bad_value(line: usize, column: usize, field: &[u8], header: Option<&[u8]>) -> String {
    let title = header.and_then(|header| header.split(|&b| b == b',').nth(column));
    let title = title.map(|title| format!(" ({})", String::from_utf8_lossy(title))).unwrap_or_default();
    let (column, found) = (column + 1, String::from_utf8_lossy(&field[..field.len().min(40)]));
    format!("line {line}, column {column}{title}: expected a whole number from 0 to 255, found {found:?}")
}
