//! Whatever the bytes: a result or an error, never a panic, never memory that the input does not justify.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;

use barehand_data::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

/// Remembers the largest single request of this thread.
struct Watching;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

#[allow(unsafe_code)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Gives `bytes` to every reader, plain and as the content of a gzip file.
fn read_all(bytes: &[u8]) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    let packed = encoder.finish().unwrap();
    for bytes in [bytes, &packed] {
        LARGEST.set(0);
        let _ = Idx::parse(bytes).and_then(Idx::into_u8);
        let _ = parse_cifar10(bytes);
        let _ = parse_mnist_csv(bytes);
        let _ = parse_text(bytes);
        let largest = LARGEST.get();
        assert!(
            largest <= (1 << 17) | (4 * 1032 * bytes.len()),
            "{largest} bytes asked for, {} given",
            bytes.len()
        );
        let _ = ImageOptions::rgb().size(3, 5).decode(bytes);
    }
}

fn valid_files() -> Vec<Vec<u8>> {
    let mut idx = vec![0, 0, 0x0C, 2, 0, 0, 0, 2, 0, 0, 0, 3];
    idx.extend([7; 24]);
    let cifar = [vec![3], vec![128; 3072]].concat();
    let csv = format!("label,x\n5{}\n", ",17".repeat(784)).into_bytes();
    let picture =
        image::DynamicImage::from(image::RgbImage::from_fn(9, 7, |x, y| image::Rgb([x as u8, y as u8, 99])));
    let encoded = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    vec![idx, cifar, csv, encoded(image::ImageFormat::Png), encoded(image::ImageFormat::Jpeg)]
}

#[test]
fn every_truncation_is_survived() {
    for file in valid_files() {
        let step = (file.len() / 200).max(1);
        (0..file.len()).step_by(step).for_each(|len| read_all(&file[..len]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
    }

    #[test]
    fn headers_of_random_shape(code in 7u8..16, ndim in 0u8..20, rest in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&[vec![0, 0, code, ndim], rest].concat());
    }

    #[test]
    fn damaged_files(
        which in 0usize..5,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut file = valid_files().swap_remove(which);
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        read_all(&file);
    }

    #[test]
    fn what_is_written_is_read(shape in prop::collection::vec(0u32..6, 1..5), seed in any::<u8>()) {
        let count = shape.iter().product::<u32>();
        let elements: Vec<u8> = (0..count).map(|i| (i as u8).wrapping_mul(37) ^ seed).collect();
        let mut file = vec![0, 0, 8, shape.len() as u8];
        for n in &shape {
            file.extend(n.to_be_bytes());
        }
        file.extend(&elements);
        let idx = Idx::parse(&file).unwrap();
        prop_assert_eq!(idx.shape, shape.iter().map(|&n| n as usize).collect::<Vec<_>>());
        prop_assert_eq!(idx.data, IdxData::U8(elements));
    }
}
