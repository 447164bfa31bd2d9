//! Texts.

use barehand::data::{CharVocabulary, Dataset, Philox, TokenWindows, parse_text};

pub fn text(bytes: &[u8]) {
    let Ok(read) = parse_text(bytes) else { return };
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        assert!(read.as_bytes() == bytes, "a text that is written again is another");
    }
    let characters = CharVocabulary::of(&read);
    let ids = characters.encode(&read).expect("every character of the text is known");
    assert!(characters.decode(&ids).expect("every number has a character") == read);
    let length = 1 + bytes.len() % 7;
    let Ok(windows) = TokenWindows::new(&ids, length) else { return };
    let last = windows.len() - 1;
    let batch = windows.batch(&[last], &mut Philox::from_state(1, 2)).expect("the last window is there");
    assert_eq!(batch.targets.to_vec().last(), ids.to_vec().last());
    let random = windows.random(3).batch(&[2, 0], &mut Philox::from_state(1, 2)).expect("both are there");
    assert_eq!(random.inputs.shape(), [2, length]);
}

pub fn text_seeds() -> Vec<Vec<u8>> {
    ["Call me Ishmael.", "", "naïve café, 東京", "a\r\nb\0c"].map(|text| text.as_bytes().to_vec()).to_vec()
}
