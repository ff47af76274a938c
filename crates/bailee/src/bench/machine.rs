//! Where a figure was measured, because elsewhere it is another one.

use std::fmt;
use std::path::Path;

use serde::Serialize;

/// The machine and how busy it is.
#[derive(Debug, Serialize)]
pub struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    /// File system and device under the folder used.
    disk: String,
    /// Processes running or waiting for a core, over the last minute, when the bench began.
    load: String,
    build: &'static str,
}

impl Machine {
    /// Looks at this machine, and at the disk under a folder.
    pub fn look(folder: &Path) -> Self {
        let processor = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| {
                line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned())
            })
            .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let load = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
        Self {
            processor,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            disk: disk(folder, &read("/proc/mounts")),
            load,
            build: if cfg!(debug_assertions) {
                "DEBUG BUILD: the figures say nothing"
            } else {
                "release build"
            },
        }
    }
}

/// Missing files are no reason not to measure.
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The mount with the longest path above the folder.
fn disk(folder: &Path, mounts: &str) -> String {
    let parts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let above = parts.filter(|parts| parts.len() > 2 && folder.starts_with(parts[1]));
    let nearest = above.max_by_key(|parts| parts[1].len());
    nearest.map_or_else(|| "unknown disk".to_owned(), |parts| format!("{} on {}", parts[2], parts[0]))
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, kernel, disk, load, build } = self;
        write!(f, "{processor}, {cores} cores, load {load}, Linux {kernel}, {disk}, {build}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmpest xfs rw 0 0\n";
        assert_eq!(disk(Path::new("/tmp/x"), mounts), "tmpfs on tmpfs");
        assert_eq!(disk(Path::new("/home/x"), mounts), "ext4 on /dev/a");
        assert_eq!(disk(Path::new("/home/x"), ""), "unknown disk");
    }
}
