//! A right operand laid out once for many products with few rows each: the weight of a recurrent layer, which meets the
//! hidden state at every step.

use super::Matrix;
use super::block::CopyPanel;
use super::lanes::{Lanes, Portable, Vectors};
use crate::buffer::Buffer;
use crate::isa::{Arch, Isa, Kernel, dispatch};
use crate::threads::for_each_chunk;

/// Columns of a panel: four of the widest vectors.
const WIDTH: usize = 64;

/// Elements that justify a thread.
const GRAIN: usize = 1 << 15;

/// Columns of the last panel are a multiple of this.
const NARROW: usize = 16;

/// A `k x n` matrix in panels of [`WIDTH`] columns, each of `k` contiguous rows; the last one padded with zeros.
pub(crate) struct Packed<T: Vectors> {
    k: usize,
    n: usize,
    panels: Buffer<T>,
}

impl<T: Vectors> Packed<T> {
    /// Lays a matrix of any strides out.
    pub(crate) fn new(b: Matrix<T>) -> Self {
        let (k, n) = (b.rows, b.cols);
        assert!(b.extent() <= b.data.len(), "an operand reaches past its data");
        let mut panels = Buffer::scratch(k * n.next_multiple_of(NARROW));
        for_each_chunk(&mut panels, k * WIDTH, GRAIN, |start, to| {
            let first = start / k;
            dispatch(CopyPanel { from: b, first, columns: WIDTH.min(n - first), to });
        });
        Packed { k, n, panels }
    }

    /// `c += a b` for `rows` contiguous rows of `a` and of `c`, on this thread.
    ///
    /// Every element is the same chain of multiply-adds, whatever the number of rows. `turned` goes through the panels from
    /// the last to the first.
    pub(crate) fn add_product(&self, a: &[T], rows: usize, c: &mut [T], turned: bool) {
        assert!(
            a.len() == rows * self.k && c.len() == rows * self.n,
            "{rows} rows of a {} x {} product: {} and {} elements",
            self.k,
            self.n,
            a.len(),
            c.len()
        );
        dispatch(AddProduct { packed: self, a, rows, c, turned });
    }
}

struct AddProduct<'a, T: Vectors> {
    packed: &'a Packed<T>,
    a: &'a [T],
    rows: usize,
    c: &'a mut [T],
    turned: bool,
}

impl<T: Vectors> Kernel for AddProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        // SAFETY: sizes were checked by the caller; each register type is used under its own instruction set.
        unsafe {
            match A::ISA {
                Isa::Avx512 => panels::<T, T::Wide, 6, 4>(self),
                Isa::Avx2 => panels::<T, T::Half, 6, 2>(self),
                _ => panels::<T, Portable<A, T>, 4, 2>(self),
            }
        }
    }
}

/// Tiles of `M` rows by at most `V` vectors.
#[inline(always)]
unsafe fn panels<T: Vectors, L: Lanes<T>, const M: usize, const V: usize>(product: AddProduct<T>) {
    let AddProduct { packed, a, rows, c, turned } = product;
    let (k, n) = (packed.k, packed.n);
    let (a, c) = (a.as_ptr(), c.as_mut_ptr());
    let count = n.div_ceil(WIDTH);
    for i in 0..count {
        let j = WIDTH * if turned { count - 1 - i } else { i };
        let width = WIDTH.min(n - j).next_multiple_of(NARROW);
        let mut at = 0;
        while at < width && j + at < n {
            let left = (width - at) / L::N;
            let vectors = if left >= V {
                V
            } else if left >= 2 {
                2
            } else {
                1
            };
            // SAFETY: the panel has `k` rows of `width` elements, of which the vectors take `vectors` from `at` on; the
            // tiles write no column beyond `n`.
            unsafe {
                let block = Columns {
                    k,
                    b: packed.panels.as_ptr().add(k * j + at),
                    width,
                    a,
                    c: c.add(j + at),
                    n,
                    kept: (vectors * L::N).min(n - j - at),
                };
                match vectors {
                    1 => block.down::<L, M, 1>(rows),
                    2 => block.down::<L, M, 2>(rows),
                    _ => block.down::<L, M, V>(rows),
                }
            }
            at += vectors * L::N;
        }
    }
}

/// A few columns of the product.
struct Columns<T> {
    k: usize,
    b: *const T,
    /// Elements between two rows of `b`.
    width: usize,
    a: *const T,
    c: *mut T,
    /// Elements between two rows of `c`.
    n: usize,
    /// Columns that exist.
    kept: usize,
}

impl<T: Vectors> Columns<T> {
    #[inline(always)]
    unsafe fn down<L: Lanes<T>, const M: usize, const V: usize>(&self, rows: usize) {
        let mut i = 0;
        // SAFETY: the caller's.
        unsafe {
            while i + M <= rows {
                self.tile::<L, M, V>(i);
                i += M;
            }
            if M > 4 && i + 4 <= rows {
                self.tile::<L, 4, V>(i);
                i += 4;
            }
            if i + 2 <= rows {
                self.tile::<L, 2, V>(i);
                i += 2;
            }
            while i < rows {
                self.tile::<L, 1, V>(i);
                i += 1;
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<L: Lanes<T>, const M: usize, const V: usize>(&self, i: usize) {
        // SAFETY: the caller's; columns that do not exist are those of a copy.
        unsafe {
            let whole = self.kept == V * L::N;
            let mut copy = [[T::ZERO; WIDTH]; M];
            let c = self.c.add(i * self.n);
            let mut out: [*mut T; M] = std::array::from_fn(|di| c.add(di * self.n));
            if !whole {
                for di in 0..M {
                    std::ptr::copy_nonoverlapping(out[di], copy[di].as_mut_ptr(), self.kept);
                    out[di] = copy[di].as_mut_ptr();
                }
            }
            let mut acc: [[L; V]; M] =
                std::array::from_fn(|di| std::array::from_fn(|v| L::load(out[di].add(v * L::N))));
            let a = self.a.add(i * self.k);
            for t in 0..self.k {
                let b = self.b.add(t * self.width);
                let b: [L; V] = std::array::from_fn(|v| L::load(b.add(v * L::N)));
                let a = a.add(t);
                for di in 0..M {
                    let a = L::splat(*a.add(di * self.k));
                    for v in 0..V {
                        acc[di][v] = a.fma(b[v], acc[di][v]);
                    }
                }
            }
            for di in 0..M {
                for v in 0..V {
                    acc[di][v].store(out[di].add(v * L::N));
                }
                if !whole {
                    std::ptr::copy_nonoverlapping(out[di], c.add(di * self.n), self.kept);
                }
            }
        }
    }
}
