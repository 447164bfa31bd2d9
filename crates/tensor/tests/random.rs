//! Random tensors: shapes, ranges, refused arguments, and agreement with the streams they draw from.

use barehand_tensor::Tensor;
use barehand_tensor::random::Generator;
use barehand_tensor::random::legacy::RandomState;

#[test]
fn draws_have_their_shape_and_range() {
    let mut generator = Generator::new(1);
    let x = Tensor::<f64>::rand([3, 0, 2], &mut generator);
    assert_eq!(x.shape(), [3, 0, 2]);
    let x = Tensor::<f32>::uniform(-2.0, 3.0, [50, 40], &mut generator).unwrap();
    assert_eq!(x.shape(), [50, 40]);
    assert!(x.to_vec().iter().all(|v| (-2.0..3.0).contains(v)));
    let labels = Tensor::randint(0, 10, [1000], &mut generator).unwrap().to_vec();
    assert!((0..10).all(|class| labels.contains(&class)) && labels.iter().all(|v| (0..10).contains(v)));
    let mut order = Tensor::randperm(100, &mut generator).to_vec();
    assert_ne!(order, (0..100).collect::<Vec<_>>());
    order.sort_unstable();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
    let constant = Tensor::<f32>::normal(2.5, 0.0, [4], &mut generator).unwrap();
    assert_eq!(constant.to_vec(), [2.5; 4]);
    let mask = Tensor::bernoulli(1.0, [7], &mut generator).unwrap();
    assert_eq!(mask.to_vec(), [true; 7]);
}

#[test]
fn a_saved_generator_continues_exactly() {
    let mut generator = Generator::new(5);
    let first = Tensor::<f32>::randn([9], &mut generator);
    let (seed, counter) = generator.state();
    let second = Tensor::<f32>::randn([9], &mut generator);
    assert_ne!(first, second);
    assert_eq!(Tensor::<f32>::randn([9], &mut Generator::from_state(seed, counter)), second);
}

#[test]
fn impossible_arguments_are_errors() {
    let mut generator = Generator::new(0);
    assert!(Tensor::<f32>::uniform(1.0, 0.0, [1], &mut generator).is_err());
    assert!(Tensor::<f64>::uniform(f64::MIN, f64::MAX, [1], &mut generator).is_err());
    assert!(Tensor::<f32>::normal(0.0, -1.0, [1], &mut generator).is_err());
    assert!(Tensor::<f32>::normal(0.0, f32::NAN, [1], &mut generator).is_err());
    assert!(Tensor::randint(3, 3, [1], &mut generator).unwrap_err().to_string().contains("[3, 3)"));
    assert!(Tensor::bernoulli(1.5, [1], &mut generator).is_err());
    assert!(RandomState::from_list(&[]).is_err());
    assert!(RandomState::new(0).randint(1, 0, [1]).is_err());
}

/// NumPy's documentation of `seed(0)`, and the values every tutorial shows.
#[test]
fn the_legacy_stream_fills_tensors_in_row_major_order() {
    let mut random = RandomState::new(0);
    let x = random.randn([2, 2]);
    let expected = [[1.764052345967664, 0.4001572083672233], [0.9787379841057392, 2.240893199201458]];
    assert_eq!(x, Tensor::from(expected));
    let mut restored = RandomState::from_state(&random.state()).unwrap();
    assert_eq!(random.rand([3]), restored.rand([3]));
}
