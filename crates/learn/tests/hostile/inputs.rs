//! Inputs that are wrong in every way that users have found, and in some that they have not.

use barehand_learn::{Features, Target};
use barehand_tensor::{CsrMatrix, Float, Tensor};

use super::every::Kind;

/// A stream of numbers, the same on every machine (splitmix64).
pub struct Numbers(u64);

impl Numbers {
    /// The stream of one input.
    pub fn new(input: u64) -> Self {
        Numbers(input.wrapping_mul(0xA076_1D64_78BD_642F))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number less than `limit`, 0 for 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.next() % limit as u64) as usize }
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<V: Copy>(&mut self, values: &[V]) -> V {
        values[self.below(values.len())]
    }

    /// A harmless number.
    fn plain(&mut self) -> f64 {
        match self.below(4) {
            0 => self.below(4) as f64,
            1 => self.below(100) as f64 / 7.0 - 5.0,
            _ => (self.next() >> 11) as f64 / (1u64 << 53) as f64 * 4.0 - 2.0,
        }
    }

    /// A number at an edge of its type.
    fn edge<T: Float>(&mut self) -> T {
        let large = if size_of::<T>() == 4 { 3e38 } else { 1e300 };
        T::from_f64(self.pick(&[
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            large,
            -large,
            1.0 / large,
            5e-324,
            0.0,
            -0.0,
            f64::from(f32::MAX),
        ]))
    }
}

/// Rows and columns of plain numbers.
fn plain<T: Float>(numbers: &mut Numbers, rows: usize, columns: usize) -> Vec<T> {
    // Counts, for estimators that refuse negative numbers and fractions.
    let counts = numbers.one_in(3);
    (0..rows * columns)
        .map(|_| {
            let value = numbers.plain();
            T::from_f64(if counts { value.abs().floor() } else { value })
        })
        .collect()
}

/// Some rows of `columns` columns, perhaps with numbers at the edge.
pub fn features_of<T: Float>(numbers: &mut Numbers, columns: usize) -> Features<T> {
    let rows = numbers.pick(&[0, 1, 2, 3, 5, 17]);
    let mut values = plain::<T>(numbers, rows, columns);
    for _ in 0..numbers.pick(&[0, 0, 1, 3]) {
        if !values.is_empty() {
            let place = numbers.below(values.len());
            values[place] = numbers.edge();
        }
    }
    features(numbers, values, rows, columns)
}

fn features<T: Float>(numbers: &mut Numbers, values: Vec<T>, rows: usize, columns: usize) -> Features<T> {
    if numbers.one_in(6) {
        let (mut indptr, mut indices, mut kept) = (vec![0], Vec::new(), Vec::new());
        for row in 0..rows {
            for column in 0..columns {
                let value = values[row * columns + column];
                if value != T::ZERO {
                    indices.push(column as u32);
                    kept.push(value);
                }
            }
            indptr.push(kept.len());
        }
        if let Ok(sparse) = CsrMatrix::new([rows, columns], indptr, indices, kept) {
            return sparse.into();
        }
    }
    Tensor::from_vec(values, [rows, columns]).expect("as many numbers as there are places").into()
}

/// What an estimator is given.
pub struct Input<T: Float> {
    pub x: Features<T>,
    pub y: Target<T>,
    pub sample_weight: Option<Tensor<f64>>,
    /// Why no estimator may take it.
    pub must_fail: Option<&'static str>,
}

impl<T: Float> Input<T> {
    /// Samples of an estimator of this kind, with up to three things wrong.
    pub fn new(numbers: &mut Numbers, kind: Kind) -> Self {
        let (mut rows, mut columns) = (numbers.pick(&[2, 3, 5, 8, 13, 24, 40]), numbers.pick(&[1, 2, 3, 5]));
        let mut must_fail = None;
        if numbers.one_in(15) {
            rows = 1;
        } else if numbers.one_in(25) {
            rows = 0;
            must_fail = Some("there are no samples");
        }
        if numbers.one_in(40) {
            columns = 0;
            must_fail = Some("there are no features");
        } else if numbers.one_in(30) {
            columns = 45;
        }
        let mut values = plain::<T>(numbers, rows, columns);
        if !values.is_empty() {
            for _ in 0..numbers.pick(&[0, 0, 1, 2]) {
                distort(numbers, &mut values, rows, columns);
            }
        }
        let mut x = features(numbers, values, rows, columns);
        if numbers.one_in(40) {
            // Numbers that are no matrix.
            let shape: &[usize] = numbers.pick(&[&[4][..], &[2, 2, 2][..], &[][..]]);
            let count = shape.iter().product();
            x = Tensor::from_vec(plain::<T>(numbers, 1, count), shape).expect("as many numbers").into();
            must_fail = Some("its features are no matrix");
        }
        let y = target(numbers, kind, rows, &mut must_fail);
        let sample_weight = weights(numbers, rows);
        if let Some(weights) = &sample_weight {
            if weights.len() != rows {
                must_fail = Some("its weights are of another length");
            } else if weights.to_vec().iter().any(|weight| !weight.is_finite()) {
                must_fail = Some("a weight is not finite");
            }
        }
        Input { x, y, sample_weight, must_fail }
    }
}

/// One thing wrong with the features.
fn distort<T: Float>(numbers: &mut Numbers, values: &mut [T], rows: usize, columns: usize) {
    let column = numbers.below(columns);
    let other = numbers.below(columns);
    let place = numbers.below(values.len());
    let mut set_column = |value: T| (0..rows).for_each(|row| values[row * columns + column] = value);
    match numbers.below(9) {
        0 | 1 => values[place] = numbers.edge(),
        2 => set_column(T::from_f64(numbers.plain())),
        3 => set_column(numbers.edge()),
        4 => (0..rows).for_each(|row| values[row * columns + column] = values[row * columns + other]),
        5 => values.fill(numbers.edge()),
        6 => values.fill(T::from_f64(numbers.plain())),
        7 => {
            let scale = T::from_f64(numbers.pick(&[1e30, 1e-30, 1e300, 1e-300, 1e9]));
            for value in values.iter_mut() {
                *value *= scale;
            }
        }
        _ => {
            // All rows but one are the same.
            for row in 1..rows {
                values.copy_within(0..columns, row * columns);
            }
            values[place] += T::ONE;
        }
    }
}

fn target<T: Float>(
    numbers: &mut Numbers,
    kind: Kind,
    rows: usize,
    must_fail: &mut Option<&'static str>,
) -> Target<T> {
    if kind == Kind::Features && !numbers.one_in(8) {
        return Target::None;
    }
    let mut n = rows;
    if numbers.one_in(25) {
        n = numbers.pick(&[0, 1, rows + 1, rows.saturating_sub(1)]);
    }
    let wrong_kind = kind != Kind::Features && numbers.one_in(30);
    if kind != Kind::Features && n != rows {
        *must_fail = Some("its targets are of another length");
    }
    if wrong_kind {
        *must_fail = Some("its targets are of another kind");
        if numbers.one_in(2) {
            return Target::None;
        }
    }
    if (kind == Kind::Values) == wrong_kind {
        let labels: Vec<i64> = match numbers.below(8) {
            0 => vec![numbers.pick(&[0, -7, i64::MAX]); n],
            1 => (0..n as i64).collect(),
            2 => (0..n).map(|_| numbers.pick(&[i64::MIN, -1, 0, i64::MAX])).collect(),
            3 => (0..n).map(|i| i64::from(i == 0)).collect(),
            _ => {
                let classes = numbers.pick(&[2, 2, 3, 5]);
                (0..n).map(|_| numbers.below(classes) as i64).collect()
            }
        };
        return Target::Classes(labels.into());
    }
    let outputs = if numbers.one_in(6) { numbers.pick(&[0, 1, 2, 3]) } else { 1 };
    let mut values: Vec<T> = (0..n * outputs).map(|_| T::from_f64(numbers.plain())).collect();
    if !values.is_empty() {
        let place = numbers.below(values.len());
        match numbers.below(10) {
            0 => values[place] = numbers.edge(),
            1 => values.fill(T::from_f64(numbers.plain())),
            2 => values.fill(numbers.edge()),
            3 => values.iter_mut().for_each(|value| *value *= T::from_f64(1e200)),
            4 => values.iter_mut().for_each(|value| *value = value.abs()),
            _ => {}
        }
    }
    let shape = if outputs == 1 { vec![n] } else { vec![n, outputs] };
    Target::Values(Tensor::from_vec(values, shape).expect("as many numbers as there are places"))
}

fn weights(numbers: &mut Numbers, rows: usize) -> Option<Tensor<f64>> {
    if !numbers.one_in(3) {
        return None;
    }
    let n = if numbers.one_in(8) { rows + 1 } else { rows };
    let mut weights: Vec<f64> = (0..n).map(|_| numbers.plain().abs()).collect();
    if !weights.is_empty() {
        let place = numbers.below(n);
        match numbers.below(8) {
            0 => weights[place] = numbers.pick(&[f64::NAN, f64::INFINITY, -1.0, 1e300]),
            1 => weights.fill(0.0),
            2 => weights.iter_mut().enumerate().for_each(|(i, weight)| *weight *= f64::from(i == place)),
            3 => weights.fill(numbers.pick(&[1e300, 1e-300, -1.0])),
            _ => {}
        }
    }
    Some(weights.into())
}

/// What replaces a piece of a file.
const PIECES: [&[u8]; 14] = [
    b"",
    b"\0",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"0",
    b"-1",
    b"1e308",
    b"9223372036854775807",
    b"18446744073709551615",
    b"null",
    b"[[",
    b"\"NaN\"",
    b"true",
];

/// A file with a few bytes cut off, flipped, put in or left out.
pub fn damage(numbers: &mut Numbers, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(3) {
        if bytes.is_empty() {
            break;
        }
        // The header says most, and is hit most.
        let header = bytes.len().min(if numbers.one_in(2) { bytes.len() } else { 2000 });
        let at = numbers.below(header);
        match numbers.below(8) {
            0 => bytes.truncate(at),
            1..=3 => bytes[at] ^= 1 << numbers.below(8),
            4 => bytes[at] = numbers.pick(b"0123456789-e\"[]{},:"),
            5 => {
                // A digit of the header, by which lengths and indices are changed in place.
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    bytes[at + digit] = b'0' + numbers.below(10) as u8;
                }
            }
            _ => {
                let end = bytes.len().min(at + numbers.below(6));
                bytes.splice(at..end, PIECES[numbers.below(PIECES.len())].iter().copied());
            }
        }
    }
    bytes
}
