//! The memory of the machine, and what a run will take of it.

use std::fmt;
use std::path::{Path, PathBuf};

use barehand::nn::Memory;
use barehand::{Error, Result};
use serde_json::{Value, json};

/// What the program itself takes: its code, and what threads and small allocations hold.
const PROGRAM: usize = 16 << 20;

/// The bytes that a run needs at its peak, and those it may have.
pub struct Need {
    /// Images held from beginning to end.
    data: usize,
    /// Batches prepared ahead, in bytes as the network takes them.
    batches: usize,
    /// Looking at validation and test images.
    evaluation: usize,
    training: Memory,
    available: Option<u64>,
}

impl Need {
    /// What `training` takes beside `data`, where `batch` bytes of input are prepared ahead and evaluation works on
    /// `evaluation` bytes; `limit` replaces what the system says is available.
    pub fn new(data: usize, batch: usize, evaluation: usize, training: Memory, limit: Option<u64>) -> Need {
        // The images are in memory already.
        let available = limit.or_else(|| Some(available()?.saturating_add(data as u64)));
        // One at work, two ahead.
        Need { data, batches: batch.saturating_mul(3), evaluation, training, available }
    }

    /// Everything together.
    pub fn total(&self) -> usize {
        [PROGRAM, self.data, self.batches, self.evaluation, self.training.total()]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    /// Refuses what does not fit.
    pub fn check(&self) -> Result<()> {
        let Some(available) = self.available.filter(|&available| available < self.total() as u64) else {
            return Ok(());
        };
        let Memory { parameters, gradients, optimizer, activations, workspace } = self.training;
        let weights = [parameters, gradients, optimizer].into_iter().fold(0, usize::saturating_add);
        let batch = [activations, workspace, self.batches].into_iter().fold(0, usize::saturating_add);
        let lower = if batch >= weights.max(self.data) {
            "lower --batch-size"
        } else if weights >= self.data {
            "lower --hidden or --channels"
        } else {
            "take fewer or smaller images"
        };
        let text = format!("{self}, {} available: {lower}, or name another --memory-limit", size(available));
        Err(Error::value("memory", text))
    }

    /// For `--json`, in bytes.
    pub fn to_json(&self) -> Value {
        let Memory { parameters, gradients, optimizer, activations, workspace } = self.training;
        json!({
            "total": self.total(), "available": self.available, "program": PROGRAM, "data": self.data,
            "batches": self.batches, "evaluation": self.evaluation, "parameters": parameters, "gradients": gradients,
            "optimizer": optimizer, "activations": activations, "workspace": workspace, "peak": peak(),
        })
    }

    /// The announcement.
    pub fn line(&self) -> String {
        match self.available {
            Some(available) => format!("{self}; {} available", size(available)),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Memory { parameters, gradients, optimizer, activations, workspace } = self.training;
        let parts = [
            ("data", self.data),
            ("weights", parameters),
            ("gradients", gradients),
            ("optimizer", optimizer),
            ("activations", activations),
            ("workspace", workspace.saturating_add(self.batches)),
            ("evaluation", self.evaluation),
            ("program", PROGRAM),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, bytes)| *bytes > 0)
            .map(|(name, bytes)| format!("{name} {}", size(*bytes as u64)))
            .collect();
        write!(f, "needs about {} of memory ({})", size(self.total() as u64), parts.join(", "))
    }
}

/// Bytes as people say them.
fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        0.0..1e6 => format!("{:.0} KB", bytes / 1e3),
        1e6..1e7 => format!("{:.1} MB", bytes / 1e6),
        1e7..1e9 => format!("{:.0} MB", bytes / 1e6),
        1e9..1e12 => format!("{:.1} GB", bytes / 1e9),
        _ => format!("{:.3e} GB", bytes / 1e9),
    }
}

/// Reads a size such as `512MB`, `1.5GB`, `8GiB` or plain bytes.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => f64::from(1 << 10),
        "mib" => f64::from(1 << 20),
        "gib" => f64::from(1 << 30),
        "tib" => (1u64 << 40) as f64,
        _ => return Err(format!("\"{unit}\" is no unit of memory: B, KB, MB, GB, TB, KiB, MiB, GiB or TiB")),
    };
    match number.parse::<f64>() {
        Ok(number) if number * factor >= 1.0 => Ok((number * factor) as u64),
        _ => Err("a size above 0 expected, such as 8GB".into()),
    }
}

/// The memory that this process can still get without swapping: what the system says, or less where its control group has a
/// limit. `None` where the system does not say.
fn available() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok();
    let system = meminfo.and_then(|text| field(&text, "MemAvailable:"));
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    system.into_iter().chain(group_room(Path::new("/sys/fs/cgroup"), &groups)).min()
}

/// The most memory that this process ever had, where the system says.
fn peak() -> Option<u64> {
    field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The bytes in a line such as `MemAvailable:  123 kB`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// What the tightest of the control groups around this process leaves: `groups` is its `/proc/self/cgroup`, `root` where
/// version 2 is mounted (and version 1 in `root/memory`).
fn group_room(root: &Path, groups: &str) -> Option<u64> {
    let number = |path: PathBuf| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let room = |folder: &Path, limit: &str, usage: &str, cache: &str| {
        let limit = number(folder.join(limit))?;
        // Pages of files are given back when memory is wanted.
        let stat = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let cached = stat.lines().find_map(|line| line.strip_prefix(cache)?.trim().parse().ok()).unwrap_or(0);
        Some(limit.saturating_sub(number(folder.join(usage))?.saturating_sub(cached)))
    };
    let rooms = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let (mount, limit, usage, cache) = if controllers.is_empty() {
            (root.to_path_buf(), "memory.max", "memory.current", "inactive_file ")
        } else if controllers.split(',').any(|name| name == "memory") {
            (root.join("memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
        } else {
            return None;
        };
        // A container may see its own group as the root.
        let inside = Path::new(path.trim_start_matches('/'));
        inside.ancestors().filter_map(|part| room(&mount.join(part), limit, usage, cache)).min()
    });
    rooms.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let sizes =
            [("512", 512), ("8GB", 8_000_000_000), ("1.5 kb", 1500), ("2GiB", 2 << 30), ("3m", 3_000_000)];
        for (text, bytes) in sizes {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "0", "-1", "1.2.3MB", "1 horse", "nan", "0.1B"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_tightest_control_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("a/memory.max", "1000\n");
        write("a/memory.current", "600\n");
        write("a/memory.stat", "anon 300\ninactive_file 200\n");
        write("a/b/memory.max", "max\n");
        write("a/b/memory.current", "500\n");
        assert_eq!(group_room(root.path(), "0::/a/b\n"), Some(600));
        assert_eq!(group_room(root.path(), "0::/elsewhere\n"), None);
        write("memory/c/memory.limit_in_bytes", "900");
        write("memory/c/memory.usage_in_bytes", "1000");
        assert_eq!(group_room(root.path(), "4:cpu,memory:/c\n0::/a\n"), Some(0));
        assert_eq!(group_room(root.path(), "nonsense\n\n"), None);
    }

    #[test]
    fn what_is_too_much_is_named() {
        let refused = |data, batch, training| {
            let need = Need::new(data, batch, 0, training, Some(100 << 20));
            need.check().unwrap_err().to_string()
        };
        let wide = Memory { parameters: 1 << 28, ..Memory::default() };
        let text = refused(0, 0, wide);
        assert!(
            text.contains("weights 268 MB") && text.contains("--hidden") && text.contains("105 MB"),
            "{text}"
        );
        assert!(refused(0, usize::MAX, wide).contains("--batch-size"));
        assert!(refused(1 << 30, 0, wide).contains("images"));
        assert!(Need::new(1 << 20, 1 << 20, 0, Memory::default(), Some(100 << 20)).check().is_ok());
    }
}
