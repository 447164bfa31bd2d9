//! Sequences of different lengths as one tensor: padded to the longest, or packed without padding
//! (`torch.nn.utils.rnn`).

use crate::{Element, Error, Result, Tensor};
use barehand_tensor::{concat, stack};

/// A batch of sequences of different lengths without padding: the elements of all of them at step 0, then those at step 1
/// of the sequences that are that long, and so on, longest sequences first.
#[derive(Clone, Debug)]
pub struct PackedSequence<T: Element = f32> {
    /// (rows, ...): the elements.
    pub data: Tensor<T>,
    /// How many rows each step has.
    pub batch_sizes: Vec<usize>,
    /// Which sequence of the batch became the i-th longest.
    pub sorted_indices: Vec<usize>,
}

impl<T: Element> PackedSequence<T> {
    /// The place of each sequence of the batch among the sorted ones.
    pub fn unsorted_indices(&self) -> Vec<usize> {
        let mut places = vec![0; self.sorted_indices.len()];
        self.sorted_indices.iter().enumerate().for_each(|(place, &sequence)| places[sequence] = place);
        places
    }
}

fn indices(values: impl Iterator<Item = usize>) -> Tensor<i64> {
    Tensor::from(values.map(|i| i as i64).collect::<Vec<i64>>())
}

/// Packs a padded batch (T, N, ...), or (N, T, ...) with `batch_first`, of which sequence `n` has `lengths[n]` elements, in
/// any order of lengths (`pack_padded_sequence` with `enforce_sorted=False`).
///
/// ```
/// use barehand_nn::{Tensor, packed_sequence::{pack_padded_sequence, pad_packed_sequence}};
///
/// let x = Tensor::from([[1.0, 0.0, 0.0], [2.0, 3.0, 4.0]]);
/// let packed = pack_padded_sequence(&x, &[1, 3], true).unwrap();
/// assert_eq!(packed.data.to_vec(), [2.0, 1.0, 3.0, 4.0]);
/// assert_eq!(packed.batch_sizes, [2, 1, 1]);
/// let (again, lengths) = pad_packed_sequence(&packed, true, 0.0, None).unwrap();
/// assert_eq!((again, lengths), (x, vec![1, 3]));
/// ```
///
/// # Errors
/// When there is not one length for each sequence, or one is 0 or longer than the batch.
pub fn pack_padded_sequence<T: Element>(
    x: &Tensor<T>,
    lengths: &[usize],
    batch_first: bool,
) -> Result<PackedSequence<T>> {
    const NAME: &str = "pack_padded_sequence";
    if x.rank() < 2 {
        return Err(Error::shape(NAME, format!("input of shape {:?}: (T, N, ...) expected", x.shape())));
    }
    let (steps, batch) =
        if batch_first { (x.shape()[1], x.shape()[0]) } else { (x.shape()[0], x.shape()[1]) };
    if lengths.len() != batch {
        return Err(Error::shape(
            NAME,
            format!("expected lengths of shape [{batch}], one for each sequence, got [{}]", lengths.len()),
        ));
    }
    if let Some(length) = lengths.iter().find(|&&length| length == 0 || length > steps) {
        return Err(Error::value(
            NAME,
            format!("length {length} of {lengths:?} must be from 1 to the {steps} steps of {:?}", x.shape()),
        ));
    }
    let mut sorted_indices: Vec<usize> = (0..batch).collect();
    sorted_indices.sort_by_key(|&sequence| std::cmp::Reverse(lengths[sequence]));
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let batch_sizes: Vec<usize> =
        (0..longest).map(|t| lengths.iter().filter(|&&length| length > t).count()).collect();
    let place =
        |t: usize, sequence: usize| if batch_first { sequence * steps + t } else { t * batch + sequence };
    let rows = batch_sizes.iter().enumerate().flat_map(|(t, &size)| {
        sorted_indices[..size].iter().map(move |&sequence| place(t, sequence)).collect::<Vec<_>>()
    });
    let data = x.flatten(0, 1)?.index_select(0, &indices(rows))?;
    Ok(PackedSequence { data, batch_sizes, sorted_indices })
}

/// The padded batch, (T, N, ...) or (N, T, ...), and the length of every sequence. Steps beyond a sequence hold
/// `padding_value`; `total_length` asks for more steps than the longest has.
///
/// # Errors
/// When `total_length` is below the longest length.
pub fn pad_packed_sequence<T: Element>(
    packed: &PackedSequence<T>,
    batch_first: bool,
    padding_value: f64,
    total_length: Option<usize>,
) -> Result<(Tensor<T>, Vec<usize>)> {
    let (longest, batch) = (packed.batch_sizes.len(), packed.sorted_indices.len());
    let steps = total_length.unwrap_or(longest);
    if steps < longest {
        return Err(Error::value(
            "pad_packed_sequence",
            format!("total_length {steps} must be at least the length of the longest sequence, {longest}"),
        ));
    }
    let starts: Vec<usize> = packed
        .batch_sizes
        .iter()
        .scan(0, |start, &size| Some(std::mem::replace(start, *start + size)))
        .collect();
    let padding = packed.data.shape()[0];
    let places = packed.unsorted_indices();
    let row = |t: usize, sequence: usize| match packed.batch_sizes.get(t) {
        Some(&size) if places[sequence] < size => starts[t] + places[sequence],
        _ => padding,
    };
    let rows: Vec<usize> = if batch_first {
        (0..batch).flat_map(|n| (0..steps).map(move |t| (t, n))).map(|(t, n)| row(t, n)).collect()
    } else {
        (0..steps).flat_map(|t| (0..batch).map(move |n| (t, n))).map(|(t, n)| row(t, n)).collect()
    };
    let element: Vec<usize> = packed.data.shape()[1..].to_vec();
    // One row of padding behind the elements, shown wherever a sequence has ended.
    let one: Vec<usize> = std::iter::once(1).chain(element.iter().copied()).collect();
    let data = if rows.contains(&padding) {
        concat(&[&packed.data, &Tensor::full(one, T::from_real(padding_value))], 0)?
    } else {
        packed.data.clone()
    };
    let [first, second] = if batch_first { [batch, steps] } else { [steps, batch] };
    let shape: Vec<isize> = [first, second].into_iter().chain(element).map(|n| n as isize).collect();
    let padded = data.index_select(0, &indices(rows.into_iter()))?.reshape(shape)?;
    let lengths =
        places.iter().map(|&place| packed.batch_sizes.iter().filter(|&&size| size > place).count()).collect();
    Ok((padded, lengths))
}

/// On which side of a short sequence the padding goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaddingSide {
    /// Behind it.
    #[default]
    Right,
    /// Before it.
    Left,
}

/// Sequences (length, ...) padded to the longest: (T, N, ...), or (N, T, ...) with `batch_first`.
///
/// # Errors
/// When there are none, or their elements differ in shape.
pub fn pad_sequence<T: Element>(
    sequences: &[&Tensor<T>],
    batch_first: bool,
    padding_value: f64,
    side: PaddingSide,
) -> Result<Tensor<T>> {
    const NAME: &str = "pad_sequence";
    let elements: Option<Vec<&[usize]>> = sequences.iter().map(|x| x.shape().get(1..)).collect();
    let shapes = || sequences.iter().map(|x| x.shape()).collect::<Vec<_>>();
    if sequences.is_empty() || elements.is_none_or(|e| e.windows(2).any(|pair| pair[0] != pair[1])) {
        return Err(Error::shape(
            NAME,
            format!("sequences (length, ...) that differ in length only expected, got shapes {:?}", shapes()),
        ));
    }
    let longest = sequences.iter().map(|x| x.shape()[0]).max().unwrap_or(0);
    let padded = sequences
        .iter()
        .map(|x| {
            let mut amounts = vec![(0, 0); x.rank()];
            let missing = longest - x.shape()[0];
            amounts[0] = if side == PaddingSide::Left { (missing, 0) } else { (0, missing) };
            x.pad(&amounts, T::from_real(padding_value))
        })
        .collect::<Result<Vec<_>>>()?;
    stack(&padded.iter().collect::<Vec<_>>(), isize::from(!batch_first))
}
