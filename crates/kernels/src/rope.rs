//! Rotary position embedding (Su et al. 2021): pairs of elements turned by angles in proportion to their position.

use crate::buffer::Buffer;
use crate::heads::{Heads, HeadsMut};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};
use crate::strided::{CHUNK, DEAR_GRAIN};
use crate::threads::{for_each, for_each_chunk, threads_for};

/// Which elements of a row make a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// `2 i` and `2 i + 1`.
    Interleaved,
    /// `i` and `i + width / 2`.
    HalfSplit,
}

/// What is turned, and by how much.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// Rows of each matrix, one for each position.
    pub positions: usize,
    /// The position of the first row.
    pub first: usize,
    /// Elements of a row.
    pub cols: usize,
    /// How many of them, an even number, are turned; the others stay.
    pub width: usize,
    /// Pair `i` turns by `position / base^(2 i / width)`.
    pub base: f64,
    /// The pairs.
    pub pairs: Pairs,
    /// Whether to turn back: the inverse, and the gradient.
    pub back: bool,
}

/// Rotary embedding of `f32` and `f64`.
pub trait Rope: Math {
    /// `(a, b)` becomes `(a cos t - b sin t, b cos t + a sin t)` for every pair and its angle `t`. The angles are computed
    /// in `f64`.
    fn rope(rotation: &Rotation, x: Heads<Self>, out: HeadsMut<Self>);
}

macro_rules! rope {
    ($($t:ty),*) => { $(
        impl Rope for $t {
            fn rope(rotation: &Rotation, x: Heads<Self>, out: HeadsMut<Self>) {
                rotate(rotation, x, out);
            }
        }
    )* };
}
rope!(f32, f64);

fn rotate<T: Math>(rotation: &Rotation, x: Heads<T>, out: HeadsMut<T>) {
    let Rotation { positions, cols, width, .. } = *rotation;
    assert!(width.is_multiple_of(2) && width <= cols, "rope turns pairs: {width} of {cols} elements");
    let count = x.offsets.len();
    x.check("rope input", count, positions, cols);
    let out = out.shared("rope output", count, positions, cols);
    if count == 0 || cols == 0 {
        // There may be more positions than memory has room for angles.
        return;
    }
    let mut table = Buffer::<T>::scratch(positions * width);
    if width > 0 {
        let steps: Buffer<f64> =
            (0..width / 2).map(|i| rotation.base.powf(-2.0 * i as f64 / width as f64)).collect();
        // The cosines of a position's angles, then their sines.
        for_each_chunk(&mut table, width, DEAR_GRAIN / 4, |at, row| {
            dispatch(Angles { position: rotation.first as f64 + (at / width) as f64, steps: &steps, row });
        });
    }
    let height = (CHUNK / cols.max(1)).max(1);
    let pieces = positions.div_ceil(height);
    for_each(count * pieces, threads_for(count * positions * cols, DEAR_GRAIN), |task| {
        let (head, first) = (task / pieces, task % pieces * height);
        for position in first..positions.min(first + height) {
            let x = x.row(head, position, cols);
            // SAFETY: tasks do not share rows.
            let out = unsafe { out.row(head, position) };
            let angles = &table[position * width..][..width];
            dispatch(Turn { x, angles, pairs: rotation.pairs, back: rotation.back, out });
        }
    });
}

struct Angles<'a, T> {
    position: f64,
    /// Of position 1.
    steps: &'a [f64],
    row: &'a mut [T],
}

impl<T: Math> Kernel for Angles<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let (cos, sin) = self.row.split_at_mut(self.steps.len());
        let near = self.steps.iter().all(|step| self.position * step <= f64::SIN_RANGE);
        for ((cos, sin), step) in cos.iter_mut().zip(sin).zip(self.steps) {
            let angle = self.position * step;
            if near {
                *sin = T::from_f64(math::sin::<A, f64>(angle));
                *cos = T::from_f64(math::cos::<A, f64>(angle));
            } else {
                let (s, c) = angle.sin_cos_far();
                (*sin, *cos) = (T::from_f64(s), T::from_f64(c));
            }
        }
    }
}

struct Turn<'a, T> {
    x: &'a [T],
    angles: &'a [T],
    pairs: Pairs,
    back: bool,
    out: &'a mut [T],
}

impl<T: Math> Kernel for Turn<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Turn { x, angles, pairs, back, out } = self;
        let width = angles.len();
        let (cos, sin) = angles.split_at(width / 2);
        let sign = if back { -T::ONE } else { T::ONE };
        let turned = |a: T, b: T, cos: T, sin: T| {
            let sin = sign * sin;
            (A::fma(a, cos, -(b * sin)), A::fma(b, cos, a * sin))
        };
        out[width..].copy_from_slice(&x[width..]);
        let (x, out) = (&x[..width], &mut out[..width]);
        match pairs {
            Pairs::Interleaved => {
                let (x, out) = (x.as_chunks::<2>().0, out.as_chunks_mut::<2>().0);
                for (((out, x), &cos), &sin) in out.iter_mut().zip(x).zip(cos).zip(sin) {
                    (out[0], out[1]) = turned(x[0], x[1], cos, sin);
                }
            }
            Pairs::HalfSplit => {
                let (a, b) = x.split_at(width / 2);
                let (left, right) = out.split_at_mut(width / 2);
                let out = left.iter_mut().zip(right);
                for ((((left, right), (&a, &b)), &cos), &sin) in out.zip(a.iter().zip(b)).zip(cos).zip(sin) {
                    (*left, *right) = turned(a, b, cos, sin);
                }
            }
        }
    }
}
