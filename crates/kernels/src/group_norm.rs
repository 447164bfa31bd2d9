//! Group normalisation (Wu and He 2018) of arrays seen as `n x channels x inner`: each group of channels of each sample to
//! mean 0 and variance 1, then each channel scaled and shifted. With a group for each channel it is instance
//! normalisation (Ulyanov, Vedaldi and Lempitsky 2016).

use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::isa::{Arch, Kernel, dispatch};
use crate::layer_norm::moments;
use crate::math::Math;
use crate::reduce::row_sum::{Centered, Each, row_sum};
use crate::strided::{CHUNK, DEAR_GRAIN};
use crate::threads::{for_each, threads_for};

/// How an array's elements belong to channels, and these to groups: `groups` divides `channels`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Channels of a sample.
    pub channels: usize,
    /// Elements of a channel in a sample.
    pub inner: usize,
    /// Groups of a sample.
    pub groups: usize,
}

impl Groups {
    /// Channels of a group.
    fn members(self) -> usize {
        self.channels / self.groups.max(1)
    }

    /// Elements of a group in a sample.
    fn len(self) -> usize {
        self.members() * self.inner
    }

    /// How many groups there are in all samples.
    fn count<T>(self, x: &[T], per_group: &[&[T]], per_channel: &[Option<&[T]>]) -> usize {
        let count = x.len().checked_div(self.len()).unwrap_or(0);
        assert!(
            self.members() * self.groups == self.channels
                && count * self.len() == x.len()
                && count.is_multiple_of(self.groups.max(1))
                && per_group.iter().all(|p| p.len() == count)
                && per_channel.iter().flatten().all(|p| p.len() == self.channels),
            "group_norm of {} elements: {self:?}",
            x.len()
        );
        count
    }
}

/// Group normalisation.
pub trait GroupNorm: Math {
    /// `out = (x - mean) rstd * weight + bias` with `rstd = 1 / sqrt(var + eps)`, where mean and (biased) variance are
    /// those of each group of each sample, weight and bias each channel's. Writes mean and rstd for the way back.
    fn group_norm(
        x: &[Self],
        layout: Groups,
        weight: Option<&[Self]>,
        bias: Option<&[Self]>,
        eps: Self,
        out: &mut [Self],
        mean: &mut [Self],
        rstd: &mut [Self],
    );

    /// The gradients that are asked for. With `h = (x - mean) rstd` and `g = dy weight`, means over a group:
    /// `dx = rstd (g - mean(g) - h mean(g h))`, `dweight = sum dy h`, `dbias = sum dy` (over samples and `inner`).
    fn group_norm_backward(
        dy: &[Self],
        x: &[Self],
        layout: Groups,
        weight: Option<&[Self]>,
        mean: &[Self],
        rstd: &[Self],
        dx: Option<&mut [Self]>,
        dweight: Option<&mut [Self]>,
        dbias: Option<&mut [Self]>,
    );
}

macro_rules! group_norm {
    ($($t:ty),*) => { $(
        impl GroupNorm for $t {
            fn group_norm(
                x: &[Self],
                layout: Groups,
                weight: Option<&[Self]>,
                bias: Option<&[Self]>,
                eps: Self,
                out: &mut [Self],
                mean: &mut [Self],
                rstd: &mut [Self],
            ) {
                forward(x, layout, weight, bias, eps, out, mean, rstd);
            }
            fn group_norm_backward(
                dy: &[Self],
                x: &[Self],
                layout: Groups,
                weight: Option<&[Self]>,
                mean: &[Self],
                rstd: &[Self],
                dx: Option<&mut [Self]>,
                dweight: Option<&mut [Self]>,
                dbias: Option<&mut [Self]>,
            ) {
                backward(dy, x, layout, weight, mean, rstd, dx, dweight, dbias);
            }
        }
    )* };
}
group_norm!(f32, f64);

fn forward<T: Math + Vectors>(
    x: &[T],
    layout: Groups,
    weight: Option<&[T]>,
    bias: Option<&[T]>,
    eps: T,
    out: &mut [T],
    mean: &mut [T],
    rstd: &mut [T],
) {
    let count = layout.count(x, &[mean, rstd], &[weight, bias]);
    assert_eq!(x.len(), out.len(), "group_norm of {} elements into {}", x.len(), out.len());
    let len = layout.len();
    let (out, mean, rstd) = (Disjoint::new(out), Disjoint::new(mean), Disjoint::new(rstd));
    // Small groups are taken several at a time.
    let some = (CHUNK / len.max(1)).max(1);
    for_each(count.div_ceil(some), threads_for(x.len(), DEAR_GRAIN), |i| {
        let first = i * some;
        let n = some.min(count - first);
        // SAFETY: pieces do not overlap.
        let (out, mean, rstd) =
            unsafe { (out.slice(first * len, n * len), mean.slice(first, n), rstd.slice(first, n)) };
        let x = &x[first * len..][..n * len];
        dispatch(Forward { x, layout, first, weight, bias, eps, out, mean, rstd });
    });
}

struct Forward<'a, T> {
    x: &'a [T],
    layout: Groups,
    first: usize,
    weight: Option<&'a [T]>,
    bias: Option<&'a [T]>,
    eps: T,
    out: &'a mut [T],
    mean: &'a mut [T],
    rstd: &'a mut [T],
}

impl<T: Math + Vectors> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Forward { x, layout, first, weight, bias, eps, out, mean, rstd } = self;
        let len = layout.len();
        for (i, (mean, rstd)) in mean.iter_mut().zip(rstd).enumerate() {
            let x = &x[i * len..][..len];
            let out = &mut out[i * len..][..len];
            let (center, variance) = moments::<A, T, true>(x);
            let scale = T::from_f64(1.0 / (variance + eps.to_f64()).sqrt());
            (*mean, *rstd) = (center, scale);
            let from = (first + i) % layout.groups * layout.members();
            for (c, (out, x)) in
                (from..).zip(out.chunks_mut(layout.inner.max(1)).zip(x.chunks(layout.inner.max(1))))
            {
                let weight = weight.map_or(T::ONE, |weight| weight[c]);
                let bias = bias.map_or(T::ZERO, |bias| bias[c]);
                for (out, x) in out.iter_mut().zip(x) {
                    *out = A::fma((*x - center) * scale, weight, bias);
                }
            }
        }
    }
}

fn backward<T: Math + Vectors>(
    dy: &[T],
    x: &[T],
    layout: Groups,
    weight: Option<&[T]>,
    mean: &[T],
    rstd: &[T],
    dx: Option<&mut [T]>,
    dweight: Option<&mut [T]>,
    dbias: Option<&mut [T]>,
) {
    let count = layout.count(x, &[mean, rstd], &[weight]);
    assert!(dy.len() == x.len(), "group_norm gradient of {} elements", x.len());
    assert!(dx.as_ref().is_none_or(|dx| dx.len() == x.len()), "a gradient for each input");
    let (len, members) = (layout.len(), layout.members());
    // Of each channel of each sample: the sum of `dy`, and that of `dy h`.
    let (mut dy_sums, mut dyh_sums) =
        (Buffer::<f64>::zeroed(count * members), Buffer::<f64>::zeroed(count * members));
    {
        let dx = dx.map(Disjoint::new);
        let (dy_sums, dyh_sums) = (Disjoint::new(&mut dy_sums), Disjoint::new(&mut dyh_sums));
        let some = (CHUNK / len.max(1)).max(1);
        for_each(count.div_ceil(some), threads_for(x.len(), DEAR_GRAIN), |i| {
            let first = i * some;
            let n = some.min(count - first);
            // SAFETY: pieces do not overlap.
            let dx = dx.as_ref().map(|dx| unsafe { dx.slice(first * len, n * len) });
            // SAFETY: as above.
            let (dy_sums, dyh_sums) = unsafe {
                (dy_sums.slice(first * members, n * members), dyh_sums.slice(first * members, n * members))
            };
            let elements = first * len..(first + n) * len;
            dispatch(Backward {
                dy: &dy[elements.clone()],
                x: &x[elements],
                layout,
                first,
                weight,
                mean: &mean[first..first + n],
                rstd: &rstd[first..first + n],
                dx,
                dy_sums,
                dyh_sums,
            });
        });
    }
    for (out, sums) in [(dweight, &dyh_sums), (dbias, &dy_sums)] {
        let Some(out) = out else { continue };
        assert_eq!(out.len(), layout.channels, "a gradient for each channel");
        for (c, out) in out.iter_mut().enumerate() {
            *out = T::from_f64(sums.iter().skip(c).step_by(layout.channels).sum());
        }
    }
}

struct Backward<'a, T> {
    dy: &'a [T],
    x: &'a [T],
    layout: Groups,
    first: usize,
    weight: Option<&'a [T]>,
    mean: &'a [T],
    rstd: &'a [T],
    dx: Option<&'a mut [T]>,
    dy_sums: &'a mut [f64],
    dyh_sums: &'a mut [f64],
}

impl<T: Math + Vectors> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Backward { dy, x, layout, first, weight, mean, rstd, mut dx, dy_sums, dyh_sums } = self;
        let (len, members, inner) = (layout.len(), layout.members(), layout.inner.max(1));
        for (i, (&mean, &rstd)) in mean.iter().zip(rstd).enumerate() {
            let (x, dy) = (&x[i * len..][..len], &dy[i * len..][..len]);
            let from = (first + i) % layout.groups * members;
            let weight_of = |c: usize| weight.map_or(T::ONE, |weight| weight[from + c]);
            let (mut g_sum, mut gh_sum) = (0.0, 0.0);
            let sums = dy_sums[i * members..].iter_mut().zip(&mut dyh_sums[i * members..]);
            for ((c, (dy, x)), (dy_sum, dyh_sum)) in
                dy.chunks(inner).zip(x.chunks(inner)).enumerate().zip(sums)
            {
                *dy_sum = row_sum::<A, T, 1>([dy], &Each);
                *dyh_sum = rstd.to_f64() * row_sum::<A, T, 2>([dy, x], &Centered { center: mean });
                g_sum += weight_of(c).to_f64() * *dy_sum;
                gh_sum += weight_of(c).to_f64() * *dyh_sum;
            }
            let Some(dx) = &mut dx else { continue };
            let dx = &mut dx[i * len..][..len];
            let (g_mean, gh_mean) = (T::from_f64(g_sum / len as f64), T::from_f64(gh_sum / len as f64));
            let values = dx.chunks_mut(inner).zip(dy.chunks(inner)).zip(x.chunks(inner));
            for (c, ((dx, dy), x)) in values.enumerate() {
                let weight = weight_of(c);
                for ((dx, dy), x) in dx.iter_mut().zip(dy).zip(x) {
                    let h = (*x - mean) * rstd;
                    *dx = A::fma(-h, gh_mean, A::fma(*dy, weight, -g_mean)) * rstd;
                }
            }
        }
    }
}
