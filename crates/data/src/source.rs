//! Opens data files, plain or gzipped by their content rather than by their name, with a bound on what they can hold.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use barehand_tensor::{Error, Result, regular_file};
use flate2::read::MultiGzDecoder;

/// Deflate cannot pack more than this many bytes into one.
const DEFLATE_RATIO: u64 = 1032;

/// Memory asked for before a single byte of compressed content has proved that it exists.
const TRUSTED_BYTES: u64 = 64 << 20;

/// A stream of bytes with its name, for errors, and the most bytes it can possibly hold.
pub(crate) struct Source<'a> {
    pub(crate) name: String,
    pub(crate) reader: Box<dyn Read + 'a>,
    /// Exact for plain files; for gzip what its compressed length could at most unpack to.
    pub(crate) limit: u64,
    compressed: bool,
}

impl<'a> Source<'a> {
    /// Opens the file at `path`.
    pub(crate) fn open(path: &Path) -> Result<Source<'static>> {
        let name = path.display().to_string();
        let (file, len) = regular_file::open(path)?;
        Source::new(name, Box::new(BufReader::with_capacity(1 << 16, file)), len)
    }

    /// Reads from memory; `name` is what errors call it.
    pub(crate) fn of_bytes(bytes: &'a [u8], name: &str) -> Result<Source<'a>> {
        Source::new(name.to_owned(), Box::new(Cursor::new(bytes)), bytes.len() as u64)
    }

    fn new(name: String, mut reader: Box<dyn Read + 'a>, len: u64) -> Result<Source<'a>> {
        let mut start = Vec::with_capacity(2);
        let peeked = reader.by_ref().take(2).read_to_end(&mut start);
        peeked.map_err(|e| Error::io(&name, e))?;
        let compressed = start == [0x1f, 0x8b];
        let whole = Cursor::new(start).chain(reader);
        Ok(if compressed {
            let limit = len.saturating_mul(DEFLATE_RATIO);
            Source { name, reader: Box::new(MultiGzDecoder::new(whole)), limit, compressed }
        } else {
            Source { name, reader: Box::new(whole), limit: len, compressed }
        })
    }

    /// Reads up to `len` bytes; fewer only at the end of the content.
    pub(crate) fn read_up_to(&mut self, len: u64) -> Result<Vec<u8>> {
        let likely = len.min(self.limit).min(if self.compressed { TRUSTED_BYTES } else { u64::MAX });
        let mut bytes = Vec::new();
        let reserved = bytes.try_reserve_exact(likely as usize);
        reserved.map_err(|_| self.malformed(format!("no memory for {likely} bytes")))?;
        let read = self.reader.by_ref().take(len).read_to_end(&mut bytes);
        read.map_err(|e| Error::io(&self.name, e))?;
        Ok(bytes)
    }

    /// Reads exactly `len` bytes of `what`.
    pub(crate) fn read_exact(&mut self, len: u64, what: &str) -> Result<Vec<u8>> {
        let bytes = self.read_up_to(len)?;
        if bytes.len() as u64 == len {
            return Ok(bytes);
        }
        Err(self.malformed(format!("truncated: expected {len} bytes of {what}, found {}", bytes.len())))
    }

    /// Refuses content that goes on where it should end.
    pub(crate) fn expect_end(&mut self) -> Result<()> {
        if self.read_up_to(1)?.is_empty() {
            return Ok(());
        }
        Err(self.malformed("more bytes follow after the declared content"))
    }

    /// The error for content that breaks its format.
    pub(crate) fn malformed(&self, message: impl Into<String>) -> Error {
        Error::format(&self.name, message)
    }
}
