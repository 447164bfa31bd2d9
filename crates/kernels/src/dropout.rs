//! Dropout: zeroes each element with chance `p` and scales the others by `1 / (1 - p)` (Srivastava et al., 2014;
//! PyTorch's `F.dropout`). The mask is never stored: it is a function of the generator's state, so the backward pass
//! draws it again.

use crate::isa::{Arch, Kernel, dispatch};
use crate::random::{LANES, Philox, threshold};
use crate::real::Real;
use crate::stream;
use crate::threads::for_each_chunk;

/// Elements of one task: whole groups of random words.
const CHUNK: usize = 4096;
/// Elements that a group of random words decides about.
const GROUP: usize = 4 * LANES;
/// Groups from the one whose elements are asked for to the one that is worked on.
const AHEAD: usize = 3;
/// Elements below which another thread does not pay.
const GRAIN: usize = 1 << 15;

/// Dropout of `f32` and `f64` slices.
pub trait Dropout: Real {
    /// `out = x * mask / (1 - p)`, where `mask` is 0 with chance `p`, else 1: a function of `rng` and the element's
    /// place alone. A dropped element is 0 whatever it was, also where it was infinite or NaN. Keep `rng` for
    /// [`Dropout::dropout_backward`]; the generator then stands at [`after_dropout`].
    fn dropout(x: &[Self], p: f64, rng: Philox, out: &mut [Self]);

    /// `dx = dy * mask / (1 - p)`, with the mask that `rng` and `p` gave in the forward pass.
    fn dropout_backward(dy: &[Self], p: f64, rng: Philox, dx: &mut [Self]) {
        // The operator is linear and its matrix diagonal: it is its own gradient.
        Self::dropout(dy, p, rng, dx);
    }
}

/// Where `rng` stands after a dropout over `len` elements.
pub fn after_dropout(rng: Philox, len: usize) -> Philox {
    rng.after_bits(len)
}

struct Drop<'a, T> {
    x: &'a [T],
    rng: Philox,
    threshold: u32,
    scale: T,
    out: &'a mut [T],
}

impl<T: Real> Kernel for Drop<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Drop { x, mut rng, threshold, scale, out } = self;
        // Words are used as they come from the registers, which hold those of a group one beside the other.
        let (groups, rest) = out.as_chunks_mut::<GROUP>();
        let (inputs, last) = x.as_chunks::<GROUP>();
        for (i, (out, input)) in groups.iter_mut().zip(inputs).enumerate() {
            // Drawing takes so long that no processor sees the next reads from here.
            if let Some(soon) = inputs.get(i + AHEAD) {
                stream::prefetch(soon);
            }
            let words = rng.next_group();
            let lanes = out.as_chunks_mut::<LANES>().0.iter_mut().zip(input.as_chunks::<LANES>().0);
            for (words, (out, x)) in words.iter().zip(lanes) {
                // All are scaled, so that choosing is no branch.
                let scaled: [T; LANES] = std::array::from_fn(|l| x[l] * scale);
                for l in 0..LANES {
                    out[l] = if words[l] < threshold { T::ZERO } else { scaled[l] };
                }
            }
        }
        if !rest.is_empty() {
            let words = rng.next_group();
            for ((out, &x), &word) in rest.iter_mut().zip(last).zip(words.as_flattened()) {
                *out = if word < threshold { T::ZERO } else { x * scale };
            }
        }
    }
}

fn drop_out<T: Real>(x: &[T], p: f64, rng: Philox, out: &mut [T]) {
    assert_eq!(x.len(), out.len(), "dropout: input and output differ in length");
    let threshold = threshold(p);
    if threshold == 0 {
        return out.copy_from_slice(x);
    }
    let Ok(threshold) = u32::try_from(threshold) else { return out.fill(T::ZERO) };
    let scale = T::from_f64(1.0 / (1.0 - p));
    for_each_chunk(out, CHUNK, GRAIN, |start, out| {
        let x = &x[start..start + out.len()];
        dispatch(Drop { x, rng: rng.after_bits(start), threshold, scale, out });
    });
}

impl Dropout for f32 {
    fn dropout(x: &[Self], p: f64, rng: Philox, out: &mut [Self]) {
        drop_out(x, p, rng, out);
    }
}

impl Dropout for f64 {
    fn dropout(x: &[Self], p: f64, rng: Philox, out: &mut [Self]) {
        drop_out(x, p, rng, out);
    }
}
