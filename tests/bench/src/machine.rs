//! Where and when it was measured.

use std::fs;

/// A list of the date, the processor, the system and how busy it is.
pub(crate) fn describe() -> String {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (cpu, memory) = (text("/proc/cpuinfo"), text("/proc/meminfo"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kib: u64 = value(&memory, "MemTotal")
        .and_then(|total| total.trim_end_matches(" kB").parse().ok())
        .unwrap_or_default();
    let load = text("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(3).collect();
    // Cargo's own name of the profile is known to build scripts only, but it is the folder's too.
    let binary = std::env::current_exe().unwrap_or_default();
    let profile = binary.parent().and_then(|folder| folder.file_name());
    let profile = profile.unwrap_or_default().to_string_lossy().into_owned();
    format!(
        "- date: {}\n- processor: {}, {cores} cores\n- memory: {} GiB\n- kernel: Linux {}\n\
         - load average when it began: {} (1, 5 and 15 minutes)\n- Cargo's profile: {profile}\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        value(&cpu, "model name").unwrap_or("unknown"),
        kib >> 20,
        text("/proc/sys/kernel/osrelease").trim(),
        load.join(", "),
    )
}

/// The value behind a key of `/proc`'s `key: value` lines.
fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, value) = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == key)?;
    Some(value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_key() {
        let text = "processor\t: 0\nmodel name\t: A: B\n";
        assert_eq!(value(text, "model name"), Some("A: B"));
        assert_eq!(value(text, "cache"), None);
    }
}
