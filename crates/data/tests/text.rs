//! Characters as numbers, and windows of them.

use std::io::Write;

use barehand_data::{CharVocabulary, DataLoader, Dataset, Philox, TokenWindows, parse_text, read_text};
use barehand_tensor::Tensor;

#[test]
fn a_text_is_read_plain_and_gzipped_and_anything_else_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, packed) = (folder.path().join("book.txt"), folder.path().join("book.txt.gz"));
    let book = "Call me Ishmael. Ça va? 東京\r\n";
    std::fs::write(&plain, book).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(book.as_bytes()).unwrap();
    std::fs::write(&packed, encoder.finish().unwrap()).unwrap();
    assert_eq!(read_text(&plain).unwrap(), book);
    assert_eq!(read_text(&packed).unwrap(), book);
    assert!(read_text(folder.path()).is_err());
    assert!(read_text(folder.path().join("none")).is_err());
    let refused = parse_text(b"abc\xffdef").unwrap_err().to_string();
    assert!(refused.contains("byte 3 begins no character"), "{refused}");
}

#[test]
fn characters_are_numbered_in_order() {
    let characters = CharVocabulary::of("banana é\n");
    assert_eq!(characters.characters(), ['\n', ' ', 'a', 'b', 'n', 'é']);
    let ids = characters.encode("nab é").unwrap();
    assert_eq!(ids.to_vec(), [4, 2, 3, 1, 5]);
    assert_eq!(characters.decode(&ids).unwrap(), "nab é");
    let unknown = characters.encode("bax").unwrap_err().to_string();
    assert_eq!(unknown, "encode: character 2, 'x', is not one of the 6 known");
    for id in [-1, 6] {
        assert!(characters.decode(&Tensor::from([id])).is_err());
    }
    assert!(CharVocabulary::of("").is_empty());
}

#[test]
fn every_window_once_in_order() {
    let tokens = Tensor::from((0..10_i64).collect::<Vec<_>>());
    let windows = TokenWindows::new(&tokens, 4).unwrap();
    assert_eq!(windows.len(), 6);
    let batch = windows.batch(&[0, 5], &mut Philox::new(0)).unwrap();
    assert_eq!(batch.inputs.to_vec(), [0, 1, 2, 3, 5, 6, 7, 8]);
    assert_eq!(batch.targets.to_vec(), [1, 2, 3, 4, 6, 7, 8, 9]);
    assert!(windows.batch(&[6], &mut Philox::new(0)).is_err());
    assert!(windows.at(&[6]).is_err());
    for length in [0, 10, 11] {
        assert!(TokenWindows::new(&tokens, length).is_err(), "{length}");
    }
}

#[test]
fn random_windows_come_from_the_seed_and_from_everywhere() {
    let tokens = Tensor::from((0..50_i64).collect::<Vec<_>>());
    let starts = |seed: u64, epoch: u64| -> Vec<i64> {
        let windows = TokenWindows::new(&tokens, 8).unwrap().random(1000);
        let loader = DataLoader::new(windows, 10).unwrap().seed(seed);
        loader
            .epoch(epoch)
            .flat_map(|batch| {
                let batch = batch.unwrap();
                assert_eq!(batch.inputs.narrow(1, 1, 7).unwrap(), batch.targets.narrow(1, 0, 7).unwrap());
                batch.inputs.select(1, 0).unwrap().to_vec()
            })
            .collect()
    };
    let first = starts(1, 0);
    assert_eq!(first.len(), 1000);
    assert_eq!(first, starts(1, 0));
    assert_ne!(first, starts(1, 1));
    assert_ne!(first, starts(2, 0));
    let mut seen = first;
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..42).collect::<Vec<i64>>(), "each of the 42 places, about 24 times");
}
