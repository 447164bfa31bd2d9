//! What `run.py` and its workers say to each other: a line in, a line out, and sleep in between.
//!
//! | line in | line out |
//! |---|---|
//! | (none, at the start) | `ok` and who is there: name, version, how it was built |
//! | `load WORK FILE` | `ok` |
//! | `start KEY=VALUE ...` | `ok`: everything but the data is as it was in the beginning |
//! | `check` | `ok` and the numbers of one step over the stored order: all sides must get the same |
//! | `run COUNT` | `ok` and the seconds that COUNT repetitions took |
//!
//! To what it does not know a worker answers `unknown`, and sits out. It leaves when its input ends.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::Instant;

/// Whatever went wrong: the worker ends with it.
pub type Error = Box<dyn std::error::Error>;
/// The result of whatever can go wrong.
pub type Result<T> = std::result::Result<T, Error>;

/// The `KEY=VALUE`s of `start`.
#[derive(Debug, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The value of `key`.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, key: &str) -> Result<&str> {
        self.0.get(key).map(String::as_str).ok_or_else(|| format!("`start` does not say {key}").into())
    }

    /// The value of `key`, a number.
    ///
    /// # Errors
    /// There is none, or it is something else.
    pub fn number(&self, key: &str) -> Result<usize> {
        Ok(self.get(key)?.parse()?)
    }
}

/// One thing that every side knows how to do, with its data in memory.
pub trait Work {
    /// Begins afresh; `false` if it cannot be done with these settings.
    ///
    /// # Errors
    /// The settings make no sense.
    fn start(&mut self, settings: &Settings) -> Result<bool>;

    /// One step over the stored order, and the numbers that came out.
    ///
    /// # Errors
    /// Whatever the library says.
    fn check(&mut self) -> Result<Vec<f64>>;

    /// `count` steps as users take them.
    ///
    /// # Errors
    /// Whatever the library says.
    fn run(&mut self, count: usize) -> Result<()>;
}

/// Answers standard input until it ends. `load` reads the data of a work from a file, or does not know the work.
///
/// # Errors
/// A line that is not of the protocol, or whatever a work says.
pub fn serve(about: &str, mut load: impl FnMut(&str, &str) -> Result<Option<Box<dyn Work>>>) -> Result<()> {
    let mut work: Option<Box<dyn Work>> = None;
    let mut answer = format!("ok {about}");
    let mut lines = std::io::stdin().lock().lines();
    loop {
        println!("{answer}");
        std::io::stdout().flush()?;
        let Some(line) = lines.next().transpose()? else { return Ok(()) };
        answer = match (line.split_whitespace().collect::<Vec<_>>().as_slice(), &mut work) {
            (["load", name, file], work) => {
                *work = load(name, file)?;
                known(work.is_some())
            }
            (["start", pairs @ ..], Some(work)) => {
                let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
                let settings = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                known(work.start(&Settings(settings))?)
            }
            (["check"], Some(work)) => {
                let numbers: Vec<String> = work.check()?.iter().map(f64::to_string).collect();
                format!("ok {}", numbers.join(" "))
            }
            (["run", count], Some(work)) => {
                let count = count.parse()?;
                let start = Instant::now();
                work.run(count)?;
                format!("ok {}", start.elapsed().as_secs_f64())
            }
            _ => return Err(format!("not understood: {line}").into()),
        };
    }
}

fn known(known: bool) -> String {
    if known { "ok" } else { "unknown" }.into()
}

/// Shuffled batches for libraries whose users shuffle by themselves: a new permutation (Fisher and Yates) every epoch.
#[derive(Debug)]
pub struct Shuffled {
    order: Vec<u32>,
    at: usize,
    random: u64,
}

impl Shuffled {
    /// Of `samples` samples.
    pub fn new(samples: usize) -> Self {
        Shuffled { order: (0..samples as u32).collect(), at: samples, random: 0x9e37_79b9_7f4a_7c15 }
    }

    /// The next `batch` samples; the rest of an epoch that does not fill a batch is left out.
    pub fn next(&mut self, batch: usize) -> &[u32] {
        if self.at + batch > self.order.len() {
            self.at = 0;
            for i in (1..self.order.len()).rev() {
                // Marsaglia's xorshift64.
                self.random ^= self.random << 13;
                self.random ^= self.random >> 7;
                self.random ^= self.random << 17;
                self.order.swap(i, (self.random % (i as u64 + 1)) as usize);
            }
        }
        self.at += batch;
        &self.order[self.at - batch..self.at]
    }
}
