//! Constants of the elementary functions: coefficients of polynomials, lowest first, and the ends of ranges.
//!
//! Each polynomial interpolates its function at the Chebyshev nodes of its range, computed with 60 digits; the degree is
//! the least whose error is small against the type's rounding.

/// For `f32`.
pub mod single {
    /// The leading 15 bits of `ln 2`.
    pub const LN_2_HIGH: f32 = 0.693145752;
    /// The rest.
    pub const LN_2_LOW: f32 = 1.42860677e-06;
    /// Below it `e^x` rounds to 0.
    pub const EXP_LOW: f32 = -104.0;
    /// Above it `e^x` overflows.
    pub const EXP_HIGH: f32 = 89.0;
    /// Below it `e^x - 1` rounds to -1.
    pub const EXPM1_LOW: f32 = -18.0;
    /// Below it `2^x` rounds to 0.
    pub const EXP2_LOW: f32 = -151.0;
    /// Above it `2^x` overflows.
    pub const EXP2_HIGH: f32 = 129.0;
    /// Above it `tanh x` rounds to 1.
    pub const TANH_HIGH: f32 = 10.0;
    /// Above it `erf x` rounds to 1.
    pub const ERF_HIGH: f32 = 4.0;
    /// `(e^r - 1 - r) / r^2` for `|r| <= ln 2 / 2`.
    pub const EXP: [f32; 5] = [0.5, 0.166665763, 0.0416665524, 0.00836323295, 0.00139262504];
    /// `(2^r - 1) / r` for `|r| <= 1/2`: those of `EXP`, times powers of `ln 2`.
    pub const EXP2: [f32; 6] =
        [std::f32::consts::LN_2, 0.2402265, 0.055503808, 0.009618103, 0.0013381399, 0.00015444966];
    /// `(2 atanh(s) - 2 s) / s^3` in `s^2`, for `|s| <= 3 - 2 sqrt(2)`.
    pub const LN: [f32; 4] = [0.666666687, 0.400001258, 0.285503983, 0.233419433];
    /// `(tanh(x) - x) / x^3` in `x^2`, for `|x| <= 0.55`.
    pub const TANH: [f32; 5] = [-0.333333313, 0.133331135, -0.0539094284, 0.0213093888, -0.00661022775];
    /// `erf(x) / x - 1` in `x^2`, for `|x| <= 1`.
    pub const ERF: [f32; 7] =
        [0.128379166, -0.37612626, 0.112835944, -0.0268542115, 0.00518908724, -0.00080168643, 7.87587487e-05];
    /// `erfc(a) e^(a^2)` in `t = (a - 3) / (a + 3)`, for `a` from 1 on.
    pub const ERFCX: [f32; 7] =
        [0.179001138, -0.326233685, 0.24560599, -0.150098339, 0.0716035068, -0.0250796378, 0.00274274917];
    /// From here down `e^x` is 0: its power of two is one below the normal ones.
    pub const EXP_ZERO: f32 = -88.0;
    /// `Phi(-a) e^(a^2 / 2)` in `t = (a - 3) / (a + 3)`, for `a` up to 13.3, from where the exponential is 0.
    pub const NORMAL_TAIL: [f32; 10] = [
        0.121513948,
        -0.206402622,
        0.12322503,
        -0.0462132469,
        0.00613211466,
        0.00290439383,
        -0.000984060074,
        -0.00033941218,
        0.000116033187,
        5.3955544e-5,
    ];
    /// From here on `e^(-a^2 / 2)` is 0: its power of two is one below the normal ones.
    pub const NORMAL_ZERO: f32 = 13.27;
    /// The 3 of it.
    pub const NORMAL_MIDDLE: f32 = 3.0;
    /// `(atan(x) - x) / x^3` in `x^2`, for `|x| <= sqrt(2) - 1`.
    pub const ATAN: [f32; 5] = [-0.333333318, 0.199995404, -0.142639538, 0.107437119, -0.0645186314];
    /// `pi / 4` less its nearest number.
    pub const PI_4_LOW: f32 = -2.18556941e-8;
}

/// For `f64`.
pub mod double {
    /// The leading 40 bits of `ln 2`.
    pub const LN_2_HIGH: f64 = 0.6931471805592082;
    /// The rest.
    pub const LN_2_LOW: f64 = 7.371002565167799e-13;
    /// Below it `e^x` rounds to 0.
    pub const EXP_LOW: f64 = -746.0;
    /// Above it `e^x` overflows.
    pub const EXP_HIGH: f64 = 710.0;
    /// Below it `e^x - 1` rounds to -1.
    pub const EXPM1_LOW: f64 = -38.0;
    /// Below it `2^x` rounds to 0.
    pub const EXP2_LOW: f64 = -1076.0;
    /// Above it `2^x` overflows.
    pub const EXP2_HIGH: f64 = 1025.0;
    /// Above it `tanh x` rounds to 1.
    pub const TANH_HIGH: f64 = 20.0;
    /// Above it `erf x` rounds to 1.
    pub const ERF_HIGH: f64 = 6.0;
    /// `(e^r - 1 - r) / r^2` for `|r| <= ln 2 / 2`.
    pub const EXP: [f64; 10] = [
        0.5000000000000001,
        0.16666666666666669,
        0.041666666666623824,
        0.008333333333330039,
        0.0013888888917367081,
        0.00019841269863171557,
        2.4801521057868204e-05,
        2.7557268276905696e-06,
        2.7620201591031547e-07,
        2.5100472505694996e-08,
    ];
    /// `(2^r - 1) / r` for `|r| <= 1/2`: those of `EXP`, times powers of `ln 2`.
    pub const EXP2: [f64; 11] = [
        std::f64::consts::LN_2,
        0.24022650695910075,
        0.05550410866482159,
        0.009618129107618587,
        0.0013333558146423172,
        0.00015403530424965467,
        1.5252733820896517e-05,
        1.3215451492282764e-06,
        1.0178067192323587e-07,
        7.071010049621723e-09,
        4.454120565395306e-10,
    ];
    /// `(2 atanh(s) - 2 s) / s^3` in `s^2`, for `|s| <= 3 - 2 sqrt(2)`.
    pub const LN: [f64; 8] = [
        0.6666666666666666,
        0.4000000000000094,
        0.2857142857076445,
        0.2222222240054776,
        0.181817947008978,
        0.15386290534658992,
        0.13267418596474884,
        0.1310072138350349,
    ];
    /// `(tanh(x) - x) / x^3` in `x^2`, for `|x| <= 0.55`.
    pub const TANH: [f64; 11] = [
        -0.3333333333333333,
        0.13333333333332714,
        -0.053968253967434016,
        0.021869488493666944,
        -0.008863234397814355,
        0.003592110378689024,
        -0.001455661830100716,
        0.0005889360520074057,
        -0.0002346347410887237,
        8.511313685577672e-05,
        -2.060276537636634e-05,
    ];
    /// `erf(x) / x - 1` in `x^2`, for `|x| <= 1`.
    pub const ERF: [f64; 12] = [
        0.12837916709551256,
        -0.37612638903183543,
        0.11283791670945006,
        -0.02686617064323777,
        0.0052239776071164225,
        -0.0008548325975389692,
        0.00012055294904839707,
        -1.492473690741966e-05,
        1.6447424703317362e-06,
        -1.6208483801871705e-07,
        1.3720064546777686e-08,
        -7.795898827002142e-10,
    ];
    /// `erfc(a) e^(a^2)` in `t = (a - 3) / (a + 3)`, for `a` from 1 on.
    pub const ERFCX: [f64; 16] = [
        0.17900115118138996,
        -0.3262335600430372,
        0.24560380171233487,
        -0.15011593650077898,
        0.07166583719747308,
        -0.024392499318915004,
        0.004269136356961225,
        0.0007077464666941425,
        -0.0005970624964924544,
        4.525434558991009e-05,
        6.406279226046039e-05,
        -1.2845780030775907e-05,
        -8.00978093907608e-06,
        2.0135111426447427e-06,
        1.2755818949624478e-06,
        3.381355142042904e-09,
    ];
    /// From here down `e^x` is 0: its power of two is one below the normal ones.
    pub const EXP_ZERO: f64 = -709.1;
    /// `Phi(-a) e^(a^2 / 2)` in `t = (a - 5) / (a + 5)`, for `a` up to 37.8, from where the exponential is 0.
    pub const NORMAL_TAIL: [f64; 23] = [
        0.07691930497500629,
        -0.14345755526401197,
        0.11606881188600329,
        -0.08088387726412745,
        0.0478553522841704,
        -0.023413900487691125,
        0.00899137055058308,
        -0.002378844356709327,
        0.00021955073768416643,
        0.00013427684357524363,
        -6.042748310475216e-05,
        9.613050081313667e-07,
        6.6444221564739045e-06,
        -1.2700727134912814e-06,
        -6.750802855047248e-07,
        2.4334167527344764e-07,
        7.71091239882532e-08,
        -3.916316939240997e-08,
        -1.0996109801613508e-08,
        5.686822407716045e-09,
        1.8260506595708709e-09,
        -5.692413446628874e-10,
        -2.3186133795595718e-10,
    ];
    /// From here on `e^(-a^2 / 2)` is 0: its power of two is one below the normal ones.
    pub const NORMAL_ZERO: f64 = 37.66;
    /// The 5 of it.
    pub const NORMAL_MIDDLE: f64 = 5.0;
    /// `(atan(x) - x) / x^3` in `x^2`, for `|x| <= sqrt(2) - 1`.
    pub const ATAN: [f64; 12] = [
        -0.3333333333333333,
        0.19999999999999804,
        -0.14285714285659812,
        0.11111111105153937,
        -0.09090908753425743,
        0.07692296372859808,
        -0.06666424846721739,
        0.05878928549229719,
        -0.052304509666811966,
        0.045515781496647055,
        -0.034570174391823104,
        0.01628532732275549,
    ];
    /// `pi / 4` less its nearest number.
    pub const PI_4_LOW: f64 = 3.061616997868383e-17;
}

/// Adding and subtracting this rounds an `f64` to an integer, which the lowest bits of the sum then hold.
pub const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// The leading 33 bits of `pi / 2`: multiples by integers of 20 bits are exact.
pub const PI_2_HIGH: f64 = 1.5707963267341256;
/// The next 33 bits.
pub const PI_2_MIDDLE: f64 = 6.077100506303966e-11;
/// The rest.
pub const PI_2_LOW: f64 = 2.0222662487959506e-21;
/// `(sin(x) - x) / x^3` in `x^2`, for `|x| <= pi / 4`.
pub const SIN: [f64; 7] = [
    -0.16666666666666666,
    0.008333333333333331,
    -0.00019841269841265017,
    2.755731921930192e-06,
    -2.5052106219521895e-08,
    1.6058529572267877e-10,
    -7.586576588171073e-13,
];
/// `(cos(x) - 1 + x^2 / 2) / x^4` in `x^2`, for `|x| <= pi / 4`.
pub const COS: [f64; 6] = [
    0.041666666666666664,
    -0.0013888888888887382,
    2.480158729874307e-05,
    -2.7557317260008837e-07,
    2.0876143827993133e-09,
    -1.1382456778061306e-11,
];
/// [`SIN`] where the result is rounded to `f32`.
pub const SIN_SHORT: [f64; 4] =
    [-0.16666666663832763, 0.008333331865959415, -0.00019840082012765537, 2.7249314054698804e-06];
/// [`COS`] where the result is rounded to `f32`.
pub const COS_SHORT: [f64; 3] = [0.04166666464745738, -0.00138883006969039, 2.45474372101932e-05];
