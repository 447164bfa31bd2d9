//! Elementwise comparisons, selection by a condition, and logic.

use crate::buffer::Plain;
use crate::isa::{Arch, Kernel, dispatch};
use crate::strided::{CHEAP_GRAIN, CHUNK, Source};
use crate::threads::for_each_chunk;
use crate::view::View;

/// A comparison of two numbers; with NaN on either side only [`Compare::Ne`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `x == y`
    Eq,
    /// `x != y`
    Ne,
    /// `x < y`
    Lt,
    /// `x <= y`
    Le,
    /// `x > y`
    Gt,
    /// `x >= y`
    Ge,
}

/// A logical connective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// `x && y`
    And,
    /// `x || y`
    Or,
    /// `x != y`
    Xor,
}

/// Compares two views of one shape elementwise; `out` is row-major.
pub fn compare<T: Plain + PartialOrd>(op: Compare, x: View<T>, y: View<T>, out: &mut [bool]) {
    match op {
        Compare::Eq => zip(x, y, out, |x, y| x == y),
        Compare::Ne => zip(x, y, out, |x, y| x != y),
        Compare::Lt => zip(x, y, out, |x, y| x < y),
        Compare::Le => zip(x, y, out, |x, y| x <= y),
        Compare::Gt => zip(x, y, out, |x, y| x > y),
        Compare::Ge => zip(x, y, out, |x, y| x >= y),
    }
}

/// `op(x, y)` elementwise; `out` is row-major.
pub fn logic(op: Logic, x: View<bool>, y: View<bool>, out: &mut [bool]) {
    match op {
        Logic::And => zip(x, y, out, |x, y| x & y),
        Logic::Or => zip(x, y, out, |x, y| x | y),
        Logic::Xor => zip(x, y, out, |x, y| x ^ y),
    }
}

/// `!x` elementwise; `out` is row-major.
pub fn not(x: View<bool>, out: &mut [bool]) {
    crate::strided::cast(x, out, |x| !x);
}

/// `x` where `cond` holds and `y` elsewhere, for views of one shape; `out` is row-major.
pub fn select<T: Plain>(cond: View<bool>, x: View<T>, y: View<T>, out: &mut [T]) {
    assert!(
        cond.shape == x.shape && x.shape == y.shape,
        "select of {:?}, {:?}, {:?}",
        cond.shape,
        x.shape,
        y.shape
    );
    assert_eq!(x.len(), out.len(), "select into {} elements", out.len());
    let (cond, x, y) = (Source::new(cond), Source::new(x), Source::new(y));
    for_each_chunk(out, CHUNK, CHEAP_GRAIN, |start, piece| {
        let (mut cond, mut x, mut y) = (cond.reader(start), x.reader(start), y.reader(start));
        let mut done = 0;
        while done < piece.len() {
            let n = y.block(x.block(cond.block(piece.len() - done)));
            let (cond, x, y) = (cond.take(n), x.take(n), y.take(n));
            dispatch(Select { cond, x, y, out: &mut piece[done..done + n] });
            done += n;
        }
    });
}

/// `f` of the elements of two views of one shape, in parallel.
pub(crate) fn zip<T: Plain, U: Plain>(
    x: View<T>,
    y: View<T>,
    out: &mut [U],
    f: impl Fn(T, T) -> U + Copy + Sync,
) {
    assert_eq!(x.shape, y.shape, "elementwise operation on two shapes");
    assert_eq!(x.len(), out.len(), "elementwise operation into {} elements", out.len());
    let (x, y) = (Source::new(x), Source::new(y));
    for_each_chunk(out, CHUNK, CHEAP_GRAIN, |start, piece| {
        let (mut x, mut y) = (x.reader(start), y.reader(start));
        let mut done = 0;
        while done < piece.len() {
            let n = y.block(x.block(piece.len() - done));
            dispatch(Zip { x: x.take(n), y: y.take(n), out: &mut piece[done..done + n], f });
            done += n;
        }
    });
}

struct Zip<'a, T, U, F> {
    x: &'a [T],
    y: &'a [T],
    out: &'a mut [U],
    f: F,
}

impl<T: Copy, U, F: Fn(T, T) -> U> Kernel for Zip<'_, T, U, F> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        for ((out, x), y) in self.out.iter_mut().zip(self.x).zip(self.y) {
            *out = (self.f)(*x, *y);
        }
    }
}

struct Select<'a, T> {
    cond: &'a [bool],
    x: &'a [T],
    y: &'a [T],
    out: &'a mut [T],
}

impl<T: Copy> Kernel for Select<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        for (((out, cond), x), y) in self.out.iter_mut().zip(self.cond).zip(self.x).zip(self.y) {
            *out = if *cond { *x } else { *y };
        }
    }
}
