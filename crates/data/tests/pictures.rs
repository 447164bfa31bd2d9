//! PNG and JPEG files to tensors.

use std::fs;
use std::io::Cursor;

use barehand_data::*;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    encode(&image.into(), ImageFormat::Png)
}

#[test]
fn channels_come_first_and_gray_is_luma() {
    let bytes = png(RgbImage::from_raw(2, 1, vec![255, 0, 0, 10, 200, 30]).unwrap());
    let rgb = ImageOptions::rgb().decode(&bytes).unwrap();
    assert_eq!((rgb.shape(), rgb.to_vec()), (&[3, 1, 2][..], vec![255, 10, 0, 200, 0, 30]));
    // Pillow: Image.convert("L") gives 76 and 124.
    assert_eq!(ImageOptions::gray().decode(&bytes).unwrap().to_vec(), [76, 124]);
    assert_eq!(ImageOptions::gray().invert(true).decode(&bytes).unwrap().to_vec(), [179, 131]);
}

#[test]
fn gray_files_keep_every_value() {
    let values: Vec<u8> = (0..=255).collect();
    let bytes = png(GrayImage::from_raw(16, 16, values.clone()).unwrap());
    assert_eq!(ImageOptions::gray().decode(&bytes).unwrap().to_vec(), values);
    let rgb = ImageOptions::rgb().decode(&bytes).unwrap();
    assert_eq!(rgb.to_vec(), [values.clone(), values.clone(), values].concat());
}

#[test]
fn transparency_lies_on_white() {
    let bytes = png(RgbaImage::from_raw(3, 1, vec![0, 0, 0, 0, 0, 0, 0, 255, 100, 100, 100, 51]).unwrap());
    assert_eq!(ImageOptions::gray().decode(&bytes).unwrap().to_vec(), [255, 0, 224]);
}

#[test]
fn jpeg_is_read_by_content_and_resized() {
    let flat = RgbImage::from_pixel(40, 24, image::Rgb([200, 100, 50]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.dat");
    fs::write(&path, encode(&flat.into(), ImageFormat::Jpeg)).unwrap();
    for resize in [Resize::Area, Resize::Bilinear] {
        let image = ImageOptions::rgb().size(12, 10).resize(resize).read(&path).unwrap();
        assert_eq!(image.shape(), [3, 12, 10]);
        for (plane, expected) in image.to_vec().chunks(120).zip([200u8, 100, 50]) {
            assert!(plane.iter().all(|p| p.abs_diff(expected) <= 3), "{plane:?} should be near {expected}");
        }
    }
}

#[test]
fn mistakes_are_explained() {
    assert!(ImageOptions::gray().decode(b"neither PNG nor JPEG").is_err());
    assert!(ImageOptions::gray().decode(&[]).is_err());
    let good = png(GrayImage::new(9, 9));
    assert!(ImageOptions::gray().decode(&good[..good.len() / 2]).is_err());
    let text = ImageOptions::gray().size(0, 9).decode(&good).unwrap_err().to_string();
    assert!(text.contains("[0, 9]"), "{text}");
    // A header that promises 65,535 x 65,535 pixels.
    let mut huge = good;
    huge[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    assert!(ImageOptions::gray().decode(&huge).is_err());
}

#[test]
fn pixels_that_no_bytes_stand_for_are_refused_undecoded() {
    // A picture of 16,000 x 16,000 in some hundred bytes.
    let bytes = include_bytes!("../../../fuzz/regressions/image/pixels-without-bytes");
    let error = ImageOptions::rgb().decode(bytes).unwrap_err().to_string();
    assert!(error.contains("Memory limit"), "{error}");
    // What deflate packs best still is read.
    let black = png(GrayImage::new(5000, 3000));
    assert!(black.len() < 100_000, "{}", black.len());
    assert_eq!(ImageOptions::gray().decode(&black).unwrap().shape(), [1, 3000, 5000]);
}

#[test]
fn a_folder_for_each_class() {
    let root = tempfile::tempdir().unwrap();
    for (class, pictures) in
        [("dog", vec!["b.png", "a.PNG", ".hidden.png", "notes.txt"]), ("cat", vec!["x.jpg"])]
    {
        let folder = root.path().join(class);
        fs::create_dir(&folder).unwrap();
        for (i, picture) in pictures.iter().enumerate() {
            let image = DynamicImage::from(GrayImage::from_pixel(4, 4, image::Luma([i as u8 * 50])));
            let format = if picture.ends_with("jpg") { ImageFormat::Jpeg } else { ImageFormat::Png };
            fs::write(folder.join(picture), encode(&image, format)).unwrap();
        }
    }
    fs::write(root.path().join("README"), "not a class").unwrap();
    let data = image_folder(root.path(), &ImageOptions::gray()).unwrap();
    assert_eq!(data.class_names, ["cat", "dog"]);
    assert_eq!(data.labels.to_vec(), [0, 1, 1]);
    assert_eq!(data.images.shape(), [3, 1, 4, 4]);
    // cat/x.jpg, dog/a.PNG (the second written), dog/b.png
    assert_eq!([data.images.to_vec()[16], data.images.to_vec()[32]], [50, 0]);

    fs::write(root.path().join("dog/z.png"), png(GrayImage::new(5, 4))).unwrap();
    let text = image_folder(root.path(), &ImageOptions::gray()).unwrap_err().to_string();
    assert!(text.contains("z.png") && text.contains("[1, 4, 5]"), "{text}");
    assert_eq!(image_folder(root.path(), &ImageOptions::gray().size(4, 4)).unwrap().len(), 4);

    fs::create_dir(root.path().join("bird")).unwrap();
    let text = image_folder(root.path(), &ImageOptions::gray().size(4, 4)).unwrap_err().to_string();
    assert!(text.contains("bird"), "{text}");
    assert!(image_folder(root.path().join("bird"), &ImageOptions::gray()).is_err());
}
