//! Taking turns: whatever else the machine does meets all contenders alike.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How long the rounds of one contender took.
pub(crate) struct Sample {
    /// In the order of the rounds.
    rounds: Vec<Duration>,
    sorted: Vec<Duration>,
}

impl Sample {
    pub(crate) fn new(rounds: Vec<Duration>) -> Self {
        let mut sorted = rounds.clone();
        sorted.sort_unstable();
        Self { rounds, sorted }
    }

    /// The duration that so many percent of the rounds do not exceed; zero without rounds.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        let index = (self.sorted.len() * percent / 100).min(last);
        self.sorted.get(index).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// The middle half, as `low–high` in the unit that `show` writes.
    pub(crate) fn spread(&self, show: impl Fn(Duration) -> String) -> String {
        format!(
            "{}–{}",
            show(self.percentile(25)),
            show(self.percentile(75))
        )
    }

    /// The median of how many times as long this took as the other in the same round: what slows a
    /// whole round down cancels out.
    pub(crate) fn times(&self, other: &Self) -> f64 {
        let ratio = |(a, b): (&Duration, &Duration)| a.as_secs_f64() / b.as_secs_f64();
        let mut ratios: Vec<f64> = self.rounds.iter().zip(&other.rounds).map(ratio).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// One of those that take turns: does its work once and answers with how long it took, so that what
/// it checks is not counted.
pub(crate) type Contender<'a> = &'a mut dyn FnMut() -> Result<Duration>;

/// Lets everyone warm up once, then lets them take turns, another one first in each round.
pub(crate) fn interleave<const N: usize>(
    rounds: usize,
    mut contenders: [Contender<'_>; N],
) -> Result<[Sample; N]> {
    let mut durations = [const { Vec::new() }; N];
    for contender in &mut contenders {
        contender()?;
    }
    for round in 0..rounds {
        for turn in 0..N {
            let index = (round + turn) % N;
            durations[index].push(contenders[index]()?);
        }
    }
    Ok(durations.map(Sample::new))
}

/// What a call answers with, and how long it took.
pub(crate) fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let answer = call();
    (answer, start.elapsed())
}

pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64() * 1e3)
}

pub(crate) fn microseconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e6)
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_paired_ratios() {
        let sample = |micros: &[u64]| {
            Sample::new(
                micros
                    .iter()
                    .map(|&micros| Duration::from_micros(micros))
                    .collect(),
            )
        };
        let (a, b) = (sample(&[30, 200, 10]), sample(&[10, 100, 10]));
        assert_eq!(a.median(), Duration::from_micros(30));
        assert_eq!(a.percentile(99), Duration::from_micros(200));
        assert_eq!(a.times(&b), 2.0);
        assert_eq!(sample(&[]).median(), Duration::ZERO);
    }

    #[test]
    fn everyone_has_as_many_turns() {
        let (mut first, mut second) = (0, 0);
        let [a, b] = interleave(
            3,
            [
                &mut || {
                    first += 1;
                    Ok(Duration::ZERO)
                },
                &mut || {
                    second += 1;
                    Ok(Duration::ZERO)
                },
            ],
        )
        .unwrap();
        assert_eq!((a.rounds.len(), b.rounds.len()), (3, 3));
        assert_eq!((first, second), (4, 4));
    }
}
