//! Safetensors files: round trips, widening, and the reference crate reading what is written.

use barehand_tensor::safetensors::Archive;
use barehand_tensor::{AnyTensor, DType, Tensor};

fn archive() -> Archive {
    let mut archive = Archive::default();
    let view = Tensor::<f32>::from([[1.0, 2.0, 3.0], [4.0, 5.0, f32::INFINITY]]).t().unwrap();
    archive.tensors.insert("view".into(), view.into());
    archive.tensors.insert("double".into(), Tensor::<f64>::from([0.1, -0.0]).into());
    archive.tensors.insert("labels".into(), Tensor::<i64>::from([i64::MIN, i64::MAX]).into());
    archive.tensors.insert("small".into(), Tensor::<i32>::from([-5]).into());
    archive.tensors.insert("pixels".into(), Tensor::<u8>::from([0, 255, 7]).into());
    archive.tensors.insert("mask".into(), Tensor::<bool>::from([true, false, true]).into());
    archive.tensors.insert("scalar \"quoted\"".into(), Tensor::<f32>::scalar(4.0).into());
    archive.tensors.insert("empty".into(), Tensor::<f32>::zeros([2, 0]).into());
    archive.metadata.insert("format".into(), "1".into());
    archive.metadata.insert("note".into(), "two\nlines".into());
    archive
}

#[test]
fn files_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    archive().write(&path).unwrap();
    assert_eq!(Archive::read(&path).unwrap(), archive());
    assert_eq!(std::fs::read(&path).unwrap(), archive().to_bytes().unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left");
}

#[test]
fn the_reference_reads_what_is_written() {
    let bytes = archive().to_bytes().unwrap();
    let reference = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(reference.len(), archive().tensors.len());
    let view = reference.tensor("view").unwrap();
    assert_eq!((view.dtype(), view.shape()), (::safetensors::Dtype::F32, &[3, 2][..]));
    let expected: Vec<u8> =
        [1.0f32, 4.0, 2.0, 5.0, 3.0, f32::INFINITY].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(view.data(), expected);
}

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn halves_are_widened() {
    let header = r#"{"h":{"dtype":"F16","shape":[7],"data_offsets":[0,14]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[14,18]}}"#;
    let halves: [u16; 7] = [0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x8000, 0x0400];
    let brains: [u16; 2] = [0x3F80, 0xC049];
    let data: Vec<u8> = halves.iter().chain(&brains).flat_map(|v| v.to_le_bytes()).collect();
    let read = Archive::from_bytes("memory", &file(header, &data)).unwrap();
    let h = read.tensors["h"].get::<f32>().unwrap().to_vec();
    assert_eq!(h, [1.0, -2.0, 2f32.powi(-24), 65504.0, f32::INFINITY, -0.0, 2f32.powi(-14)]);
    assert!(h[5].is_sign_negative());
    assert_eq!(read.tensors["b"].get::<f32>().unwrap().to_vec(), [1.0, -3.140625]);
    assert_eq!(read.tensors["b"].dtype(), DType::F32);
}

#[test]
fn malformed_files_are_errors() {
    let good = archive().to_bytes().unwrap();
    for cut in 0..good.len() {
        let error = Archive::from_bytes("model.safetensors", &good[..cut]).unwrap_err().to_string();
        assert!(error.starts_with("model.safetensors: "), "{error}");
    }
    for (header, data, word) in [
        (r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "safetensors"),
        (r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, "safetensors"),
        (r#"{"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#, 1, "x"),
        (r#"{"x":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#, 0, ""),
        (r#"{"x":{"dtype":"NO","shape":[1],"data_offsets":[0,4]}}"#, 4, "safetensors"),
        ("[]", 0, "safetensors"),
    ] {
        let error = Archive::from_bytes("f", &file(header, &vec![0; data])).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let unsigned = r#"{"x":{"dtype":"U64","shape":[1],"data_offsets":[0,8]}}"#;
    assert!(
        Archive::from_bytes("f", &file(unsigned, &[255; 8]))
            .unwrap_err()
            .to_string()
            .contains("18446744073709551615")
    );
    assert!(matches!(
        Archive::from_bytes("f", &file(unsigned, &[1; 8])).unwrap().tensors["x"],
        AnyTensor::I64(_)
    ));
    let mut reserved = Archive::default();
    reserved.tensors.insert("__metadata__".into(), Tensor::<f32>::scalar(1.0).into());
    assert!(reserved.to_bytes().is_err());
}
