//! Yeo-Johnson's and Box-Cox's power transforms, and the search for the most likely exponent.

use serde::{Deserialize, Serialize};
use trueline_sdk::{
    Error, Result,
    exact_sum::{ExactMoments, ExactSum},
    math::{expm1_slice, ln, ln_slice, log1p_slice},
};

use crate::kernel::{BLOCK, each, in_blocks};

/// Numbers made more like a normal distribution's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Power {
    pub(crate) method: Method,
    pub(crate) lambda: f64,
}

/// Which transform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Method {
    /// For all numbers.
    #[default]
    YeoJohnson,
    /// For positive numbers.
    BoxCox,
}

impl Method {
    /// `ln(1 + |x|)` with the sign of x, or `ln x`: what the exponent multiplies.
    fn logarithms(self, block: &mut [f64]) {
        match self {
            Self::YeoJohnson => {
                let mut negative = [false; BLOCK];
                for block in block.chunks_mut(BLOCK) {
                    for (x, negative) in block.iter_mut().zip(&mut negative) {
                        *negative = *x < 0.0;
                        *x = x.abs();
                    }
                    in_blocks(block, log1p_slice);
                    for (x, negative) in block.iter_mut().zip(&negative) {
                        *x = if *negative { -*x } else { *x };
                    }
                }
            }
            Self::BoxCox => in_blocks(block, ln_slice),
        }
    }
}

impl Power {
    /// The transform of every number. NaN stays, and becomes of what Box-Cox's does not take.
    pub(crate) fn apply(&self, block: &mut [f64]) {
        if self.method == Method::BoxCox {
            each(block, |x| if x > 0.0 { x } else { f64::NAN });
        }
        self.method.logarithms(block);
        self.raise(block);
    }

    /// From logarithms on. With e^l = 1 + |x|, or x, it is (e^(λ l) - 1) / λ, and for negative numbers
    /// of Yeo-Johnson's the same with 2 - λ in place of λ, negated.
    fn raise(&self, logarithms: &mut [f64]) {
        let (own, mirrored) = (self.lambda, 2.0 - self.lambda);
        let is_mirrored = |l: f64| self.method == Method::YeoJohnson && l < 0.0;
        let mut before = [0.0; BLOCK];
        for block in logarithms.chunks_mut(BLOCK) {
            let before = &mut before[..block.len()];
            before.copy_from_slice(block);
            each(block, |l| {
                if is_mirrored(l) {
                    -mirrored * l
                } else {
                    own * l
                }
            });
            in_blocks(block, expm1_slice);
            for (x, &l) in block.iter_mut().zip(&*before) {
                let exponent = if is_mirrored(l) { -mirrored } else { own };
                // (e^(λ l) - 1) / λ is l where λ is 0.
                *x = if exponent == 0.0 { l } else { *x / exponent };
            }
        }
    }
}

/// How many exponents a pass tries.
const TRIED: usize = 5;
/// The distance of the exponents of the first pass: from -3 to 5, about 1, which changes nothing.
const FIRST_STEP: f64 = 2.0;
/// When the distance of the exponents is below this, the best of them is the answer: the parabola through
/// it and its neighbours then misses the top by about the square of the step.
const LAST_STEP: f64 = 1e-3;
/// How far exponents may go; beyond, there is next to no variance to divide by.
const FARTHEST: f64 = 1e4;

/// The search for the most likely exponent: a mergeable reduction of several passes.
///
/// The likelihood of the exponent has one top, so a pass tries a few exponents at equal distances. If
/// the best of them has neighbours on both sides, the next pass tries again more closely about the top of the
/// parabola through the three; else it moves towards where it rises. Source of the likelihood: I.-K. Yeo
/// and R. Johnson, *A new family of power transformations to improve normality or symmetry* (2000).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PowerSearch {
    method: Method,
    phase: Phase,
    /// The exponent in the middle of those tried, or the answer.
    center: f64,
    step: f64,
    /// Of the numbers transformed by each exponent tried.
    moments: Vec<ExactMoments>,
    /// Of the logarithms.
    logarithms: ExactSum,
    /// Whether a number was not positive.
    refused: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Searching,
    /// The exponent is known; the numbers transformed by it are measured.
    Measuring,
    Measured,
}

impl PowerSearch {
    /// How many passes it takes at most: one to measure, the others to search.
    pub(crate) const PASSES: u32 = 11;

    pub(crate) fn new(method: Method) -> Self {
        let mut search = Self {
            method,
            phase: Phase::Searching,
            center: 1.0,
            step: FIRST_STEP,
            moments: Vec::new(),
            logarithms: ExactSum::new(),
            refused: None,
        };
        search.begin();
        search
    }

    fn begin(&mut self) {
        self.moments = match self.phase {
            Phase::Searching => vec![ExactMoments::new(); TRIED],
            Phase::Measuring => vec![ExactMoments::new()],
            Phase::Measured => return,
        };
        self.logarithms = ExactSum::new();
    }

    /// The exponents that this pass tries.
    fn tried(&self) -> impl Iterator<Item = f64> + use<> {
        let (center, step, count) = (self.center, self.step, self.moments.len());
        (0..count).map(move |index| center + step * (index as f64 - (count / 2) as f64))
    }

    /// Takes in numbers, none of them NaN.
    pub(crate) fn add_slice(&mut self, numbers: &[f64]) {
        if self.phase == Phase::Measured {
            return;
        }
        if self.method == Method::BoxCox {
            let lowest = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            if lowest <= 0.0 {
                self.refused = Some(self.refused.map_or(lowest, |other| other.min(lowest)) + 0.0);
            }
        }
        let exponents: Vec<f64> = self.tried().collect();
        let mut logarithms = [0.0; BLOCK];
        let mut raised = [0.0; BLOCK];
        for numbers in numbers.chunks(BLOCK) {
            let logarithms = &mut logarithms[..numbers.len()];
            logarithms.copy_from_slice(numbers);
            self.method.logarithms(logarithms);
            self.logarithms.add_slice(logarithms);
            for (moments, lambda) in self.moments.iter_mut().zip(&exponents) {
                let raised = &mut raised[..logarithms.len()];
                raised.copy_from_slice(logarithms);
                let power = Power {
                    method: self.method,
                    lambda: *lambda,
                };
                power.raise(raised);
                moments.add_slice(raised);
            }
        }
    }

    /// # Errors
    /// If the other one is of another pass.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        let same = |search: &Self| {
            (
                search.method,
                search.phase,
                search.center.to_bits(),
                search.step.to_bits(),
                search.moments.len(),
            )
        };
        if same(self) != same(other) {
            return Err(Error::data(
                "a partial result of another stage or pass cannot be merged",
            ));
        }
        for (own, other) in self.moments.iter_mut().zip(&other.moments) {
            own.merge(other);
        }
        self.logarithms.merge(&other.logarithms);
        self.refused = match (self.refused, other.refused) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        Ok(())
    }

    /// Ends a pass. After [`PASSES`](Self::PASSES) of them the results are there.
    ///
    /// # Errors
    /// If no exponent is the most likely one.
    pub(crate) fn advance(&mut self) -> Result<()> {
        if let Some(refused) = self.refused {
            return Err(Error::data(format!(
                "it holds {refused}, and `box-cox` takes positive numbers only; take `yeo-johnson`"
            )));
        }
        match self.phase {
            Phase::Searching => self.search()?,
            Phase::Measuring => self.phase = Phase::Measured,
            Phase::Measured => return Ok(()),
        }
        self.begin();
        Ok(())
    }

    fn search(&mut self) -> Result<()> {
        let count = self.moments.first().map_or(0, ExactMoments::count);
        if count == 0 {
            return Ok(());
        }
        let likelihoods: Vec<f64> = self
            .moments
            .iter()
            .zip(self.tried())
            .map(|(moments, lambda)| self.likelihood(moments, lambda))
            .collect();
        // Nothing makes a constant column more normal: it stays as it is.
        let is_constant = |moments: &ExactMoments| moments.variance() == Some(0.0);
        if self.moments.iter().all(is_constant) {
            (self.center, self.phase) = (1.0, Phase::Measuring);
            return Ok(());
        }
        let best = (0..TRIED)
            .max_by(|a, b| likelihoods[*a].total_cmp(&likelihoods[*b]))
            .filter(|best| likelihoods[*best].is_finite())
            .ok_or_else(none)?;
        let middle = (TRIED / 2) as f64;
        self.center += self.step * (best as f64 - middle);
        let neighbours = match best {
            0 => None,
            best => likelihoods.get(best + 1).zip(likelihoods.get(best - 1)),
        };
        match neighbours {
            Some((right, left)) if left.is_finite() && right.is_finite() => {
                // The top of the parabola through the three, at most half a step away.
                let bend = 2.0 * likelihoods[best] - left - right;
                let offset = 0.5 * (right - left) / bend;
                if bend > 0.0 {
                    self.center += self.step * offset;
                }
                if self.step < LAST_STEP || bend <= 0.0 {
                    self.phase = Phase::Measuring;
                }
                self.step /= 8.0;
            }
            // A neighbour that is out of range: look more closely.
            Some(_) => self.step /= 8.0,
            None => self.step *= 2.0,
        }
        if self.center.abs() > FARTHEST {
            return Err(none());
        }
        Ok(())
    }

    /// The mean log-likelihood of an exponent, but for what all have in common.
    fn likelihood(&self, moments: &ExactMoments, lambda: f64) -> f64 {
        let mean = self.logarithms.mean(moments.count()).unwrap_or(f64::NAN);
        match moments.variance() {
            Some(variance) if variance > 0.0 && variance.is_finite() && mean.is_finite() => {
                (lambda - 1.0) * mean - 0.5 * ln(variance)
            }
            _ => f64::NEG_INFINITY,
        }
    }

    /// The exponent, and what it makes of the numbers: their mean and standard deviation. `None` without
    /// numbers.
    ///
    /// # Errors
    /// If the passes did not lead to one.
    pub(crate) fn results(&self) -> Result<Option<(f64, f64, f64)>> {
        match self.moments.first() {
            Some(moments) if moments.count() == 0 => Ok(None),
            Some(moments) if self.phase == Phase::Measured => Ok(moments
                .mean()
                .zip(moments.standard_deviation())
                .map(|(mean, deviation)| (self.center, mean, deviation))),
            _ => Err(none()),
        }
    }
}

#[cold]
fn none() -> Error {
    Error::data(
        "no exponent makes it most like a normal distribution; its values are too far apart, or too close: \
         `standard-scale` it first, or take `quantile-scale`",
    )
}
