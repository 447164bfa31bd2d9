//! The accuracy of the elementary functions on every instruction set, over all exponents and special values, against
//! the system's `f64` functions.

use barehand_kernels::View;
use barehand_kernels::elementwise::{Elementwise, Unary};
use barehand_kernels::isa::{self, Isa};

fn apply<T: Elementwise>(op: Unary<T>, x: &[T]) -> Vec<T> {
    let mut y = vec![T::ZERO; x.len()];
    T::unary(op, View::new(x, &[x.len()], &[1]), &mut y);
    y
}

/// The error function by its Maclaurin series near 0 and by the continued fraction of its complement further out.
fn erf(x: f64) -> f64 {
    /// With 62 binary places.
    const TWO_OVER_ROOT_PI: i128 = 5203730428379116615;
    let (a, sign) = (x.abs(), x);
    if a.is_nan() || a == 0.0 {
        x
    } else if a < 0.25 {
        let (mut power, mut sum) = (x, 0.0);
        for n in 1..12 {
            power *= -x * x / f64::from(n);
            sum += power / f64::from(2 * n + 1);
        }
        std::f64::consts::FRAC_2_SQRT_PI * (x + sum)
    } else if a < 1.0 {
        // In fixed point with 62 places, since the roundings of `f64` would add up to several units.
        let one = (1i128 << 62) as f64;
        let x = (a * one) as i128;
        let square = (x * x) >> 62;
        let (mut power, mut sum) = (x, x);
        for n in 1..30 {
            power = -((power * square) >> 62) / n;
            sum += power / (2 * n + 1);
        }
        (((sum * TWO_OVER_ROOT_PI) >> 62) as f64 / one).copysign(sign)
    } else if a < 7.0 {
        let fraction = (1..=1000).rev().fold(a, |f, n| a + 0.5 * f64::from(n) / f);
        (1.0 - (-a * a).exp() / (fraction * std::f64::consts::PI.sqrt())).copysign(x)
    } else {
        1f64.copysign(x)
    }
}

/// The distance between a result and the exact value, in units of the last place of the rounded exact value.
fn ulps(got: f32, want: f64) -> f64 {
    let rounded = want as f32;
    if got.is_nan() || rounded.is_nan() || rounded.is_infinite() || got.is_infinite() {
        return if got == rounded || (got.is_nan() && rounded.is_nan()) { 0.0 } else { f64::INFINITY };
    }
    let size = rounded.abs().max(f32::MIN_POSITIVE);
    let unit = f64::from(size) - f64::from(f32::from_bits(size.to_bits() - 1));
    // At a power of two the gap above is meant, not the smaller one below.
    let unit = if size.to_bits() << 9 == 0 && size > f32::MIN_POSITIVE { 2.0 * unit } else { unit };
    (f64::from(got) - want).abs() / unit
}

/// The distance between two numbers, in representable numbers.
fn steps(got: f64, want: f64) -> u64 {
    let rank = |x: f64| if x < 0.0 { -((x.to_bits() << 1 >> 1) as i64) } else { x.to_bits() as i64 };
    match (got.is_nan(), want.is_nan()) {
        (true, true) => 0,
        (false, false) if got == want => 0,
        (false, false) if got.is_finite() && want.is_finite() => rank(got).abs_diff(rank(want)),
        _ => u64::MAX,
    }
}

type Case = (&'static str, Unary<f32>, Unary<f64>, fn(f64) -> f64, f64, u64);

/// Name, operation, reference, largest error allowed in `f32` (units in the last place) and in `f64` (steps from the
/// system's function, which is itself up to one away from the exact value).
const CASES: [Case; 22] = [
    ("exp", Unary::Exp, Unary::Exp, f64::exp, 2.0, 4),
    ("exp2", Unary::Exp2, Unary::Exp2, f64::exp2, 2.0, 4),
    ("expm1", Unary::Expm1, Unary::Expm1, f64::exp_m1, 2.0, 4),
    ("ln", Unary::Ln, Unary::Ln, f64::ln, 2.0, 4),
    ("log1p", Unary::Log1p, Unary::Log1p, f64::ln_1p, 2.0, 4),
    ("log2", Unary::Log2, Unary::Log2, f64::log2, 1.0, 4),
    ("log10", Unary::Log10, Unary::Log10, f64::log10, 1.0, 4),
    ("sin", Unary::Sin, Unary::Sin, f64::sin, 1.0, 4),
    ("cos", Unary::Cos, Unary::Cos, f64::cos, 1.0, 4),
    ("tan", Unary::Tan, Unary::Tan, f64::tan, 2.0, 4),
    ("sinh", Unary::Sinh, Unary::Sinh, f64::sinh, 1.0, 4),
    ("cosh", Unary::Cosh, Unary::Cosh, f64::cosh, 1.0, 4),
    ("tanh", Unary::Tanh, Unary::Tanh, f64::tanh, 2.0, 4),
    ("atan", Unary::Atan, Unary::Atan, f64::atan, 2.0, 4),
    ("asin", Unary::Asin, Unary::Asin, f64::asin, 2.0, 4),
    ("acos", Unary::Acos, Unary::Acos, f64::acos, 2.0, 4),
    ("asinh", Unary::Asinh, Unary::Asinh, asinh, 1.0, 8),
    ("acosh", Unary::Acosh, Unary::Acosh, acosh, 1.0, 8),
    ("atanh", Unary::Atanh, Unary::Atanh, atanh, 1.0, 8),
    ("erf", Unary::Erf, Unary::Erf, erf, 2.0, 4),
    ("sigmoid", Unary::Sigmoid, Unary::Sigmoid, sigmoid, 2.0, 4),
    ("rsqrt", Unary::Rsqrt, Unary::Rsqrt, |x| 1.0 / x.sqrt(), 2.0, 4),
];

/// The inverse hyperbolic sine: the standard library's overflows where x^2 does.
fn asinh(x: f64) -> f64 {
    if x.abs() > 1e8 { (x.abs().ln() + std::f64::consts::LN_2).copysign(x) } else { x.asinh() }
}

/// The inverse hyperbolic cosine, which the standard library's formula has to half of the digits near 1.
fn acosh(x: f64) -> f64 {
    if x > 1e8 { x.ln() + std::f64::consts::LN_2 } else { 2.0 * (((x - 1.0) / 2.0).sqrt()).asinh() }
}

/// The inverse hyperbolic tangent, which the standard library's formula has to fewer digits near -1 than near 1.
fn atanh(x: f64) -> f64 {
    x.abs().atanh().copysign(x)
}

/// The logistic function by whichever exponential cannot overflow.
fn sigmoid(x: f64) -> f64 {
    let small = (-x.abs()).exp();
    if x < 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) }
}

// One test: the instruction set is a setting of the whole process.
#[test]
fn elementary_functions_are_accurate_everywhere() {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MIN_POSITIVE,
        f32::MAX,
        f32::MIN,
        88.722_83,
        88.722_84,
        -87.33655,
        -103.97208,
        -103.97209,
        1e-45,
        -1e-45,
        0.5,
        2.0,
        std::f32::consts::FRAC_1_SQRT_2,
    ];
    let singles: Vec<f32> = (0..=u32::MAX).step_by(4999).map(f32::from_bits).chain(special).collect();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut doubles: Vec<f64> = (0..100_000).map(|_| f64::from_bits(random())).collect();
    // Half of the bit patterns are beyond all action: as many in the ranges that matter.
    doubles.extend((0..100_000).map(|_| {
        let exponent = (random() % 40) as i32 - 30;
        (random() as f64 / (1u64 << 63) as f64 - 1.0) * 2f64.powi(exponent)
    }));
    doubles.extend(special.map(f64::from));
    for isa in Isa::available() {
        assert!(isa::force(Some(isa)));
        for (name, single, double, exact, single_limit, double_limit) in CASES {
            let (mut worst, mut at) = (0.0, 0.0);
            for (x, y) in singles.iter().zip(apply(single, &singles)) {
                let want = exact(f64::from(*x));
                let error = ulps(y, want);
                if error > worst {
                    (worst, at) = (error, *x);
                }
                assert!(
                    *x != 0.0 || want != 0.0 || y.is_sign_negative() == x.is_sign_negative(),
                    "{name}({x:?}) = {y:?}"
                );
            }
            println!("{:6} {name:5} f32: {worst:.3} ulp at {at:e}", isa.name());
            assert!(worst <= single_limit, "{} {name}: {worst} ulp at {at:e}", isa.name());
            let (mut worst, mut at) = (0, 0.0);
            for (x, y) in doubles.iter().zip(apply(double, &doubles)) {
                let error = steps(y, exact(*x));
                if error > worst {
                    (worst, at) = (error, *x);
                }
            }
            println!("{:6} {name:5} f64: {worst} steps at {at:e}", isa.name());
            assert!(worst <= double_limit, "{} {name}: {worst} steps at {at:e}", isa.name());
        }
        powers(isa);
        tails(isa);
    }
    isa::force(None);
}

/// Powers in `f32`, with the special cases of IEEE 754.
fn powers(isa: Isa) {
    let values = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        -2.0,
        0.5,
        3.0,
        -3.0,
        2.5,
        -2.5,
        10.0,
        1e-40,
        1e30,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        7.25,
        -8_388_609.0,
        16_777_216.0,
    ];
    for s in values {
        for (x, y) in values.iter().zip(apply(Unary::PowScalar(s), &values)) {
            let want = f64::from(*x).powf(f64::from(s));
            // IEEE gives pow(-inf, 0.5) = inf where the square root is NaN; PyTorch takes the root too.
            if s == 0.5 && *x < 0.0 {
                continue;
            }
            assert!(ulps(y, want) <= 1.0, "{}: {x:?}^{s:?} = {y:?}, not {want:?}", isa.name());
        }
    }
}

type Tail<'a> = (Unary<f32>, &'a dyn Fn(f64) -> f64);

/// Compositions keep their relative accuracy where naive formulas lose it.
fn tails(isa: Isa) {
    let x = [-80.0f32, -30.0, -20.0, -1e-8, 0.0, 1e-8, 20.0, 30.0, 80.0];
    let soft = |x: f64| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() };
    let cases: [Tail; 3] = [
        (Unary::Sigmoid, &|x| 1.0 / (1.0 + (-x).exp())),
        (Unary::LogSigmoid, &|x| -soft(-x)),
        (Unary::Softplus { beta: 1.0, threshold: 1000.0 }, &soft),
    ];
    for (op, exact) in cases {
        for (x, y) in x.iter().zip(apply(op, &x)) {
            let want = exact(f64::from(*x));
            assert!(ulps(y, want) <= 4.0, "{}: {}({x:?}) = {y:?}, not {want:?}", isa.name(), op.name());
        }
    }
}
