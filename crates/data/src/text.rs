//! Text as numbers: a book as a string, its characters as a vocabulary, and windows of it as samples.

use std::path::Path;
use std::sync::Arc;

use barehand_kernels::random::Philox;
use barehand_tensor::{Error, Result, Tensor};

use crate::dataset::{Batch, Dataset, check_indices};
use crate::source::Source;

/// Reads a UTF-8 text, plain or gzipped.
///
/// # Errors
/// The file cannot be read, or is not UTF-8; the text names the byte.
pub fn read_text(path: impl AsRef<Path>) -> Result<String> {
    text(Source::open(path.as_ref())?)
}

/// As [`read_text`], from the content of the file.
///
/// # Errors
/// As there.
pub fn parse_text(bytes: &[u8]) -> Result<String> {
    text(Source::of_bytes(bytes, "text")?)
}

fn text(mut source: Source<'_>) -> Result<String> {
    let bytes = source.read_up_to(source.limit)?;
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        source.malformed(format!("not UTF-8: byte {place} begins no character"))
    })
}

/// The characters of a text, each with a number: their order is that of Unicode.
///
/// ```
/// use barehand_data::CharVocabulary;
///
/// let characters = CharVocabulary::of("hello");
/// assert_eq!(characters.len(), 4);
/// let ids = characters.encode("hole")?;
/// assert_eq!(ids.to_vec(), [1, 3, 2, 0]);
/// assert_eq!(characters.decode(&ids)?, "hole");
/// assert!(characters.encode("help").is_err());
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharVocabulary {
    characters: Vec<char>,
}

impl CharVocabulary {
    /// Every character that occurs in `text`.
    pub fn of(text: &str) -> Self {
        let mut characters: Vec<char> = text.chars().collect();
        characters.sort_unstable();
        characters.dedup();
        CharVocabulary { characters }
    }

    /// How many characters there are.
    pub fn len(&self) -> usize {
        self.characters.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// The characters in order: the number of each is its place.
    pub fn characters(&self) -> &[char] {
        &self.characters
    }

    /// The number of each character, (length).
    ///
    /// # Errors
    /// A character is not in the vocabulary; the text names it and its place.
    pub fn encode(&self, text: &str) -> Result<Tensor<i64>> {
        let number = |(place, character): (usize, char)| {
            self.characters.binary_search(&character).map(|number| number as i64).map_err(|_| {
                Error::value(
                    "encode",
                    format!("character {place}, {character:?}, is not one of the {} known", self.len()),
                )
            })
        };
        Ok(Tensor::from(text.chars().enumerate().map(number).collect::<Result<Vec<i64>>>()?))
    }

    /// The text of some numbers, in row-major order.
    ///
    /// # Errors
    /// A number has no character.
    pub fn decode(&self, ids: &Tensor<i64>) -> Result<String> {
        let character = |id: i64| {
            usize::try_from(id).ok().and_then(|id| self.characters.get(id)).ok_or_else(|| {
                Error::index("decode", format!("number {id} for a vocabulary of {} characters", self.len()))
            })
        };
        ids.to_vec().into_iter().map(character).collect()
    }
}

/// Windows of a long sequence of tokens: the inputs of a sample are `length` tokens that follow one another, its targets
/// the same one token later. What a language model learns from.
///
/// Window `i` begins at token `i`; with [`random`](TokenWindows::random) it begins anywhere.
///
/// ```
/// use barehand_data::{CharVocabulary, DataLoader, TokenWindows};
///
/// let book = "to be, or not to be, that is the question";
/// let characters = CharVocabulary::of(book);
/// let windows = TokenWindows::new(&characters.encode(book)?, 8)?.random(64);
/// for batch in DataLoader::new(windows, 4)?.seed(1).epoch(0) {
///     let batch = batch?;
///     assert_eq!((batch.inputs.shape(), batch.targets.shape()), (&[4, 8][..], &[4, 8][..]));
///     assert_eq!(batch.inputs.at([0, 1])?, batch.targets.at([0, 0])?);
/// }
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenWindows {
    tokens: Arc<[i64]>,
    length: usize,
    /// Samples of an epoch, where they begin anywhere.
    random: Option<usize>,
}

impl TokenWindows {
    /// Every window of `length` tokens that has a token behind it, in order.
    ///
    /// # Errors
    /// The tokens do not lie along one axis, the length is 0, or there are no more tokens than that.
    pub fn new(tokens: &Tensor<i64>, length: usize) -> Result<Self> {
        if tokens.rank() != 1 || length == 0 || tokens.len() <= length {
            return Err(Error::shape(
                "TokenWindows",
                format!(
                    "windows of {length} of tokens {:?}: one axis, longer than a window, which is at least 1, expected",
                    tokens.shape()
                ),
            ));
        }
        Ok(TokenWindows { tokens: tokens.to_vec().into(), length, random: None })
    }

    /// As many samples an epoch as `samples`, each of which begins anywhere, drawn anew from the loader's seed: the same
    /// for the same seed, epoch and batch.
    #[must_use]
    pub fn random(mut self, samples: usize) -> Self {
        self.random = Some(samples);
        self
    }

    /// The windows that begin at the given tokens.
    ///
    /// # Errors
    /// A window reaches past the tokens.
    pub fn at(&self, starts: &[usize]) -> Result<Batch<i64, i64>> {
        check_indices(starts, self.tokens.len() - self.length)?;
        let rows = |shift: usize| {
            let row = |&start: &usize| self.tokens[start + shift..][..self.length].iter().copied();
            Tensor::from_vec(starts.iter().flat_map(row).collect(), [starts.len(), self.length])
        };
        Ok(Batch { inputs: rows(0)?, targets: rows(1)? })
    }
}

impl Dataset for TokenWindows {
    type Batch = Batch<i64, i64>;

    fn len(&self) -> usize {
        self.random.unwrap_or(self.tokens.len() - self.length)
    }

    fn batch(&self, indices: &[usize], random: &mut Philox) -> Result<Self::Batch> {
        check_indices(indices, self.len())?;
        if self.random.is_none() {
            return self.at(indices);
        }
        let mut starts = vec![0; indices.len()];
        random.fill_integers(0, (self.tokens.len() - self.length) as i64, &mut starts);
        self.at(&starts.into_iter().map(|start| start as usize).collect::<Vec<_>>())
    }
}
