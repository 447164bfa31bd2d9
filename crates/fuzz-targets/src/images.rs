//! Data sets and pictures.

use std::io::Write;

use ::image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};
use barehand::Tensor;
use barehand::data::{
    Dataset, Idx, IdxData, ImageDataset, ImageOptions, ImageTransform, Philox, parse_cifar10, parse_mnist_csv,
};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Whether a reader takes these bytes as they are, not as a gzip file.
fn plain(bytes: &[u8]) -> bool {
    !bytes.starts_with(&[0x1f, 0x8b])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// The way of a data set into its first batch.
fn use_images(images: &ImageDataset) {
    let (mean, std) = images.mean_std();
    let transform = ImageTransform::normalize(&mean, &std).random_flip(0.5).random_crop(1);
    if images.is_empty() {
        return;
    }
    let chosen = images.select(&[images.len() - 1]).expect("the last image is there");
    if let Ok(samples) = chosen.with_transform(&transform) {
        let batch = samples.batch(&[0], &mut Philox::from_state(1, 2)).expect("the only image is there");
        assert_eq!(batch.inputs.shape()[1..], images.image_shape());
    }
}

pub fn idx(bytes: &[u8]) {
    let Ok(read) = Idx::parse(bytes) else { return };
    let (code, elements): (u8, Vec<u8>) = match &read.data {
        IdxData::U8(x) => (0x08, x.clone()),
        IdxData::I8(x) => (0x09, x.iter().flat_map(|v| v.to_be_bytes()).collect()),
        IdxData::I16(x) => (0x0B, x.iter().flat_map(|v| v.to_be_bytes()).collect()),
        IdxData::I32(x) => (0x0C, x.iter().flat_map(|v| v.to_be_bytes()).collect()),
        IdxData::F32(x) => (0x0D, x.iter().flat_map(|v| v.to_be_bytes()).collect()),
        IdxData::F64(x) => (0x0E, x.iter().flat_map(|v| v.to_be_bytes()).collect()),
    };
    if plain(bytes) {
        let mut written = vec![0, 0, code, read.shape.len() as u8];
        written.extend(read.shape.iter().flat_map(|&n| (n as u32).to_be_bytes()));
        written.extend(elements);
        assert!(written == bytes, "an IDX file that is written again is another");
    }
    let shape = read.shape.clone();
    let Ok(pixels) = read.into_u8() else { return };
    assert_eq!(pixels.shape(), shape);
    // An image has pixels: the file's size then bounds their number, and that of the labels.
    if let [count, _, _] = shape[..]
        && !pixels.is_empty()
    {
        let images = pixels.unsqueeze(1).expect("as many pixels");
        let labels = Tensor::zeros([count]);
        use_images(&ImageDataset::new("idx", images, labels, vec!["one".into()]).expect("a label each"));
    }
}

pub fn idx_seeds() -> Vec<Vec<u8>> {
    let file = |code: u8, shape: &[u32], size: usize| -> Vec<u8> {
        let count = shape.iter().product::<u32>() as usize * size;
        let lengths = shape.iter().flat_map(|n| n.to_be_bytes());
        [0, 0, code, shape.len() as u8]
            .into_iter()
            .chain(lengths)
            .chain((0..count).map(|i| i as u8))
            .collect()
    };
    let mut seeds = vec![
        file(0x08, &[3], 1),
        file(0x08, &[2, 3, 4], 1),
        file(0x09, &[2, 2], 1),
        file(0x0B, &[2, 1], 2),
        file(0x0C, &[0, 3], 4),
        file(0x0D, &[2], 4),
        file(0x0E, &[1, 1, 1, 1], 8),
    ];
    let packed: Vec<_> = seeds.iter().map(|seed| gzip(seed)).collect();
    seeds.extend(packed);
    seeds
}

pub fn cifar10(bytes: &[u8]) {
    let Ok(read) = parse_cifar10(bytes) else { return };
    if plain(bytes) {
        let pixels = read.images.to_vec();
        let labels = read.labels.to_vec();
        let written: Vec<u8> = labels
            .iter()
            .zip(pixels.chunks(3072))
            .flat_map(|(&label, pixels)| [&[label as u8], pixels].concat())
            .collect();
        assert!(written == bytes, "a batch that is written again is another");
    }
    use_images(&read);
}

pub fn cifar10_seeds() -> Vec<Vec<u8>> {
    let record = |label: u8| -> Vec<u8> {
        std::iter::once(label).chain((0..3072u32).map(|i| (i % 251) as u8)).collect()
    };
    let two = [record(9), record(0)].concat();
    vec![record(3), gzip(&record(3)), gzip(&two), two]
}

pub fn mnist_csv(bytes: &[u8]) {
    let Ok((images, labels)) = parse_mnist_csv(bytes) else { return };
    let row = |(label, pixels): (&i64, &[u8])| {
        let fields: Vec<String> = pixels.iter().map(u8::to_string).collect();
        format!("{label},{}\n", fields.join(","))
    };
    let text: String = labels.to_vec().iter().zip(images.to_vec().chunks(784)).map(row).collect();
    let (again, same) = parse_mnist_csv(text.as_bytes()).expect("what was read can be written");
    assert!(again == images && same == labels, "a table that is written again is another");
    if let Ok(images) = ImageDataset::new("csv", images, labels, vec![String::new(); 10]) {
        use_images(&images);
    }
}

pub fn mnist_csv_seeds() -> Vec<Vec<u8>> {
    let line = |first: &str, field: &dyn Fn(usize) -> String, end: &str| {
        let fields: Vec<String> = (0..784).map(field).collect();
        format!("{first},{}{end}", fields.join(","))
    };
    let row = |label: &str| line(label, &|i| (i % 256).to_string(), "\n");
    let header = line("label", &|i| format!("{}x{}", i / 28 + 1, i % 28 + 1), "\r\n");
    let zeros = line("7", &|_| "0".into(), "");
    let whole = format!("{header}{}{}", row("5"), row("\"0\""));
    vec![row("9").into_bytes(), gzip(whole.as_bytes()), whole.into_bytes(), zeros.into_bytes()]
}

pub fn image(bytes: &[u8]) {
    let Ok(rgb) = ImageOptions::rgb().decode(bytes) else {
        assert!(ImageOptions::gray().decode(bytes).is_err(), "a picture that has colours has grays");
        return;
    };
    let &[3, height, width] = rgb.shape() else {
        panic!("three channels asked for, {:?} given", rgb.shape())
    };
    let resized = ImageOptions::gray().size(5, 7).invert(true).decode(bytes).expect("it was read before");
    assert_eq!(resized.shape(), [1, 5, 7]);
    if height * width > 1 << 14 {
        return;
    }
    let pixels = rgb.permute([1, 2, 0]).expect("three axes").to_vec();
    let picture = RgbImage::from_raw(width as u32, height as u32, pixels).expect("as many pixels");
    let again =
        ImageOptions::rgb().decode(&encoded(&picture.into(), ImageFormat::Png)).expect("it was just written");
    assert!(again == rgb, "a picture that is written again is another");
    let one = rgb.unsqueeze(0).expect("three axes");
    let named = ImageDataset::new("image", one, Tensor::zeros([1]), vec!["one".into()]);
    use_images(&named.expect("a label for the image"));
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("small pictures can be written");
    bytes.into_inner()
}

pub fn image_seeds() -> Vec<Vec<u8>> {
    let rgb = RgbImage::from_fn(9, 7, |x, y| ::image::Rgb([x as u8 * 20, y as u8 * 30, 99]));
    let rgba =
        RgbaImage::from_fn(3, 4, |x, y| ::image::Rgba([x as u8 * 60, y as u8 * 50, 9, (x * y) as u8 * 20]));
    let [rgb, rgba] = [DynamicImage::from(rgb), DynamicImage::from(rgba)];
    let mut seeds: Vec<_> = [
        &rgb,
        &rgb.grayscale(),
        &rgba,
        &DynamicImage::from(rgba.to_luma_alpha8()),
        &DynamicImage::from(rgb.to_rgb16()),
    ]
    .map(|picture| encoded(picture, ImageFormat::Png))
    .into();
    seeds.push(encoded(&rgb, ImageFormat::Jpeg));
    seeds.push(encoded(&rgb.grayscale(), ImageFormat::Jpeg));
    seeds
}
