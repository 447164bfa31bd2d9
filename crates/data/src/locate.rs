//! Finds the folder that holds a data set's files.

use std::io;
use std::path::{Path, PathBuf};

use barehand_tensor::{Error, Result};

/// Where packages of the operating system put data sets.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/local/share/datasets", "/usr/share/datasets"];

/// What to look for, and what to tell a user who does not have it.
pub(crate) struct Wanted<'a> {
    /// The data set's name.
    pub(crate) name: &'a str,
    /// Folder names it usually lies in, below the folder searched.
    pub(crate) folders: &'a [&'a str],
    /// The files expected, and where to get them.
    pub(crate) hint: &'a str,
}

impl Wanted<'_> {
    /// The first thing `open` finds: in `given` if there is one, else in `BAREHAND_DATA` and then in the system's
    /// folders; each time in the folder itself and in its usual subfolders. `open` returns `None` where a folder does
    /// not hold the data set.
    pub(crate) fn find<T>(&self, given: Option<&Path>, open: impl Fn(&Path) -> Option<T>) -> Result<T> {
        let roots = match given {
            Some(folder) => vec![folder.to_path_buf()],
            None => std::env::var_os("BAREHAND_DATA")
                .filter(|folder| !folder.is_empty())
                .map(PathBuf::from)
                .into_iter()
                .chain(SYSTEM_FOLDERS.map(PathBuf::from))
                .collect(),
        };
        let folders = roots.iter().flat_map(|root| {
            std::iter::once(root.clone()).chain(self.folders.iter().map(|name| root.join(name)))
        });
        let searched: Vec<PathBuf> = folders.collect();
        searched.iter().find_map(|folder| open(folder)).ok_or_else(|| {
            let places = searched.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
            let text = format!("not found in {places}; {}", self.hint);
            Error::io(self.name, io::Error::new(io::ErrorKind::NotFound, text))
        })
    }
}
