//! Two random words to two normal values, by Box and Muller's formula
//!
//! ```text
//! sqrt(-2 ln u) cos(2 pi v),  sqrt(-2 ln u) sin(2 pi v),   u in (0, 1], v in [0, 1)
//! ```
//!
//! in straight-line code that vectorises. No fused multiply-add here, on purpose: with every operation rounded on its
//! own, a seed gives the same bits on every processor. The logarithm's, sine's and cosine's polynomials are fdlibm's.

use crate::real::Real;

/// How an element type reads random bits.
pub(super) trait BoxMuller: Real {
    /// A random word of the type's width.
    type Word: Copy;
    /// `(ln(1 + f) / s - 2) / s^2` in powers of `s^2`, for `s = f / (2 + f)`.
    const LOG: &'static [f64];
    /// `(sin x - x) / x^3` in powers of `x^2`.
    const SIN: &'static [f64];
    /// `(cos x - 1 + x^2 / 2) / x^4` in powers of `x^2`.
    const COS: &'static [f64];
    /// ln 2 in two parts; a multiple of the first by an exponent is exact.
    const LN_2: [f64; 2];

    /// A value of `(0, 1]`, as its offset from 1 of a significand in `[sqrt(1/2), sqrt 2)` and its exponent.
    fn open_unit(word: Self::Word) -> (Self, Self);
    /// A quarter of the circle, as (swap, negate cosine, negate sine), and an angle in `[-pi/4, pi/4)` within it.
    fn angle(word: Self::Word) -> ([bool; 3], Self);

    /// Two independent normal values.
    #[inline(always)]
    fn box_muller(u: Self::Word, v: Self::Word) -> (Self, Self) {
        let (f, exponent) = Self::open_unit(u);
        let half_square = Self::HALF * f * f;
        let s = f / (Self::TWO + f);
        let z = s * s;
        let tail = z * polynomial(Self::LOG, z);
        let [ln_2, ln_2_low] = Self::LN_2.map(Self::from_f64);
        let ln = exponent * ln_2 - ((half_square - (s * (half_square + tail) + exponent * ln_2_low)) - f);
        let radius = (-(ln + ln)).sqrt();

        let ([swap, negate_cos, negate_sin], x) = Self::angle(v);
        let z = x * x;
        let sin = x + x * z * polynomial(Self::SIN, z);
        let cos = Self::ONE - (Self::HALF * z - z * z * polynomial(Self::COS, z));
        let (cos, sin) = if swap { (sin, cos) } else { (cos, sin) };
        let cos = if negate_cos { -cos } else { cos };
        let sin = if negate_sin { -sin } else { sin };
        (radius * cos, radius * sin)
    }
}

/// `c[0] + c[1] z + c[2] z^2 + ...`
#[inline(always)]
fn polynomial<T: Real>(coefficients: &[f64], z: T) -> T {
    coefficients.iter().rev().fold(T::ZERO, |sum, &c| sum * z + T::from_f64(c))
}

/// The quarter `0..4` turns the angle by `quarter * pi / 2`.
#[inline(always)]
fn turn(quarter: u32) -> [bool; 3] {
    [quarter & 1 == 1, quarter == 1 || quarter == 2, quarter >= 2]
}

/// The upper bits of sqrt(1/2), where significands begin.
const ROOT_HALF: u64 = 0x3FE6_A09E_0000_0000;

impl BoxMuller for f32 {
    type Word = u32;
    const LOG: &'static [f64] = &[0.666_666_626_93, 0.400_009_721_52, 0.284_987_866_88, 0.242_790_788_41];
    const SIN: &'static [f64] = &[-0.166_666_546_11, 0.008_332_160_873_6, -0.000_195_152_958_91];
    const COS: &'static [f64] = &[0.041_666_645_683, -0.001_388_731_625_5, 0.000_024_433_157_118];
    const LN_2: [f64; 2] = [0.693_138_122_56, 9.058_000_614_5e-6];

    #[inline(always)]
    fn open_unit(word: u32) -> (f32, f32) {
        // 31 bits, for the signed conversion; half a step keeps zero out, rounding at the top reaches one.
        let u = ((word >> 1) as i32 as f32 + 0.5) * (1.0 / 2_147_483_648.0);
        let shifted = u.to_bits().wrapping_add(0x3F80_0000 - 0x3F35_04F3);
        let significand = f32::from_bits((shifted & 0x007F_FFFF) + 0x3F35_04F3);
        (significand - 1.0, ((shifted >> 23) as i32 - 127) as f32)
    }

    #[inline(always)]
    fn angle(word: u32) -> ([bool; 3], f32) {
        let x = (word << 2) as i32 as f32 * (std::f32::consts::FRAC_PI_2 / 4_294_967_296.0);
        (turn(word >> 30), x)
    }
}

impl BoxMuller for f64 {
    type Word = u64;
    const LOG: &'static [f64] = &[
        6.666666666666735130e-01,
        3.999999999940941908e-01,
        2.857142874366239149e-01,
        2.222219843214978396e-01,
        1.818357216161805012e-01,
        1.531383769920937332e-01,
        1.479819860511658591e-01,
    ];
    const SIN: &'static [f64] = &[
        -1.66666666666666324348e-01,
        8.33333333332248946124e-03,
        -1.98412698298579493134e-04,
        2.75573137070700676789e-06,
        -2.50507602534068634195e-08,
        1.58969099521155010221e-10,
    ];
    const COS: &'static [f64] = &[
        4.16666666666666019037e-02,
        -1.38888888888741095749e-03,
        2.48015872894767294178e-05,
        -2.75573143513906633035e-07,
        2.08757232129817482790e-09,
        -1.13596475577881948265e-11,
    ];
    const LN_2: [f64; 2] = [6.93147180369123816490e-01, 1.90821492927058770002e-10];

    #[inline(always)]
    fn open_unit(word: u64) -> (f64, f64) {
        let u = 2.0 - f64::from_bits(0x3FF0_0000_0000_0000 | word >> 12);
        let shifted = u.to_bits().wrapping_add(0x3FF0_0000_0000_0000 - ROOT_HALF);
        let significand = f64::from_bits((shifted & 0x000F_FFFF_FFFF_FFFF) + ROOT_HALF);
        // Bits that already are the number 2^52 + exponent: not every processor converts 64-bit integers.
        let exponent =
            f64::from_bits(0x4330_0000_0000_0000 | shifted >> 52) - (4_503_599_627_370_496.0 + 1023.0);
        (significand - 1.0, exponent)
    }

    #[inline(always)]
    fn angle(word: u64) -> ([bool; 3], f64) {
        let fraction = f64::from_bits(0x3FF0_0000_0000_0000 | (word << 2) >> 12) - 1.5;
        (turn((word >> 62) as u32), fraction * std::f64::consts::FRAC_PI_2)
    }
}
