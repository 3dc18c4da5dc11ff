//! `polynomial`: products of columns.

use std::rc::Rc;

use serde::Deserialize;
use trueline_sdk::{Error, Field, Result};

use super::{Op, assemble::Element};
use crate::{
    columns::Columns,
    monomials::{Monomials, Term},
    table::Column,
    value::{Content, Scalar, Value, Vector},
    walk::Here,
};

/// It bounds the memory of a batch.
const MAX_TERMS: usize = 16_384;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Polynomial {
    columns: Columns,
    into: String,
    #[serde(default = "two")]
    degree: usize,
    /// Whether no column is multiplied with itself.
    #[serde(default)]
    interaction_only: bool,
    /// Whether the first element is 1.
    #[serde(default)]
    include_bias: bool,
    #[serde(default, rename = "type")]
    element: Element,
}

fn two() -> usize {
    2
}

impl Op for Polynomial {
    fn name(&self) -> &'static str {
        "polynomial"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if !(1..=8).contains(&self.degree) {
            return Err(Error::params(format!(
                "`degree` is {}; it must be from 1 to 8",
                self.degree
            )));
        }
        let sources = here.numbers(&self.columns)?;
        let is_whole = self.columns.are_in(&sources);
        let (terms, factors) = self.terms(sources.len())?;
        let names = |factors: &Vec<usize>| element_name(&sources, factors);
        let elements = factors.iter().map(names).collect();
        let scalars: Option<Vec<Scalar>> = sources.iter().map(Column::scalar).collect();
        let width = terms.len();
        let vector = scalars.filter(|_| is_whole).map(|factors| {
            let content = Content::Monomials(Rc::new(Monomials { factors, terms }));
            Value::Vector(Vector::of(width, content))
        });
        let data_type = self
            .element
            .vector(u32::try_from(width).unwrap_or(u32::MAX));
        let field = Field::new(&self.into, data_type)
            .required()
            .with_elements(elements);
        here.add(Column::made_from(&sources, field, vector))
    }
}

impl Polynomial {
    /// The terms, and the factors of each, in scikit-learn's order: by degree, then by factors.
    fn terms(&self, count: usize) -> Result<(Vec<Term>, Vec<Vec<usize>>)> {
        let (mut terms, mut factors) = (Vec::new(), Vec::new());
        if self.include_bias {
            (terms, factors) = (vec![Term::One], vec![Vec::new()]);
        }
        let mut before = 0..0;
        for degree in 1..=self.degree {
            let begun = terms.len();
            for first in 0..count {
                if degree == 1 {
                    terms.push(Term::Factor(first));
                    factors.push(vec![first]);
                    continue;
                }
                // The first factor times every term of a degree less that begins with it or a later one.
                for other in before.clone() {
                    let rest: &Vec<usize> = &factors[other];
                    let begins = rest[0];
                    if begins > first || begins == first && !self.interaction_only {
                        let product = [&[first], &rest[..]].concat();
                        terms.push(Term::Times(other, first));
                        factors.push(product);
                    }
                    if terms.len() > MAX_TERMS {
                        return Err(Error::params(format!(
                            "degree {} of {count} columns has more than {MAX_TERMS} terms",
                            self.degree
                        )));
                    }
                }
            }
            before = begun..terms.len();
        }
        Ok((terms, factors))
    }
}

/// As scikit-learn writes it: `a^2 b`.
fn element_name(sources: &[Column], factors: &[usize]) -> String {
    let powers: Vec<String> = factors
        .chunk_by(|one, next| one == next)
        .map(|same| match (&sources[same[0]].field.name, same.len()) {
            (name, 1) => name.clone(),
            (name, power) => format!("{name}^{power}"),
        })
        .collect();
    if powers.is_empty() {
        "1".to_owned()
    } else {
        powers.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{check, check_error, elements};

    fn table() -> Table {
        Table::new()
            .with_column("a", [Some(2), Some(-1), None])
            .with_column("b", [3.0, 0.5, 4.0])
    }

    #[test]
    fn terms_are_scikit_learns() {
        let steps = r#"[{"op": "polynomial", "columns": ["a", "b"], "degree": 3, "include_bias": true, "into": "p",
                         "type": "float64"}]"#;
        let names = [
            "1", "a", "b", "a^2", "a b", "b^2", "a^3", "a^2 b", "a b^2", "b^3",
        ];
        assert_eq!(elements(steps, &table(), "p"), names);
        let nan = f64::NAN;
        let expected = [
            [1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 8.0, 12.0, 18.0, 27.0],
            [1.0, -1.0, 0.5, 1.0, -0.5, 0.25, -1.0, 0.5, -0.25, 0.125],
            [1.0, nan, 4.0, nan, nan, 16.0, nan, nan, nan, 64.0],
        ];
        check(steps, &table(), &Table::new().with_column("p", expected));
        let steps =
            r#"[{"op": "polynomial", "columns": "*", "interaction_only": true, "into": "p"}]"#;
        assert_eq!(elements(steps, &table(), "p"), ["a", "b", "a b"]);
        let nan = f32::NAN;
        let expected = [[2.0_f32, 3.0, 6.0], [-1.0, 0.5, -0.5], [nan, 4.0, nan]];
        check(steps, &table(), &Table::new().with_column("p", expected));
    }

    #[test]
    fn the_number_of_terms_is_bounded() {
        let wide = (0..300).fold(Table::new(), |table, column| {
            table.with_column(&format!("x{column}"), [1.0])
        });
        let steps = r#"[{"op": "polynomial", "columns": "*", "into": "p"}]"#;
        check_error(
            steps,
            &wide,
            &["degree 2 of 300 columns has more than 16384 terms"],
        );
        let steps = r#"[{"op": "polynomial", "columns": "a", "degree": 9, "into": "p"}]"#;
        check_error(steps, &table(), &["`degree` is 9; it must be from 1 to 8"]);
    }
}
