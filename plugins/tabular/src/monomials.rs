//! Products of numbers, for polynomials.

use trueline_sdk::{Batch, Result};

use crate::value::Scalar;

/// Elements of a vector, each a product of some of the factors.
#[derive(Clone, Debug)]
pub(crate) struct Monomials {
    pub(crate) factors: Vec<Scalar>,
    pub(crate) terms: Vec<Term>,
}

/// How one element comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// 1.
    One,
    /// A factor as it is.
    Factor(usize),
    /// An element before this one, times a factor.
    Times(usize, usize),
}

impl Monomials {
    /// Gives the numbers of each element, for the rows from `start` on.
    pub(crate) fn each(
        &self,
        batch: &Batch<'_>,
        start: usize,
        count: usize,
        mut write: impl FnMut(usize, &mut [f64]),
    ) -> Result<()> {
        let mut factors = vec![0.0; self.factors.len() * count];
        for (factor, numbers) in self.factors.iter().zip(factors.chunks_exact_mut(count)) {
            factor.eval(batch, start, numbers)?;
        }
        let mut products: Vec<f64> = Vec::with_capacity(self.terms.len() * count);
        let mut numbers = vec![0.0; count];
        for (element, term) in self.terms.iter().enumerate() {
            match *term {
                Term::One => numbers.fill(1.0),
                Term::Factor(factor) => {
                    numbers.copy_from_slice(&factors[factor * count..][..count]);
                }
                Term::Times(before, factor) => {
                    let pairs = products[before * count..][..count]
                        .iter()
                        .zip(&factors[factor * count..][..count]);
                    for (number, (product, factor)) in numbers.iter_mut().zip(pairs) {
                        *number = product * factor;
                    }
                }
            }
            products.extend_from_slice(&numbers);
            write(element, &mut numbers);
        }
        Ok(())
    }
}
