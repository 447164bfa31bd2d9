//! What whole numbers refuse, and reductions of views of every kind against loops.

use barehand_kernels::random::Philox;
use barehand_tensor::{Error, Tensor, integer, threads};

#[test]
fn what_has_no_whole_result_is_refused() {
    let x = Tensor::from([1_i64, 2]);
    let says = |result: barehand_tensor::Result<Tensor<i64>>, words: &str| {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(words), "{error} lacks {words}");
        error
    };
    let zero = Tensor::from([3_i64, 0]);
    assert!(matches!(
        says(integer::floor_divide(&x, &zero), "floor_divide: division by zero"),
        Error::Value { .. }
    ));
    says(integer::remainder(&x, &zero), "remainder: division by zero");
    says(integer::pow(&x, &Tensor::from([1_i64, -1])), "pow: integers to negative");
    says(integer::add(&x, &Tensor::from([1_i64, 2, 3])), "add: shapes [2] and [3]");
    says(integer::max(&Tensor::zeros([0])), "max: shape [0]");
    says(integer::amax(&Tensor::zeros([2, 0]), 1, false), "amax");
    says(integer::sum_dim(&x, [0, 0], false), "named twice");
    says(x.argmax(1), "argmax");
    // Nothing is divided by these zeros.
    let none = Tensor::<i64>::zeros([0, 2]);
    assert_eq!(integer::floor_divide(&none, &zero).unwrap().shape(), [0, 2]);
    assert_eq!(integer::amax(&none, 1, true).unwrap().shape(), [0, 1]);
}

#[test]
fn the_smallest_number_by_minus_one_wraps_around() {
    let (least, minus_one) = (Tensor::from([i32::MIN]), Tensor::from([-1]));
    assert_eq!(integer::floor_divide(&least, &minus_one).unwrap(), least);
    assert_eq!(integer::remainder(&least, &minus_one).unwrap(), Tensor::from([0]));
    assert_eq!(integer::abs(&least), least);
}

#[test]
fn reductions_of_views_are_those_of_loops() {
    let mut random = Philox::new(3);
    for shape in [[3, 4, 5], [1, 4, 7], [2, 0, 3], [5, 1, 1], [40, 60, 50]] {
        let count: usize = shape.iter().product();
        let values: Vec<i64> = (0..count).map(|_| random.next_u64() as i64 >> 50).collect();
        let x = Tensor::from_vec(values, shape).unwrap();
        let views = [
            x.clone(),
            x.transpose(0, 2).unwrap(),
            x.transpose(1, 2).unwrap().slice(0, 0, None, 2).unwrap(),
            x.unsqueeze(1).unwrap().expand([shape[0], 3, shape[1], shape[2]]).unwrap().select(1, 2).unwrap(),
        ];
        for x in views {
            for axis in 0..3 {
                let lane = |at: [usize; 3]| -> Vec<i64> {
                    let element = |k| {
                        let mut place = at;
                        place[axis] = k;
                        x.at(place).unwrap()
                    };
                    (0..x.shape()[axis]).map(element).collect()
                };
                let mut kept = x.shape().to_vec();
                kept[axis] = 1;
                let dim = axis as isize;
                let sums = integer::sum_dim(&x, dim, true).unwrap();
                let running = integer::cumsum(&x, dim).unwrap();
                let counts = x.count_nonzero_dim(dim, true).unwrap();
                assert_eq!(sums.shape(), kept);
                let extremes = (x.shape()[axis] > 0).then(|| {
                    let found = [1, 3].map(|n| {
                        threads::with_num_threads(n, || {
                            (x.max_dim(dim, true).unwrap(), x.min_dim(dim, true).unwrap())
                        })
                    });
                    assert_eq!(found[0], found[1]);
                    found[0].clone()
                });
                for at in (0..kept.iter().product::<usize>()).step_by(7) {
                    let at = [at / (kept[1] * kept[2]), at / kept[2] % kept[1], at % kept[2]];
                    let lane = lane(at);
                    assert_eq!(sums.at(at).unwrap(), lane.iter().sum::<i64>());
                    assert_eq!(counts.at(at).unwrap(), lane.iter().filter(|&&v| v != 0).count() as i64);
                    let mut end = at;
                    end[axis] = lane.len().saturating_sub(1);
                    if !lane.is_empty() {
                        assert_eq!(running.at(end).unwrap(), lane.iter().sum::<i64>());
                    }
                    let Some(((max, max_at), (min, min_at))) = &extremes else { continue };
                    let (largest, smallest) = (*lane.iter().max().unwrap(), *lane.iter().min().unwrap());
                    let place = |value| lane.iter().position(|&v| v == value).unwrap() as i64;
                    assert_eq!((max.at(at).unwrap(), max_at.at(at).unwrap()), (largest, place(largest)));
                    assert_eq!((min.at(at).unwrap(), min_at.at(at).unwrap()), (smallest, place(smallest)));
                }
            }
        }
    }
}
