//! Files of arrays.

use std::io::Cursor;

use barehand::Tensor;
use barehand::tensor::npz::{from_npz, to_npz};
use barehand::tensor::safetensors::Archive;
use barehand::tensor::{AnyTensor, NamedTensors};

/// What programs do first with an array that they read.
fn use_array(array: &AnyTensor) {
    let cast = array.cast::<f64>();
    assert_eq!(cast.shape(), array.shape());
    assert_eq!(cast.len(), array.shape().iter().product::<usize>());
    if let Ok(flat) = cast.reshape([-1]) {
        let _ = flat.sum();
    }
}

// Arrays are compared by the bytes they are written as: a NaN is not equal to itself.

pub fn npy(bytes: &[u8]) {
    let Ok(read) = AnyTensor::from_npy_bytes("fuzz.npy", bytes) else { return };
    let written = read.to_npy_bytes();
    let again = AnyTensor::from_npy_bytes("again.npy", &written).expect("it was just written");
    assert!(
        again.to_npy_bytes() == written && again.dtype() == read.dtype(),
        "an array that is written again is another"
    );
    use_array(&read);
}

pub fn npy_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = arrays().values().map(AnyTensor::to_npy_bytes).collect();
    let file = |version: u8, dictionary: &str, elements: usize| -> Vec<u8> {
        let length = (dictionary.len() as u32).to_le_bytes();
        let length = if version == 1 { &length[..2] } else { &length[..] };
        [&b"\x93NUMPY"[..], &[version, 0], length, dictionary.as_bytes(), &vec![3; elements]].concat()
    };
    for (descr, size) in [("<f2", 2), (">f4", 4), (">i8", 8), ("|i1", 1), ("<u2", 2), ("<u4", 4), ("<u8", 8)]
    {
        let dictionary = format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': (2, 3), }}\n");
        seeds.push(file(1, &dictionary, 6 * size));
        seeds.push(file(2, &dictionary, 6 * size));
    }
    seeds
}

fn arrays() -> NamedTensors {
    let mut arrays = NamedTensors::new();
    arrays.insert(
        "weights".into(),
        Tensor::<f32>::from([[1.0, -2.0, f32::NAN], [0.0, 3.5, f32::INFINITY]]).into(),
    );
    arrays.insert("double".into(), Tensor::<f64>::from([0.1, -0.0]).into());
    arrays.insert("labels".into(), Tensor::<i64>::from([3, -1]).into());
    arrays.insert("small".into(), Tensor::<i32>::from([[7]]).into());
    arrays.insert("pixels".into(), Tensor::<u8>::from([0, 255, 7]).into());
    arrays.insert("mask".into(), Tensor::<bool>::from([true, false]).into());
    arrays.insert("scalar".into(), Tensor::<f32>::scalar(4.0).into());
    arrays.insert("empty".into(), Tensor::<f32>::zeros([2, 0]).into());
    arrays
}

pub fn npz(bytes: &[u8]) {
    let Ok(read) = from_npz("fuzz.npz", Cursor::new(bytes)) else { return };
    read.values().for_each(use_array);
    // Names that NumPy may have written are more than can be written here.
    let Ok(written) = to_npz(&read, false) else { return };
    let again = from_npz("again.npz", Cursor::new(&written)).expect("it was just written");
    assert!(
        to_npz(&again, false).expect("as before") == written,
        "an archive that is written again is another"
    );
}

pub fn npz_seeds() -> Vec<Vec<u8>> {
    let one: NamedTensors = arrays().into_iter().take(1).collect();
    [(&arrays(), true), (&one, false), (&one, true), (&NamedTensors::new(), false)]
        .map(|(arrays, compressed)| to_npz(arrays, compressed).expect("short names"))
        .into()
}

pub fn safetensors(bytes: &[u8]) {
    let Ok(read) = Archive::from_bytes("fuzz.safetensors", bytes) else { return };
    let written = read.to_bytes().expect("what was read can be written");
    let again = Archive::from_bytes("again.safetensors", &written).expect("it was just written");
    assert!(again.to_bytes().expect("as before") == written, "a file that is written again is another");
    assert_eq!(again.metadata, read.metadata);
    read.tensors.values().for_each(use_array);
}

pub fn safetensors_seeds() -> Vec<Vec<u8>> {
    let mut archive = Archive { tensors: arrays(), ..Archive::default() };
    let bare = archive.to_bytes();
    archive.metadata.insert("format".into(), "1".into());
    archive.tensors.retain(|name, _| name == "weights" || name == "empty");
    let halves = r#"{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]},"u":{"dtype":"U64","shape":[],"data_offsets":[6,14]}}"#;
    let halves =
        [&(halves.len() as u64).to_le_bytes()[..], halves.as_bytes(), &[60; 6], &[1, 0, 0, 0, 0, 0, 0, 0]]
            .concat();
    vec![bare.expect("allowed names"), archive.to_bytes().expect("allowed names"), halves]
}
