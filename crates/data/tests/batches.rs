//! Splits, transforms and the loader.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Duration;

use barehand_data::*;
use barehand_tensor::{Error, Result, Tensor};

fn numbers(n: usize) -> TensorDataset<f32, i64> {
    let x = Tensor::from_vec((0..2 * n).map(|i| i as f32).collect(), [n, 2]).unwrap();
    TensorDataset::new(&x, &Tensor::from_vec((0..n as i64).collect(), [n]).unwrap()).unwrap()
}

fn targets(batches: impl Iterator<Item = Result<Batch>>) -> Vec<Vec<i64>> {
    batches.map(|batch| batch.unwrap().targets.to_vec()).collect()
}

#[test]
fn batches_hold_matching_rows() {
    for prefetch in [0, 1, 3] {
        let loader = DataLoader::new(numbers(10), 4).unwrap().shuffle(true).seed(5).prefetch(prefetch);
        assert_eq!((loader.len(), loader.epoch(0).size_hint()), (3, (3, Some(3))));
        let mut seen = Vec::new();
        for batch in loader.epoch(0) {
            let batch = batch.unwrap();
            for (row, &target) in batch.inputs.to_vec().chunks(2).zip(&batch.targets.to_vec()) {
                assert_eq!(row, [2.0 * target as f32, 2.0 * target as f32 + 1.0]);
                seen.push(target as usize);
            }
        }
        assert_eq!(seen, loader.order(0));
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }
}

#[test]
fn the_order_depends_on_seed_and_epoch_alone() {
    let loader = |seed| DataLoader::new(numbers(100), 7).unwrap().shuffle(true).seed(seed);
    let (a, b) = (loader(1), loader(1).prefetch(0));
    let later = targets(a.epoch(3));
    assert_eq!(targets(a.epoch(0)), targets(b.epoch(0)));
    assert_eq!(later, targets(b.epoch(3)));
    let orders: BTreeSet<_> = (0..20).map(|epoch| a.order(epoch)).chain([loader(2).order(0)]).collect();
    assert_eq!(orders.len(), 21, "epochs and seeds have orders of their own");
    assert_eq!(loader(1).shuffle(false).order(9), (0..100).collect::<Vec<_>>());
}

#[test]
fn positions_are_evenly_used() {
    // Sample 0 comes at each of 8 places about equally often: chi-squared with 7 degrees of freedom, 99.99 % below 30.
    let loader = DataLoader::new(numbers(8), 8).unwrap().shuffle(true).seed(3);
    let mut counts = [0f64; 8];
    for epoch in 0..4000 {
        counts[loader.order(epoch).iter().position(|&i| i == 0).unwrap()] += 1.0;
    }
    let chi2: f64 = counts.iter().map(|n| (n - 500.0).powi(2) / 500.0).sum();
    assert!(chi2 < 30.0, "{counts:?}");
}

#[test]
fn an_epoch_resumes_at_its_cursor() {
    let loader = DataLoader::new(numbers(50), 8).unwrap().shuffle(true).seed(9);
    let whole = targets(loader.epoch(4));
    let mut start = loader.epoch(4);
    let mut seen: Vec<_> = (0..3).map(|_| start.next().unwrap().unwrap().targets.to_vec()).collect();
    let cursor = start.cursor();
    assert_eq!(cursor, Cursor { epoch: 4, batch: 3 });
    drop(start);
    let mut rest = loader.resume(cursor).unwrap();
    seen.extend(targets(rest.by_ref()));
    assert_eq!(seen, whole);
    assert_eq!(rest.cursor(), Cursor { epoch: 4, batch: 7 });
    assert_eq!(loader.resume(Cursor { epoch: 4, batch: 7 }).unwrap().count(), 0);
    assert!(loader.resume(Cursor { epoch: 4, batch: 8 }).is_err());
}

#[test]
fn the_last_batch_can_be_dropped() {
    let sizes = |n, drop| {
        let loader = DataLoader::new(numbers(n), 4).unwrap().drop_last(drop);
        let sizes: Vec<usize> = targets(loader.epoch(0)).iter().map(Vec::len).collect();
        assert_eq!(sizes.len(), loader.len());
        sizes
    };
    assert_eq!((sizes(10, false), sizes(10, true)), (vec![4, 4, 2], vec![4, 4]));
    assert_eq!((sizes(8, false), sizes(8, true)), (vec![4, 4], vec![4, 4]));
    assert_eq!((sizes(3, false), sizes(3, true)), (vec![3], vec![]));
    assert_eq!(sizes(0, false), vec![0; 0]);
    assert!(DataLoader::new(numbers(3), 0).is_err());
}

/// Fails in batch 2 as it is told.
struct Failing {
    panics: bool,
}

impl Dataset for Failing {
    type Batch = usize;
    fn len(&self) -> usize {
        10
    }
    fn batch(&self, indices: &[usize], _: &mut Philox) -> Result<usize> {
        match indices[0] {
            2 if self.panics => panic!("sample 2 is cursed"),
            2 => Err(Error::value("Failing", "sample 2 is damaged")),
            i => Ok(i),
        }
    }
}

#[test]
fn failures_on_the_other_thread_come_out_as_errors() {
    for prefetch in [0, 1, 4] {
        let loader = DataLoader::new(Failing { panics: false }, 1).unwrap().prefetch(prefetch);
        let mut batches = loader.epoch(0);
        assert_eq!((batches.next().unwrap().unwrap(), batches.next().unwrap().unwrap()), (0, 1));
        assert!(batches.next().unwrap().unwrap_err().to_string().contains("damaged"));
        assert!(batches.next().is_none());
    }
    let loader = DataLoader::new(Failing { panics: true }, 1).unwrap().prefetch(2);
    let mut batches = loader.epoch(0).skip(2);
    assert!(batches.next().unwrap().unwrap_err().to_string().contains("sample 2 is cursed"));
    assert!(batches.next().is_none());
}

#[test]
fn dropping_the_batches_ends_the_thread() {
    let dataset = Arc::new(numbers(1000));
    let loader = DataLoader::new(dataset.clone(), 1).unwrap().prefetch(2);
    let mut batches = loader.epoch(0);
    batches.next().unwrap().unwrap();
    drop(batches);
    drop(loader);
    assert_eq!(Arc::strong_count(&dataset), 1, "nobody else holds the data set once the thread is gone");
}

/// Tells which thread prepared a batch, and takes its time.
struct Slow(Duration);

impl Dataset for Slow {
    type Batch = ThreadId;
    fn len(&self) -> usize {
        4
    }
    fn batch(&self, _: &[usize], _: &mut Philox) -> Result<ThreadId> {
        std::thread::sleep(self.0);
        Ok(std::thread::current().id())
    }
}

#[test]
fn only_batches_that_take_long_are_handed_over() {
    let here = std::thread::current().id();
    let elsewhere = |dataset| {
        let loader = DataLoader::new(dataset, 1).unwrap();
        let threads: Vec<ThreadId> = loader.epoch(0).map(|batch| batch.unwrap()).collect();
        assert_eq!((threads.len(), threads[0]), (4, here), "the first batch is timed on the spot");
        threads.iter().filter(|&&thread| thread != here).count()
    };
    assert_eq!(elsewhere(Slow(Duration::from_millis(2))), 3);
    assert_eq!(DataLoader::new(Slow(Duration::ZERO), 1).unwrap().prefetch(0).epoch(0).count(), 4);
}

#[test]
fn tensors_and_subsets_check_their_shapes() {
    let x = Tensor::<f32>::zeros([3, 2]);
    assert!(TensorDataset::new(&x, &Tensor::<i64>::zeros([2])).is_err());
    assert!(TensorDataset::new(&x, &Tensor::from_vec(vec![1i64], []).unwrap()).is_err());
    assert!(numbers(3).batch(&[3], &mut Philox::new(0)).is_err());
    assert!(Subset::new(numbers(3), [3]).is_err());
    let subset = Subset::new(Arc::new(numbers(9)), [8, 0, 4]).unwrap();
    assert_eq!(subset.len(), 3);
    assert_eq!(subset.batch(&[2, 0], &mut Philox::new(0)).unwrap().targets.to_vec(), [4, 8]);
    assert!(subset.batch(&[3], &mut Philox::new(0)).is_err());
    let wide = TensorDataset::new(&Tensor::<f64>::zeros([4, 0]), &Tensor::<bool>::zeros([4, 2, 2])).unwrap();
    let batch = wide.batch(&[0, 3, 3], &mut Philox::new(0)).unwrap();
    assert_eq!((batch.inputs.shape(), batch.targets.shape()), (&[3, 0][..], &[3, 2, 2][..]));
}

fn pictures(n: usize, channels: usize, height: usize, width: usize) -> ImageDataset {
    let pixels = (0..n * channels * height * width).map(|i| (i * 31 % 255 + 1) as u8).collect();
    let images = Tensor::from_vec(pixels, [n, channels, height, width]).unwrap();
    let labels = Tensor::from_vec((0..n as i64).map(|i| i % 2).collect(), [n]).unwrap();
    ImageDataset::new("pictures", images, labels, vec!["a".into(), "b".into()]).unwrap()
}

#[test]
fn normalisation_is_the_formula() {
    let data = pictures(3, 2, 4, 5);
    let (mean, std) = ([0.25f32, 0.5], [0.5f32, 2.0]);
    let transform = ImageTransform::normalize(&mean, &std);
    let expected: Vec<f32> = (data.images.to_vec().iter().enumerate())
        .map(|(i, &pixel)| (f32::from(pixel) / 255.0 - mean[i / 20 % 2]) / std[i / 20 % 2])
        .collect();
    assert_eq!(transform.apply(&data.images).unwrap().to_vec(), expected);
    let batch = data.with_transform(&transform).unwrap().batch(&[2, 0], &mut Philox::new(0)).unwrap();
    assert_eq!(batch.inputs.to_vec(), [&expected[80..], &expected[..40]].concat());
    assert_eq!(batch.targets.to_vec(), [0, 0]);
    assert_eq!(ImageTransform::scale(2).apply(&data.images).unwrap().to_vec()[0], 1.0 / 255.0);
}

/// The image `(C, H, W)` padded by black, cropped at `(down, right)` and mirrored, pixel by pixel.
fn framed(image: &[f32], [c, h, w]: [usize; 3], down: isize, right: isize, mirrored: bool) -> Vec<f32> {
    let mut out = Vec::new();
    for channel in 0..c {
        for y in 0..h as isize {
            for x in 0..w as isize {
                let x = if mirrored { w as isize - 1 - x } else { x };
                let (y, x) = (y + down, x + right);
                let inside = (0..h as isize).contains(&y) && (0..w as isize).contains(&x);
                out.push(if inside { image[(channel * h + y as usize) * w + x as usize] } else { 0.0 });
            }
        }
    }
    out
}

#[test]
fn augmentation_is_a_shift_and_a_flip_and_uses_them_all() {
    let data = pictures(1, 2, 4, 5);
    let plain = ImageTransform::scale(2);
    let image = plain.apply(&data.images).unwrap().to_vec();
    let samples = data.with_transform(&plain.clone().random_crop(2).random_flip(0.5)).unwrap();
    let mut seen = BTreeSet::new();
    let mut mirrored_count = 0;
    let mut random = Philox::new(11);
    for _ in 0..1000 {
        let drawn = samples.batch(&[0], &mut random).unwrap().inputs.to_vec();
        let frames = (-2..=2).flat_map(|d| (-2..=2).flat_map(move |r| [(d, r, false), (d, r, true)]));
        let frame = frames.into_iter().find(|&(d, r, m)| framed(&image, [2, 4, 5], d, r, m) == drawn);
        let frame = frame.expect("every draw is some shift and flip");
        mirrored_count += usize::from(frame.2);
        seen.insert(frame);
    }
    assert_eq!(seen.len(), 50, "all 25 shifts, both ways round");
    assert!((430..570).contains(&mirrored_count), "{mirrored_count} of 1000 mirrored");
    let fixed = data.with_transform(&plain.clone().random_crop(2).random_flip(0.5).deterministic()).unwrap();
    assert_eq!(fixed.batch(&[0], &mut random).unwrap().inputs.to_vec(), image);
    let flipped = data.with_transform(&plain.random_flip(1.0)).unwrap().batch(&[0], &mut random).unwrap();
    assert_eq!(flipped.inputs.to_vec(), framed(&image, [2, 4, 5], 0, 0, true));
}

#[test]
fn augmentation_repeats_for_a_seed_and_resumes() {
    let transform = ImageTransform::scale(1).random_crop(2).random_flip(0.5);
    let samples = Arc::new(pictures(30, 1, 6, 6).with_transform(&transform).unwrap());
    let loader =
        |prefetch| DataLoader::new(samples.clone(), 4).unwrap().shuffle(true).seed(2).prefetch(prefetch);
    let inputs =
        |batches: Batches<_>| batches.map(|b: Result<Batch>| b.unwrap().inputs.to_vec()).collect::<Vec<_>>();
    let whole = inputs(loader(0).epoch(1));
    assert_eq!(inputs(loader(3).epoch(1)), whole);
    assert_eq!(inputs(loader(2).resume(Cursor { epoch: 1, batch: 5 }).unwrap()), whole[5..]);
    let unshuffled = loader(1).shuffle(false);
    assert_ne!(
        inputs(unshuffled.epoch(0)),
        inputs(unshuffled.epoch(1)),
        "epochs differ in augmentation alone"
    );
}

#[test]
fn unusable_transforms_are_refused() {
    let data = pictures(1, 2, 4, 5);
    for transform in [
        ImageTransform::scale(1),
        ImageTransform::normalize(&[0.0, 0.0], &[1.0]),
        ImageTransform::normalize(&[0.0, 0.0], &[1.0, 0.0]),
        ImageTransform::normalize(&[0.0, f32::NAN], &[1.0, 1.0]),
        ImageTransform::scale(2).random_flip(1.5),
        ImageTransform::scale(2).random_flip(f64::NAN),
        ImageTransform::scale(2).random_crop(4),
    ] {
        assert!(data.with_transform(&transform).is_err(), "{transform:?}");
    }
    assert!(ImageTransform::scale(2).apply(&Tensor::zeros([2, 3])).is_err());
}

#[test]
fn splits_cover_everything_once_with_scikit_learns_sizes() {
    for (n, validation, test, sizes) in [
        (10, 0.25, 0.25, [4, 3, 3]),
        (101, 0.0, 0.2, [80, 0, 21]),
        (7, 0.0, 0.0, [7, 0, 0]),
        (3, 0.4, 0.1, [0, 2, 1]),
    ] {
        let split = Splitter::new().validation(validation).test(test).seed(1).split(n);
        if sizes[0] == 0 {
            assert!(split.is_err());
            continue;
        }
        let split = split.unwrap();
        assert_eq!([split.train.len(), split.validation.len(), split.test.len()], sizes);
        let mut all = [&split.train[..], &split.validation, &split.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..n).collect::<Vec<_>>());
    }
    let splitter = Splitter::new().test(0.5);
    assert_eq!(splitter.seed(4).split(50).unwrap(), splitter.seed(4).split(50).unwrap());
    assert_ne!(splitter.seed(4).split(50).unwrap(), splitter.seed(5).split(50).unwrap());
    for share in [-0.1, 1.0, f64::NAN] {
        assert!(Splitter::new().test(share).split(10).is_err());
    }
}

#[test]
fn stratified_splits_keep_proportions() {
    // 60, 30 and 10 of the classes -1, 5 and 7.
    let labels: Vec<i64> = (0..100)
        .map(|i| {
            if i % 10 < 6 {
                -1
            } else if i % 10 < 9 {
                5
            } else {
                7
            }
        })
        .collect();
    let tensor = Tensor::from_vec(labels.clone(), [100]).unwrap();
    let split = Splitter::new().validation(0.1).test(0.2).seed(8).stratified(&tensor).unwrap();
    let counts =
        |part: &[usize]| [-1, 5, 7].map(|class| part.iter().filter(|&&i| labels[i] == class).count());
    assert_eq!(counts(&split.test), [12, 6, 2]);
    assert_eq!(counts(&split.validation), [6, 3, 1]);
    assert_eq!(counts(&split.train), [42, 21, 7]);
    let mut all = [&split.train[..], &split.validation, &split.test].concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());

    // Shares of 3.5 and 3.5 of seven seats: the spare one is drawn by lot, so both outcomes occur.
    let even = Tensor::from_vec([vec![0i64; 10], vec![1; 10]].concat(), [20]).unwrap();
    let zeros: BTreeSet<usize> = (0..40)
        .map(|seed| Splitter::new().test(0.35).seed(seed).stratified(&even).unwrap())
        .map(|split| split.test.iter().filter(|&&i| i < 10).count())
        .collect();
    assert_eq!(zeros, BTreeSet::from([3, 4]));

    let lonely = Tensor::from_vec(vec![0i64, 0, 0, 1], [4]).unwrap();
    assert!(Splitter::new().test(0.5).stratified(&lonely).is_err());
    assert!(Splitter::new().test(0.01).stratified(&tensor).is_err());
    assert!(Splitter::new().test(0.5).stratified(&Tensor::zeros([2, 2])).is_err());
}
