//! `cargo xtask kill-loop [--times N] [--seed N]`: runs of random pipelines, killed and taken up again. The test
//! that does it (tests/end_to_end/durability/kills.rs) is in CI with fewer kills.

use std::process::Command;

use crate::command::{Failure, step};
use crate::repository;

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (times, seed) = numbers(arguments)?;
    let name = format!("killing {times} times, from pipeline {seed} on");
    step(&name, || {
        let mut test = Command::new("cargo");
        test.args([
            "test",
            "-p",
            "trueline-cli",
            "--test",
            "durability",
            "kills",
            "--",
        ]);
        test.arg("--nocapture").current_dir(repository());
        test.env("TRUELINE_KILLS", times.to_string());
        test.env("TRUELINE_KILLS_SEED", seed.to_string());
        let status = test.status().map_err(Failure::new)?;
        match status.success() {
            true => Ok(()),
            false => Err(Failure::new(
                "a run did not end as it should have; see above",
            )),
        }
    })
}

/// How many kills, and where to begin.
fn numbers(arguments: &[String]) -> Result<(u64, u64), Failure> {
    let (mut times, mut seed) = (500, 1);
    for pair in arguments.chunks(2) {
        let number = pair.get(1).and_then(|text| text.parse().ok());
        match (pair[0].as_str(), number) {
            ("--times", Some(number)) => times = number,
            ("--seed", Some(number)) => seed = number,
            _ => {
                let text = arguments.join(" ");
                return Err(Failure::new(format!(
                    "write `cargo xtask kill-loop [--times N] [--seed N]`, not `{text}`"
                )));
            }
        }
    }
    Ok((times, seed))
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn numbers_may_be_left_out() {
        let parsed = |text: &str| {
            let arguments: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
            numbers(&arguments).ok()
        };
        assert_eq!(parsed(""), Some((500, 1)));
        assert_eq!(parsed("--seed 7 --times 3"), Some((3, 7)));
        for wrong in ["--times", "--times many", "500"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
