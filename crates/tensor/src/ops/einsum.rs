//! Einstein's summation: products and sums of tensors named by their axes.

use std::collections::BTreeSet;

use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// A tensor whose axes carry letters.
struct Labelled<T: Float> {
    tensor: Tensor<T>,
    labels: Vec<char>,
}

/// Sums products of elements over every letter that the output does not name (`numpy.einsum`, `torch.einsum`): letters
/// name axes, a letter twice in one operand takes the diagonal, `...` stands for leading axes that broadcast.
///
/// ```
/// # use barehand_tensor::{Tensor, einsum};
/// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(einsum("ij,jk->ik", &[&a, &a]).unwrap(), a.matmul(&a).unwrap());
/// assert_eq!(einsum("ii", &[&a]).unwrap().item().unwrap(), 5.0);
/// ```
///
/// # Errors
/// When the equation is malformed, does not fit the operands, or lengths of one letter differ.
pub fn einsum<T: Float>(equation: &str, operands: &[&Tensor<T>]) -> Result<Tensor<T>> {
    let refuse = |message: String| Error::value("einsum", format!("\"{equation}\": {message}"));
    let text: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match text.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (text.as_str(), None),
    };
    let terms: Vec<&str> = inputs.split(',').collect();
    if terms.len() != operands.len() {
        return Err(refuse(format!("{} terms for {} operands", terms.len(), operands.len())));
    }
    let mut dots = 0;
    for (term, x) in terms.iter().zip(operands) {
        let letters = term.replace("...", "").chars().count();
        if term.contains("...") && letters <= x.rank() {
            dots = dots.max(x.rank() - letters);
        } else if letters != x.rank() {
            return Err(refuse(format!(
                "term \"{term}\" names {letters} axes, its operand has shape {:?}",
                x.shape()
            )));
        }
    }
    // Axes under the dots get labels that no equation can contain, counted from the last.
    let dotted =
        |count: usize| (0..count).rev().map(|i| char::from_u32(0xE000 + i as u32).unwrap_or('\u{E000}'));
    let labels_of = |term: &str, rank: Option<usize>| -> Result<Vec<char>> {
        let (front, back) = term.split_once("...").unwrap_or((term, ""));
        let letters = front.chars().count() + back.chars().count();
        let count = if term.contains("...") { rank.map_or(dots, |rank| rank - letters) } else { 0 };
        if let Some(c) = front.chars().chain(back.chars()).find(|c| !c.is_ascii_alphabetic()) {
            return Err(refuse(format!("'{c}' is not a letter")));
        }
        Ok(front.chars().chain(dotted(count)).chain(back.chars()).collect())
    };
    let mut parts = Vec::new();
    for (term, x) in terms.iter().zip(operands) {
        parts.push(diagonals(Labelled { tensor: (*x).clone(), labels: labels_of(term, Some(x.rank()))? })?);
    }
    let all: Vec<char> = parts.iter().flat_map(|part| part.labels.iter().copied()).collect();
    let output = if let Some(term) = output {
        labels_of(term, None)?
    } else {
        // Without an arrow: the dots, then every letter that occurs once in the equation, in alphabetical order.
        let text_labels: Vec<char> =
            terms.iter().flat_map(|term| term.replace("...", "").chars().collect::<Vec<_>>()).collect();
        let once =
            text_labels.iter().copied().filter(|c| text_labels.iter().filter(|d| *d == c).count() == 1);
        dotted(dots).chain(once.collect::<BTreeSet<char>>()).collect()
    };
    for (i, label) in output.iter().enumerate() {
        if output[..i].contains(label) {
            return Err(refuse(format!("the output names '{label}' twice")));
        }
        if !all.contains(label) && label.is_ascii_alphabetic() {
            return Err(refuse(format!("the output names '{label}', which no operand has")));
        }
    }
    let mut parts = parts.into_iter();
    let mut left = parts.next().ok_or_else(|| refuse("no operands".to_string()))?;
    let mut rest: Vec<Labelled<T>> = parts.collect();
    while !rest.is_empty() {
        let right = rest.remove(0);
        let needed =
            |label: char| output.contains(&label) || rest.iter().any(|part| part.labels.contains(&label));
        left = contract(left, right, needed).map_err(|error| refuse(error.to_string()))?;
    }
    let left = sum_unneeded(left, |label| output.contains(&label))?;
    let order: Vec<isize> = output
        .iter()
        .filter_map(|label| left.labels.iter().position(|l| l == label))
        .map(|i| i as isize)
        .collect();
    left.tensor.permute(order)
}

/// Replaces axes that share a letter by their diagonal.
fn diagonals<T: Float>(mut x: Labelled<T>) -> Result<Labelled<T>> {
    while let Some((first, second)) = repeated(&x.labels) {
        let (n, m) = (x.tensor.shape()[first], x.tensor.shape()[second]);
        if n != m {
            return Err(Error::shape(
                "einsum",
                format!("'{}' names axes of lengths {n} and {m}", x.labels[first]),
            ));
        }
        x.tensor = x.tensor.diagonal(first as isize, second as isize)?;
        let label = x.labels.remove(second);
        x.labels.remove(first);
        x.labels.push(label);
    }
    Ok(x)
}

fn repeated(labels: &[char]) -> Option<(usize, usize)> {
    (0..labels.len()).find_map(|j| labels[..j].iter().position(|l| *l == labels[j]).map(|i| (i, j)))
}

fn sum_unneeded<T: Float>(x: Labelled<T>, needed: impl Fn(char) -> bool) -> Result<Labelled<T>> {
    let axes: Vec<isize> =
        (0..x.labels.len()).filter(|&i| !needed(x.labels[i])).map(|i| i as isize).collect();
    if axes.is_empty() {
        return Ok(x);
    }
    let labels = x.labels.iter().copied().filter(|&label| needed(label)).collect();
    Ok(Labelled { tensor: x.tensor.sum_dim(&axes[..], false)?, labels })
}

/// Multiplies two operands and sums what nobody needs any more: a batched matrix product over the letters that both have
/// and keep (batch), that both have and drop (inner), and that one has (rows, columns).
fn contract<T: Float>(a: Labelled<T>, b: Labelled<T>, needed: impl Fn(char) -> bool) -> Result<Labelled<T>> {
    let (in_a, in_b) = (a.labels.clone(), b.labels.clone());
    let a = sum_unneeded(a, |label| needed(label) || in_b.contains(&label))?;
    let b = sum_unneeded(b, |label| needed(label) || in_a.contains(&label))?;
    let both = |keep: bool| {
        a.labels.iter().copied().filter(|&l| b.labels.contains(&l) && needed(l) == keep).collect()
    };
    let (batch, inner): (Vec<char>, Vec<char>) = (both(true), both(false));
    let rows: Vec<char> = a.labels.iter().copied().filter(|l| !b.labels.contains(l)).collect();
    let cols: Vec<char> = b.labels.iter().copied().filter(|l| !a.labels.contains(l)).collect();

    let length = |x: &Labelled<T>, label: char| {
        x.labels.iter().position(|&l| l == label).map_or(1, |i| x.tensor.shape()[i])
    };
    // One letter, two lengths: only 1 may be repeated.
    let common = |label: char| -> Result<usize> {
        match (length(&a, label), length(&b, label)) {
            (n, m) if n == m || m == 1 => Ok(n),
            (1, m) => Ok(m),
            (n, m) => Err(Error::shape("einsum", format!("'{label}' has lengths {n} and {m}"))),
        }
    };
    let lengths = |labels: &[char]| labels.iter().map(|&l| common(l)).collect::<Result<Vec<usize>>>();
    let (batch_shape, inner_shape) = (lengths(&batch)?, lengths(&inner)?);
    let row_shape: Vec<usize> = rows.iter().map(|&l| length(&a, l)).collect();
    let col_shape: Vec<usize> = cols.iter().map(|&l| length(&b, l)).collect();

    let arrange = |x: &Labelled<T>, groups: [(&[char], &[usize]); 3]| -> Result<Tensor<T>> {
        let labels = groups.iter().flat_map(|(labels, _)| labels.iter());
        let order: Vec<isize> =
            labels.filter_map(|l| x.labels.iter().position(|m| m == l)).map(|i| i as isize).collect();
        let shape: Vec<usize> = groups.iter().flat_map(|(_, shape)| shape.iter().copied()).collect();
        let sizes: Vec<usize> = groups.iter().map(|(_, shape)| shape.iter().product()).collect();
        x.tensor.permute(order)?.expand(&shape)?.reshape_to(&sizes)
    };
    let left = arrange(&a, [(&batch, &batch_shape), (&rows, &row_shape), (&inner, &inner_shape)])?;
    let right = arrange(&b, [(&batch, &batch_shape), (&inner, &inner_shape), (&cols, &col_shape)])?;
    let shape: Vec<usize> = [batch_shape, row_shape, col_shape].concat();
    Ok(Labelled { tensor: left.matmul(&right)?.reshape_to(&shape)?, labels: [batch, rows, cols].concat() })
}
