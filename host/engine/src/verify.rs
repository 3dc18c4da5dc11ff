//! Proving a package: its data goes through it in every way that there is, and the bits are compared.
//!
//! The way that counts as right is the plain one of a batch job: components as they were admitted, states
//! loaded, 65,536 rows at a time. Nothing else could be the judge; see DESIGN on why a native copy cannot.

mod maps;
mod reductions;
mod wires;

use std::time::Instant;

use trueline_pipeline::Plan;
use trueline_runtime::{Package, Runtime};

use crate::report::VerifyReport;
use crate::{Observer, Options, Result};

/// What cuts and shuffles are drawn from. Fixed, so that a difference that was found is found again.
const SEED: u64 = 0x7472_7565_6c69_6e65;

/// Applies a package to all rows of the dataset that the plan applies its chain to, and repeats every
/// reduction of the plan, each in all ways.
///
/// # Errors
/// If the plan packs another chain, a dataset cannot be read, or a stage fails.
pub fn verify(
    plan: &Plan,
    package: &Package,
    name: &str,
    runtime: &Runtime,
    options: &Options,
    observer: &dyn Observer,
) -> Result<VerifyReport> {
    let started = Instant::now();
    let mut ways = maps::prove(plan, package, runtime, options, observer)?;
    ways.extend(reductions::prove(plan, package, options, observer)?);
    Ok(VerifyReport {
        package: package.digest(),
        name: name.to_owned(),
        bits_differing: ways.iter().map(|way| way.bits_differing).sum(),
        ways,
        elapsed_ms: elapsed_ms(started),
    })
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Bits that differ between two byte strings; what only one of them has counts in full.
fn differing_bits(left: &[u8], right: &[u8]) -> u64 {
    let common = left.len().min(right.len());
    let differing = left
        .iter()
        .zip(right)
        .map(|(a, b)| u64::from((a ^ b).count_ones()))
        .sum::<u64>();
    differing + 8 * ((left.len() - common) + (right.len() - common)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_bits_count_what_only_one_side_has() {
        assert_eq!(differing_bits(b"same", b"same"), 0);
        assert_eq!(differing_bits(&[0b0101], &[0b0110]), 2);
        assert_eq!(differing_bits(&[1, 2, 3], &[1]), 16);
    }
}
