//! Tensors as text, in PyTorch's style: aligned columns of four decimals, a scientific form where magnitudes differ by
//! more than a thousand, three items from each end of every axis where there are more than a thousand elements.
//!
//! ```
//! use barehand_tensor::Tensor;
//!
//! let x = Tensor::from([[1.0f32, 2.5], [3.0, 4.0]]);
//! assert_eq!(x.to_string(), "tensor([[1.0000, 2.5000],\n        [3.0000, 4.0000]])");
//! ```

use std::fmt;

use crate::element::{DType, Element};
use crate::tensor::Tensor;

/// Elements above which a tensor is summarised.
const THRESHOLD: usize = 1000;
/// Items shown at each end of a summarised axis.
const EDGE: usize = 3;
/// Columns of a line.
const WIDTH: usize = 80;
const PREFIX: &str = "tensor(";

impl<T: Element> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut suffixes = Vec::new();
        let mut text = String::from(PREFIX);
        if self.is_empty() {
            text += "[]";
            if self.rank() != 1 {
                let sizes: Vec<String> = self.shape().iter().map(ToString::to_string).collect();
                suffixes.push(format!("size=({})", sizes.join(", ")));
            }
        } else {
            let summarize = self.len() > THRESHOLD;
            let mut shown = Vec::new();
            self.for_each_shown(0, self.layout.offset(), summarize, &mut |value| shown.push(value));
            let style = Style::of(&shown);
            self.write_axis(&mut text, 0, self.layout.offset(), PREFIX.len(), summarize, &style);
        }
        let implied = match T::DTYPE {
            DType::F32 => true,
            DType::I64 | DType::Bool => !self.is_empty(),
            _ => false,
        };
        if !implied {
            suffixes.push(format!("dtype={}", T::DTYPE));
        }
        for suffix in suffixes {
            let line = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
            let room = line + suffix.len() + 4 <= WIDTH;
            text += if room { ", " } else { ",\n       " };
            text += &suffix;
        }
        f.write_str(&text)?;
        f.write_str(")")
    }
}

impl<T: Element> Tensor<T> {
    /// The indices of `axis` that are shown; `None` stands for those left out.
    fn shown_indices(&self, axis: usize, summarize: bool) -> Vec<Option<usize>> {
        let n = self.shape()[axis];
        if summarize && n > 2 * EDGE {
            (0..EDGE).map(Some).chain([None]).chain((n - EDGE..n).map(Some)).collect()
        } else {
            (0..n).map(Some).collect()
        }
    }

    /// Calls `visit` on every element that is shown, from `axis` and memory `offset` on.
    fn for_each_shown(&self, axis: usize, offset: usize, summarize: bool, visit: &mut impl FnMut(T)) {
        if axis == self.rank() {
            return visit(self.storage[offset]);
        }
        for i in self.shown_indices(axis, summarize).into_iter().flatten() {
            self.for_each_shown(axis + 1, offset + i * self.strides()[axis], summarize, visit);
        }
    }

    fn write_axis(
        &self,
        text: &mut String,
        axis: usize,
        offset: usize,
        indent: usize,
        summarize: bool,
        style: &Style,
    ) {
        if axis == self.rank() {
            *text += &style.format(self.storage[offset]);
            return;
        }
        let innermost = axis + 1 == self.rank();
        let items_in_line = ((WIDTH - indent) / (style.width + 2)).max(1);
        let new_line = format!("\n{}", " ".repeat(indent + 1));
        *text += "[";
        for (position, index) in self.shown_indices(axis, summarize).into_iter().enumerate() {
            if position > 0 {
                *text += ",";
                if !innermost {
                    *text += &"\n".repeat(self.rank() - axis - 2);
                    *text += &new_line;
                } else if position % items_in_line == 0 {
                    *text += &new_line;
                } else {
                    *text += " ";
                }
            }
            match index {
                Some(i) => {
                    let offset = offset + i * self.strides()[axis];
                    self.write_axis(text, axis + 1, offset, indent + 1, summarize, style);
                }
                None => *text += if innermost { " ..." } else { "..." },
            }
        }
        *text += "]";
    }
}

/// How every element of one tensor is written.
struct Style {
    form: Form,
    width: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Integers and truth values, as they are.
    Exact,
    /// Real numbers without a fraction: `3.`
    Whole,
    /// Four decimals.
    Fixed,
    /// Four decimals and an exponent.
    Scientific,
}

impl Style {
    fn of<T: Element>(shown: &[T]) -> Style {
        let mut style = Style { form: Form::Exact, width: 1 };
        if !matches!(T::DTYPE, DType::F32 | DType::F64) {
            style.width = shown.iter().map(|&value| style.plain(value).len()).max().unwrap_or(1);
            return style;
        }
        style.form = Form::Whole;
        let sized: Vec<T> =
            shown.iter().copied().filter(|v| v.as_f64().is_finite() && v.as_f64() != 0.0).collect();
        if sized.is_empty() {
            return style;
        }
        let magnitudes = sized.iter().map(|v| v.as_f64().abs());
        let (smallest, largest) =
            magnitudes.fold((f64::INFINITY, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
        if largest / smallest > 1000.0 || largest > 1.0e8 || smallest < 1.0e-4 {
            style.form = Form::Scientific;
        } else if sized.iter().any(|v| v.as_f64().fract() != 0.0) {
            style.form = Form::Fixed;
        }
        style.width = sized.iter().map(|&value| style.plain(value).len()).max().unwrap_or(1);
        style
    }

    /// The element, padded to the common width.
    fn format<T: Element>(&self, value: T) -> String {
        format!("{:>width$}", self.plain(value), width = self.width)
    }

    fn plain<T: Element>(&self, value: T) -> String {
        let x = value.as_f64();
        match self.form {
            Form::Exact if T::DTYPE == DType::Bool => if x == 0.0 { "False" } else { "True" }.into(),
            Form::Exact => value.to_string(),
            _ if x.is_nan() => "nan".into(),
            _ if x.is_infinite() => if x > 0.0 { "inf" } else { "-inf" }.into(),
            Form::Whole => format!("{x:.0}."),
            Form::Fixed => format!("{x:.4}"),
            Form::Scientific => {
                let text = format!("{x:.4e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
                format!("{digits}e{sign}{exponent:0>2}")
            }
        }
    }
}
