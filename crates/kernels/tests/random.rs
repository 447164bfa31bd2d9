//! Random numbers against published vectors, NumPy's own draws, and the moments of their distributions.

use barehand_kernels::dropout::{Dropout, after_dropout};
use barehand_kernels::isa::{self, Isa};
use barehand_kernels::random::mt19937::LegacyState;
use barehand_kernels::random::philox::block;
use barehand_kernels::random::{Philox, Random, RandomState};
use barehand_kernels::threads::with_num_threads;
use serde_json::Value;

/// The known answers that Random123 ships for philox4x32-10.
#[test]
fn philox_gives_the_published_words() {
    let vectors = [
        ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
        (
            [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
            [0xa4093822, 0x299f31d0],
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
        ),
    ];
    for (counter, key, words) in vectors {
        assert_eq!(block(counter, key), words);
    }
}

#[test]
fn fills_are_made_of_the_published_words() {
    let mut words = [0; 64];
    Philox::new(0).fill_words(&mut words);
    assert_eq!(words[0], 0x6627e8d5_e169c58d);
    assert_eq!(words[32], 0xbc57ac4c_9b00dbd8);
    let mut unit = [0.0f32; 1];
    Philox::new(0).fill_uniform(0.0, 1.0, &mut unit);
    assert_eq!(f64::from(unit[0]), f64::from(0x6627e8) / f64::from(1 << 24));
    let mut unit = [0.0f64; 1];
    Philox::new(0).fill_uniform(0.0, 1.0, &mut unit);
    // 27 bits of the first word, 26 of the second.
    let bits = (0x6627e8d5u64 >> 5) << 26 | 0xe169c58d >> 6;
    assert_eq!(unit[0], bits as f64 / (1u64 << 53) as f64);
}

/// Everything a generator can fill, as bits.
fn everything(len: usize) -> Vec<u64> {
    let mut rng = Philox::new(7);
    let mut bits = Vec::new();
    let mut singles = vec![0.0f32; len];
    let mut doubles = vec![0.0f64; len];
    rng.fill_uniform(-2.0, 3.0, &mut singles);
    bits.extend(singles.iter().map(|v| u64::from(v.to_bits())));
    rng.fill_normal(0.5, 2.0, &mut singles);
    bits.extend(singles.iter().map(|v| u64::from(v.to_bits())));
    rng.fill_uniform(-2.0, 3.0, &mut doubles);
    bits.extend(doubles.iter().map(|v| v.to_bits()));
    rng.fill_normal(0.5, 2.0, &mut doubles);
    bits.extend(doubles.iter().map(|v| v.to_bits()));
    let mut integers = vec![0; len];
    rng.fill_integers(-3, 1 << 40, &mut integers);
    bits.extend(integers.iter().map(|&v| v as u64));
    let mut flags = vec![false; len];
    rng.fill_bernoulli(0.3, &mut flags);
    bits.extend(flags.iter().map(|&v| u64::from(v)));
    f32::dropout(&singles.clone(), 0.4, rng, &mut singles);
    bits.extend(singles.iter().map(|v| u64::from(v.to_bits())));
    bits.push(rng.next_u64());
    bits
}

#[test]
fn the_same_bits_on_any_threads_and_any_instruction_set() {
    let expected = with_num_threads(1, || everything(100_003));
    for threads in [2, 3, 7] {
        assert!(with_num_threads(threads, || everything(100_003)) == expected, "{threads} threads");
    }
    for isa in Isa::available() {
        assert!(isa::force(Some(isa)));
        let bits = everything(100_003);
        isa::force(None);
        assert!(bits == expected, "{}", isa.name());
    }
}

#[test]
fn a_longer_fill_starts_with_the_shorter_one() {
    let (mut short, mut long) = (vec![0.0f64; 37], vec![0.0f64; 5000]);
    let mut rng = Philox::new(3);
    rng.fill_normal(0.0, 1.0, &mut short);
    Philox::new(3).fill_normal(0.0, 1.0, &mut long);
    assert_eq!(short, long[..37]);
    let mut next = vec![0.0f64; 37];
    rng.fill_normal(0.0, 1.0, &mut next);
    assert!(next.iter().all(|v| !short.contains(v)), "a second fill repeats the first");
}

#[test]
fn a_saved_state_continues_exactly() {
    let mut rng = Philox::new(99);
    let mut values = [0.0f32; 300];
    rng.fill_normal(0.0, 1.0, &mut values);
    let (seed, counter) = rng.state();
    let mut restored = Philox::from_state(seed, counter);
    let mut again = values;
    rng.fill_uniform(0.0, 1.0, &mut values);
    restored.fill_uniform(0.0, 1.0, &mut again);
    assert_eq!(values, again);
    assert_ne!(rng.fork(), Philox::new(99).fork());
    assert_eq!(restored.fork().permutation(50).len(), 50);
}

/// Mean, variance, skewness and kurtosis.
fn moments(values: &(impl Iterator<Item = f64> + Clone)) -> [f64; 4] {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let central = |k| values.clone().map(|v| (v - mean).powi(k)).sum::<f64>() / n;
    let variance = central(2);
    [mean, variance, central(3) / variance.powf(1.5), central(4) / variance.powi(2)]
}

fn assert_close(found: [f64; 4], expected: [f64; 4], tolerance: f64, what: &str) {
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < tolerance, "{what}: {found:?}, expected {expected:?}");
    }
}

fn distributions<T: Random>() {
    let mut values = vec![T::ZERO; 1 << 20];
    let mut rng = Philox::new(1);
    rng.fill_normal(T::ZERO, T::ONE, &mut values);
    // Five standard errors of the kurtosis, the least certain of the four, are 0.024.
    assert_close(moments(&values.iter().map(|v| v.to_f64())), [0.0, 1.0, 0.0, 3.0], 0.024, T::NAME);
    let within =
        |bound: f64| values.iter().filter(|v| v.to_f64().abs() < bound).count() as f64 / values.len() as f64;
    for (bound, share) in
        [(0.5, 0.382925), (1.0, 0.682689), (2.0, 0.954500), (3.0, 0.997300), (4.0, 0.9999367)]
    {
        assert!((within(bound) - share).abs() < 0.0025, "{} within {bound}", T::NAME);
    }
    // Neighbours, and the two values of one radius 32 places apart, are uncorrelated.
    for lag in [1, 2, 32, 64] {
        let pairs = values.iter().zip(&values[lag..]);
        let covariance = pairs.map(|(a, b)| a.to_f64() * b.to_f64()).sum::<f64>() / values.len() as f64;
        assert!(covariance.abs() < 0.005, "{} lag {lag}: {covariance}", T::NAME);
    }
    rng.fill_uniform(T::ZERO, T::ONE, &mut values);
    assert!(values.iter().all(|&v| v >= T::ZERO && v < T::ONE));
    assert_close(moments(&values.iter().map(|v| v.to_f64())), [0.5, 1.0 / 12.0, 0.0, 1.8], 0.01, T::NAME);
}

#[test]
fn distributions_have_their_moments() {
    distributions::<f32>();
    distributions::<f64>();
}

/// The radius and the turn of a Box-Muller pair, recomputed with the standard library from the same words.
#[test]
fn normal_values_follow_the_formula() {
    let rng = Philox::new(5);
    let mut words = vec![0; 12_800];
    { rng }.fill_words(&mut words);
    let mut doubles = vec![0.0f64; 12_800];
    { rng }.fill_normal(0.0, 1.0, &mut doubles);
    for (words, values) in words.chunks(64).zip(doubles.chunks(64)) {
        for l in 0..32 {
            let u = ((1u64 << 52) - (words[l] >> 12)) as f64 / (1u64 << 52) as f64;
            let quarter = (words[32 + l] >> 62) as f64;
            let v = quarter / 4.0 + ((words[32 + l] << 2 >> 12) as f64 / (1u64 << 52) as f64 - 0.5) / 4.0;
            let radius = (-2.0 * u.ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * v).sin_cos();
            assert!(
                (values[l] - radius * cos).abs() < 4e-15 * (1.0 + radius),
                "{} {}",
                values[l],
                radius * cos
            );
            assert!((values[32 + l] - radius * sin).abs() < 4e-15 * (1.0 + radius));
        }
    }
    let mut singles = vec![0.0f32; 25_600];
    { rng }.fill_normal(0.0, 1.0, &mut singles);
    // One 64-bit word holds the two 32-bit words of one single-precision pair.
    for (words, values) in words.chunks(64).zip(singles.chunks(128)) {
        for (words, values) in words.chunks(32).zip(values.chunks(64)) {
            for l in 0..32 {
                let (u, v) = ((words[l] >> 33) as f64 + 0.5, (words[l] & 0xFFFF_FFFF) as u32);
                let radius = (-2.0 * (u / 2f64.powi(31)).ln()).sqrt();
                let turn = f64::from(v >> 30) / 4.0 + f64::from((v << 2) as i32) / 2f64.powi(34);
                let (sin, cos) = (std::f64::consts::TAU * turn).sin_cos();
                // The 24-bit rounding of a `u` near one moves small radii; far from it, only rounding is left.
                let tolerance = 1e-6 + if radius < 0.01 { 1e-3 } else { 2e-7 / radius };
                assert!((f64::from(values[l]) - radius * cos).abs() < tolerance);
                assert!((f64::from(values[32 + l]) - radius * sin).abs() < tolerance);
            }
        }
    }
}

#[test]
fn a_uniform_range_excludes_its_end() {
    // So narrow that `low + range * u` rounds to the end half of the time.
    let (low, high) = (1.0f32, 1.0f32.next_up());
    let mut values = vec![0.0; 1000];
    Philox::new(0).fill_uniform(low, high, &mut values);
    assert!(values.iter().all(|&v| v == low));
    Philox::new(0).fill_uniform(2.0, 2.0, &mut values);
    assert!(values.iter().all(|&v| v == 2.0));
}

#[test]
fn integers_are_in_range_and_equally_likely() {
    let mut rng = Philox::new(2);
    let mut values = vec![0; 700_000];
    rng.fill_integers(-3, 4, &mut values);
    let mut counts = [0i64; 7];
    for v in &values {
        counts[(v + 3) as usize] += 1;
    }
    // Chi squared with 6 degrees of freedom: 1 in 10,000 exceeds 27.9.
    let chi: f64 = counts.iter().map(|&c| (c as f64 - 1e5).powi(2) / 1e5).sum();
    assert!(chi < 27.9, "{counts:?}");

    // Three quarters of 2^64: without rejection a third of the values would be twice as likely as the others.
    let (low, high) = (i64::MIN, i64::MIN.wrapping_add_unsigned(3 << 62));
    rng.fill_integers(low, high, &mut values);
    assert!(values.iter().all(|&v| v < high));
    let mut remainders = [0i64; 3];
    for v in &values {
        remainders[(v.wrapping_sub(low) as u64 % 3) as usize] += 1;
    }
    let third = values.len() as f64 / 3.0;
    let chi: f64 = remainders.iter().map(|&c| (c as f64 - third).powi(2) / third).sum();
    assert!(chi < 18.4, "{remainders:?}");

    rng.fill_integers(5, 6, &mut values);
    assert!(values.iter().all(|&v| v == 5));
}

#[test]
fn permutations_are_permutations_and_equally_likely() {
    let mut rng = Philox::new(4);
    for n in [0, 1, 2, 1000] {
        let mut order = rng.permutation(n);
        assert!(n < 1000 || order.windows(2).any(|w| w[0] > w[1]));
        order.sort_unstable();
        assert_eq!(order, (0..n).collect::<Vec<_>>());
    }
    let mut counts = [0i64; 6];
    for _ in 0..60_000 {
        let order = rng.permutation(3);
        counts[order[0] * 2 + usize::from(order[1] > order[2])] += 1;
    }
    let chi: f64 = counts.iter().map(|&c| (c as f64 - 1e4).powi(2) / 1e4).sum();
    assert!(chi < 25.7, "{counts:?}");
}

#[test]
fn bernoulli_keeps_its_chance() {
    let mut flags = vec![false; 1 << 20];
    for p in [0.0, 0.001, 0.3, 0.5, 1.0] {
        Philox::new(8).fill_bernoulli(p, &mut flags);
        let share = flags.iter().filter(|&&f| f).count() as f64 / flags.len() as f64;
        let five_errors = 5.0 * (p * (1.0 - p) / flags.len() as f64).sqrt();
        assert!((share - p).abs() <= five_errors, "{p}: {share}");
    }
}

fn dropout<T: Dropout>() {
    let len = 200_003;
    let x: Vec<T> = (0..len).map(|i| T::from_f64(1.0 + i as f64)).collect();
    let mut out = vec![T::ONE; len];
    let rng = Philox::from_state(3, 5);
    let p = 0.3;
    T::dropout(&x, p, rng, &mut out);
    let scale = T::from_f64(1.0 / (1.0 - p));
    let kept = out.iter().zip(&x).filter(|&(&o, &x)| o == x * scale).count();
    let dropped = out.iter().filter(|&&o| o == T::ZERO).count();
    assert_eq!(kept + dropped, len);
    assert!((dropped as f64 / len as f64 - p).abs() < 5.0 * (p * (1.0 - p) / len as f64).sqrt());

    // The backward pass keeps exactly what the forward pass kept.
    let mut dx = vec![T::ZERO; len];
    T::dropout_backward(&vec![T::TWO; len], p, rng, &mut dx);
    assert!(dx.iter().zip(&out).all(|(&d, &o)| (d == T::ZERO) == (o == T::ZERO)));
    assert!(dx.iter().all(|&d| d == T::ZERO || d == T::TWO * scale));

    // The next mask is another one.
    let mut next = vec![T::ZERO; len];
    T::dropout(&x, p, after_dropout(rng, len), &mut next);
    let same = next.iter().zip(&out).filter(|&(&a, &b)| (a == T::ZERO) == (b == T::ZERO)).count();
    assert!((same as f64 / len as f64 - (p * p + (1.0 - p) * (1.0 - p))).abs() < 0.01);

    let strange = [T::NAN, T::INFINITY, -T::ONE];
    let mut out = [T::ONE; 3];
    T::dropout(&strange, 1.0, rng, &mut out);
    assert!(out.iter().all(|&o| o == T::ZERO));
    T::dropout(&strange, 0.0, rng, &mut out);
    assert!(out[0].is_nan() && out[1] == T::INFINITY && out[2] == -T::ONE);
    T::dropout(&[], 0.5, rng, &mut []);
}

#[test]
fn dropout_drops_scales_and_remembers() {
    dropout::<f32>();
    dropout::<f64>();
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn integers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect()
}

fn times<R>(n: usize, draw: impl FnMut() -> R) -> Vec<R> {
    std::iter::repeat_with(draw).take(n).collect()
}

#[test]
fn legacy_streams_are_numpys() {
    let golden: Value = serde_json::from_str(include_str!("goldens/numpy_legacy.json")).unwrap();
    for stream in golden["streams"].as_array().unwrap() {
        let mut rng = match &stream["seed"] {
            Value::Array(seeds) => {
                RandomState::from_list(&seeds.iter().map(|s| s.as_u64().unwrap() as u32).collect::<Vec<_>>())
            }
            seed => RandomState::new(seed.as_u64().unwrap() as u32),
        };
        let first: Vec<i64> = rng.state().key[..4].iter().map(|&w| i64::from(w)).collect();
        assert_eq!(first, integers(&stream["first_words"]));
        assert_eq!(times(5, || rng.random_sample()), numbers(&stream["random_sample"]));
        assert_eq!(times(7, || rng.randn()), numbers(&stream["randn"]));
        assert_eq!(times(4, || rng.uniform(-3.0, 5.5)), numbers(&stream["uniform"]));
        assert_eq!(times(4, || rng.normal(10.0, 0.25)), numbers(&stream["normal"]));
        for draw in stream["randint"].as_array().unwrap() {
            let (low, high) = (draw["low"].as_i64().unwrap(), draw["high"].as_i64().unwrap());
            assert_eq!(times(6, || rng.randint(low, high)), integers(&draw["values"]), "{low}..{high}");
        }
        let order: Vec<i64> = rng.permutation(23).into_iter().map(|i| i as i64).collect();
        assert_eq!(order, integers(&stream["permutation"]));
        let mut values: Vec<i64> = (100..117).collect();
        rng.shuffle(&mut values);
        assert_eq!(values, integers(&stream["shuffle"]));
        assert_eq!(
            times(5000, || rng.random_sample()).iter().sum::<f64>(),
            stream["far_sum"].as_f64().unwrap()
        );
        assert_eq!(rng.randn(), stream["last_randn"].as_f64().unwrap());
        let state = rng.state();
        assert_eq!(
            state.key.iter().map(|&w| u64::from(w)).sum::<u64>(),
            stream["state"]["words_sum"].as_u64().unwrap()
        );
        assert_eq!(state.position as u64, stream["state"]["position"].as_u64().unwrap());
        assert_eq!(state.gauss, stream["state"]["gauss"].as_f64());
    }
}

#[test]
fn a_legacy_state_continues_exactly_and_wrong_ones_are_refused() {
    let mut rng = RandomState::new(12);
    rng.randn();
    let state = rng.state();
    let mut restored = RandomState::from_state(&state).unwrap();
    assert_eq!(times(1000, || rng.randn()), times(1000, || restored.randn()));
    assert!(RandomState::from_state(&LegacyState { position: 625, ..state.clone() }).is_none());
    assert!(RandomState::from_state(&LegacyState { key: vec![0; 623], ..state }).is_none());
}
