//! `.npy` and `.npz` files: NumPy's own, round trips, and malformed ones.

use std::io::Cursor;

use barehand_tensor::npz::{from_npz, to_npz};
use barehand_tensor::{AnyTensor, NamedTensors, Tensor, read_npz, write_npz};

#[test]
fn numpys_archives_are_read() {
    for bytes in [&include_bytes!("goldens/npy_deflated.npz")[..], include_bytes!("goldens/npy_stored.npz")] {
        let arrays = from_npz("golden.npz", Cursor::new(bytes)).unwrap();
        assert_eq!(arrays.len(), 45);
        for (name, array) in arrays {
            if name == "c_bool" {
                assert_eq!(array, Tensor::<bool>::from([[false, true, false], [true, false, true]]).into());
                continue;
            }
            assert_eq!(array.cast::<f64>(), Tensor::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]), "{name}");
            let expected = match &name[name.len() - 2..] {
                "f2" | "f4" => "f32",
                "f8" => "f64",
                "u1" => "u8",
                "i1" | "i2" | "i4" | "u2" => "i32",
                _ => "i64",
            };
            assert_eq!(array.dtype().name(), expected, "{name}");
        }
    }
}

#[test]
fn every_version_is_read() {
    for bytes in [
        &include_bytes!("goldens/version_1.npy")[..],
        include_bytes!("goldens/version_2.npy"),
        include_bytes!("goldens/version_3.npy"),
    ] {
        let x = AnyTensor::from_npy_bytes("v.npy", bytes).unwrap();
        assert_eq!(x, Tensor::<f32>::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]).into());
        for cut in 0..bytes.len() {
            let error = AnyTensor::from_npy_bytes("v.npy", &bytes[..cut]).unwrap_err().to_string();
            assert!(error.starts_with("v.npy: "), "{error}");
        }
    }
}

#[test]
fn written_version_1_is_numpys_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    Tensor::<f32>::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]).write_npy(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), include_bytes!("goldens/version_1.npy"));
    assert_eq!(Tensor::<f32>::read_npy(&path).unwrap().shape(), [2, 3]);
    let error = Tensor::<i64>::read_npy(&path).unwrap_err().to_string();
    assert!(error.contains("holds f32 elements, not i64"), "{error}");
    assert!(Tensor::<f32>::read_npy(folder.path().join("absent.npy")).is_err());
}

#[test]
fn archives_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let mut tensors = NamedTensors::new();
    tensors.insert(
        "view".into(),
        Tensor::<f64>::from([[1.0, 2.0], [3.0, f64::MIN_POSITIVE]]).t().unwrap().into(),
    );
    tensors.insert("labels".into(), Tensor::<i64>::from([i64::MIN, 3]).into());
    tensors.insert("small".into(), Tensor::<i32>::from([-3]).into());
    tensors.insert("pixels".into(), Tensor::<u8>::full([300, 200], 9).into());
    tensors.insert("mask".into(), Tensor::<bool>::from([true]).into());
    tensors.insert("scalar".into(), Tensor::<f32>::scalar(2.0).into());
    tensors.insert("empty".into(), Tensor::<f32>::zeros([0, 3]).into());
    let mut sizes = Vec::new();
    for compressed in [false, true] {
        let path = folder.path().join("x.npz");
        write_npz(&path, &tensors, compressed).unwrap();
        assert_eq!(read_npz(&path).unwrap(), tensors);
        sizes.push(std::fs::metadata(&path).unwrap().len());
    }
    assert!(sizes[1] * 10 < sizes[0], "{sizes:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left");
    assert!(write_npz(folder.path().join("no/such/folder.npz"), &tensors, false).is_err());
}

fn npy(header: &str, data: usize) -> Vec<u8> {
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &vec![0xFF; data]]
        .concat()
}

#[test]
fn malformed_files_are_errors_that_say_where() {
    for (header, data, word) in [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8, "needs 12 bytes, the file holds 8"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 13, "needs 12 bytes"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8), }",
            0,
            "larger than memory",
        ),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 8), }",
            0,
            "larger than memory",
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 0, "an axis length"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 0, "an axis length"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, "\"|O\""),
        ("{'descr': '|f4', 'fortran_order': False, 'shape': (1,), }", 4, "no byte order"),
        ("{'descr': '', 'fortran_order': False, 'shape': (1,), }", 4, "elements of type"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, "offset 20: a quoted word"),
        ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", 4, "True or False"),
        ("{'descr': '<f4', 'fortran_order': False, }", 4, "lacks \"shape\""),
        ("{'descr': '<f4', 'descr': '<f4', }", 4, "stands twice"),
        ("{'descr': '<f4', 'other': 1, }", 4, "unknown key \"other\""),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", 4, "text after"),
        ("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", 8, "18446744073709551615"),
        ("", 4, "'{' expected"),
        ("{'descr", 4, "a quoted word"),
    ] {
        let error = AnyTensor::from_npy_bytes("bad.npy", &npy(header, data)).unwrap_err().to_string();
        assert!(error.starts_with("bad.npy: ") && error.contains(word), "{header}: {error}");
    }
    for bytes in [&b"PK\x03\x04"[..], b"\x93NUMPY\x09\x00\x00\x00", b"\x93NUMPY\x02\x00\xFF\xFF\xFF\xFF"] {
        assert!(AnyTensor::from_npy_bytes("bad.npy", bytes).is_err());
    }
    assert!(from_npz("bad.npz", Cursor::new(b"not a zip".as_slice())).is_err());
}

#[test]
fn damaged_archives_never_panic() {
    let good = include_bytes!("goldens/npy_deflated.npz");
    for at in (0..good.len()).step_by(7) {
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x55;
        let _ = from_npz("damaged.npz", Cursor::new(bytes.as_slice()));
        assert!(from_npz("cut.npz", Cursor::new(&good[..at])).is_err());
    }
}

#[test]
fn an_archive_that_unpacks_to_more_than_it_says_is_refused() {
    let zeros: NamedTensors = [("x".to_string(), Tensor::<u8>::zeros([1 << 22]).into())].into();
    let mut archive = to_npz(&zeros, true).unwrap();
    assert!(archive.len() < 10_000);
    // The size that the member claims stands in its local header and in the directory, each behind the packed size.
    let claimed = ((1u64 << 22) + 128).to_le_bytes();
    let places: Vec<usize> = (0..archive.len() - 8).filter(|&at| archive[at..at + 8] == claimed).collect();
    assert!(!places.is_empty());
    for size in [1u64 << 20, 1 << 40, u64::MAX] {
        for &at in &places {
            archive[at..at + 8].copy_from_slice(&size.to_le_bytes());
        }
        let error = from_npz("bomb.npz", Cursor::new(&archive)).unwrap_err().to_string();
        assert!(error.starts_with("bomb.npz"), "{error}");
    }
}
