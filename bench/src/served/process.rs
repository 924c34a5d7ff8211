//! What a process has used, as Linux says it.

use anyhow::Context;
/// Ticks of a second in `stat`: Linux tells programs 100, whatever it counts itself (USER_HZ).
const TICKS_PER_S: f64 = 100.0;

/// Time and memory of a whole process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// CPU of all its threads, user and system, seconds.
    pub cpu_s: f64,
    /// Resident now, MB.
    pub rss_mb: f64,
}

impl Usage {
    /// Of this process.
    pub fn of(id: u32) -> anyhow::Result<Self> {
        let read = |name| {
            let path = format!("/proc/{id}/{name}");
            std::fs::read_to_string(&path).with_context(|| format!("Linux says it in {path}"))
        };
        let ticks = ticks(&read("stat")?).context("no CPU times in stat")?;
        let rss_kb = rss_kb(&read("status")?).context("no VmRSS in status")?;
        Ok(Self { cpu_s: ticks as f64 / TICKS_PER_S, rss_mb: rss_kb as f64 / 1_024.0 })
    }
}

/// CPU that a process and those it began have used, those that have ended too; seconds.
pub fn family_cpu_s(id: u32) -> anyhow::Result<f64> {
    let mut sum = 0;
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let Some(own) = path.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok()) else {
            continue;
        };
        // One that has ended meanwhile is in its parent's sum.
        let Ok(stat) = std::fs::read_to_string(path.join("stat")) else { continue };
        let is_family = own == id || field(&stat, PARENT) == Some(u64::from(id));
        if is_family && let (Some(own), Some(ended)) = (ticks(&stat), ticks_of_ended(&stat)) {
            sum += own + ended;
        }
    }
    Ok(sum as f64 / TICKS_PER_S)
}

/// Numbers of fields in proc(5).
const PARENT: usize = 4;
const UTIME: usize = 14;

/// A numeric field behind the name, which is the second and may hold blanks and parentheses.
fn field(stat: &str, number: usize) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(") ")?;
    behind_name.split(' ').nth(number - 3)?.parse().ok()
}

/// utime and stime.
fn ticks(stat: &str) -> Option<u64> {
    Some(field(stat, UTIME)? + field(stat, UTIME + 1)?)
}

/// cutime and cstime.
fn ticks_of_ended(stat: &str) -> Option<u64> {
    Some(field(stat, UTIME + 2)? + field(stat, UTIME + 3)?)
}

fn rss_kb(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_moves_no_field() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 20 5 20 0 9 0 5 6 7";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!((field(stat, PARENT), ticks_of_ended(stat)), (Some(1), Some(25)));
        assert_eq!(rss_kb("VmPeak:\t 9 kB\nVmRSS:\t  2048 kB\n"), Some(2_048));
        assert_eq!(rss_kb("VmPeak:\t 9 kB\n"), None);
    }

    #[test]
    fn this_process_is_resident() {
        assert!(Usage::of(std::process::id()).expect("Linux").rss_mb > 1.0);
    }
}
