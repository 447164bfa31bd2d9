//! Operands for both twins, and their comparison.

use std::ops::RangeInclusive;

use barehand_tensor::{DType, Float, Generator, Tensor, threads};
use barehand_textbook::Array;

/// One round of a comparison: a source of random operands, and the judge of the results.
pub struct Pair<T> {
    generator: Generator,
    place: String,
    /// Units in the last place that a result may be off.
    ulps: f64,
    /// The largest difference seen, in the same units.
    worst: f64,
    /// How large the terms are of which results may be the small differences; 0 where they are not.
    pub terms: f64,
    precision: std::marker::PhantomData<T>,
}

/// Holds the twins together for `rounds` random rounds in each precision and on one thread and two. `ulps` bounds the
/// difference, in units in the last place of the largest expected value, in f64 and in f32: the first may be larger
/// where the textbook adds up in order, so that its own error shows.
pub fn hold(
    block: &str,
    rounds: u64,
    ulps: [f64; 2],
    in_f64: fn(&mut Pair<f64>),
    in_f32: fn(&mut Pair<f32>),
) {
    let worst = [rounds_of(block, rounds, ulps[0], in_f64), rounds_of(block, rounds, ulps[1], in_f32)];
    println!("{block}: at most {:.1} ulps in f64, {:.1} in f32; {ulps:?} allowed", worst[0], worst[1]);
}

fn rounds_of<T: Float>(block: &str, rounds: u64, ulps: f64, compare: fn(&mut Pair<T>)) -> f64 {
    let mut worst: f64 = 0.0;
    for count in [1, 2] {
        for seed in 0..rounds {
            let place = format!("{block}, {}, seed {seed}, {count} threads", T::DTYPE);
            let mut pair = Pair {
                generator: Generator::new(seed),
                place,
                ulps,
                worst: 0.0,
                terms: 0.0,
                precision: std::marker::PhantomData,
            };
            threads::with_num_threads(count, || compare(&mut pair));
            worst = worst.max(pair.worst);
        }
    }
    worst
}

impl<T: Float> Pair<T> {
    /// A number from a range.
    pub fn between(&mut self, range: RangeInclusive<usize>) -> usize {
        range.start() + self.generator.next_u64() as usize % (range.end() - range.start() + 1)
    }

    pub fn flag(&mut self) -> bool {
        self.between(0..=1) == 1
    }

    /// True in about one of `n` cases.
    pub fn rarely(&mut self, n: usize) -> bool {
        self.between(1..=n) == 1
    }

    pub fn pick<V: Clone>(&mut self, choices: &[V]) -> V {
        choices[self.between(0..=choices.len() - 1)].clone()
    }

    /// A shape whose axes are mostly a few elements long, now and then empty or long enough for two threads.
    pub fn shape(&mut self, rank: RangeInclusive<usize>) -> Vec<usize> {
        let rank = self.between(rank);
        let mut shape: Vec<usize> = (0..rank).map(|_| self.between(1..=6)).collect();
        if rank > 0 && self.rarely(4) {
            let axis = self.between(0..=rank - 1);
            shape[axis] *= if self.rarely(2) { 0 } else { 40_000 / shape.iter().product::<usize>() };
        }
        shape
    }

    /// Standard normal numbers that both precisions hold exactly.
    pub fn array(&mut self, shape: &[usize]) -> Array {
        let values = Tensor::<f32>::randn(shape, &mut self.generator);
        Array::new(shape, values.to_vec().into_iter().map(f64::from).collect()).unwrap()
    }

    /// Numbers of `array` made positive.
    pub fn positive(&mut self, shape: &[usize]) -> Array {
        self.array(shape).map(|x| exact(x.abs() + 0.1))
    }

    /// The engine's copy, laid out in memory in one of many ways; what lies between its elements is not a number.
    pub fn tensor(&mut self, values: &Array) -> Tensor<T> {
        let x = Tensor::from_vec(values.data().iter().map(|&v| T::from_real(v)).collect(), values.shape())
            .unwrap();
        let nan = T::from_real(f64::NAN);
        let rank = x.rank();
        if rank == 0 {
            return x;
        }
        let axis = self.between(0..=rank - 1) as isize;
        match self.between(0..=3) {
            // Two axes swapped in memory.
            0 => {
                let other = self.between(0..=rank - 1) as isize;
                x.transpose(axis, other).unwrap().contiguous().transpose(axis, other).unwrap()
            }
            // A window of something larger.
            1 => {
                let mut margins = vec![(0, 0); rank];
                margins[axis as usize] = (self.between(0..=3), self.between(0..=3));
                x.pad(&margins, nan)
                    .unwrap()
                    .narrow(axis, margins[axis as usize].0, x.shape()[axis as usize])
                    .unwrap()
            }
            // Every other element.
            2 => {
                let mut margins = vec![(0, 0); rank + 1];
                margins[axis as usize + 1] = (0, 1);
                let doubled = x
                    .unsqueeze(axis + 1)
                    .unwrap()
                    .pad(&margins, nan)
                    .unwrap()
                    .flatten(axis, axis + 1)
                    .unwrap();
                doubled.slice(axis, 0, None, 2).unwrap()
            }
            _ => x,
        }
    }

    /// A leaf of the tape, laid out as [`tensor`](Self::tensor) does.
    pub fn leaf(&mut self, values: &Array) -> Tensor<T> {
        self.tensor(values).requires_grad()
    }

    /// The result must be the textbook's, within the bound.
    pub fn same(&mut self, what: &str, engine: &Tensor<T>, textbook: &Array) {
        let shape = engine.shape();
        assert_eq!(shape, textbook.shape(), "{}: shape of {what}", self.place);
        let epsilon = if T::DTYPE == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
        let largest = largest(textbook).max(self.terms);
        for (i, (x, &y)) in engine.to_vec().into_iter().zip(textbook.data()).enumerate() {
            let x = x.as_f64();
            if x == y || x.is_nan() && y.is_nan() {
                continue;
            }
            let ulps = (x - y).abs() / (epsilon * largest);
            assert!(
                ulps <= self.ulps,
                "{}: {what}[{i}] of {shape:?}: {x:e}, textbook {y:e}: {ulps:.1} ulps",
                self.place
            );
            self.worst = self.worst.max(ulps);
        }
    }

    /// The gradients that reach leaves from the gradient `dy` of `y` must be the textbook's.
    pub fn same_gradients(&mut self, y: &Tensor<T>, dy: &Array, leaves: &[(&str, &Tensor<T>, &Array)]) {
        let dy = self.tensor(dy);
        let gradients = y.backward_with(&dy).unwrap();
        for (name, leaf, textbook) in leaves {
            self.same(name, gradients.of(leaf).unwrap(), textbook);
        }
    }
}

/// The nearest number that single precision holds.
pub fn exact(x: f64) -> f64 {
    x as f32 as f64
}

/// The largest finite magnitude.
pub fn largest(x: &Array) -> f64 {
    x.data().iter().filter(|x| x.is_finite()).fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()))
}
