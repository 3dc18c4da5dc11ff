//! `compute`: arithmetic, comparisons and conditions over columns.

use std::rc::Rc;

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Field, Result, Role};

use super::Op;
use crate::{
    expression::{Expression, Function, Operator, Syntax, Words, parse},
    table::Column,
    value::{Scalar, Source, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compute {
    into: String,
    value: String,
}

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Truth,
    Text,
}

/// An expression whose columns are known.
enum Bound {
    Of(Kind, Expression),
    Words(Words),
}

/// Looks up columns, and remembers which.
struct Binder<'h> {
    columns: &'h [Column],
    is_partial: bool,
    used: Vec<&'h Column>,
    /// Whether a column is not there, or not known yet: there is nothing to compute then.
    lacks: bool,
}

impl Op for Compute {
    fn name(&self) -> &'static str {
        "compute"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if self.into.is_empty() {
            return Err(Error::params("`into` is empty; name the new column"));
        }
        let syntax = parse(&self.value)?;
        let mut binder = Binder {
            columns: here.columns(),
            is_partial: here.is_partial(),
            used: Vec::new(),
            lacks: false,
        };
        let (kind, expression) = match binder.bind(&syntax)? {
            Bound::Of(kind, expression) => (kind, expression),
            Bound::Words(_) => {
                return Err(Error::params(format!(
                    "`{}` is a text; compare it, or take `rename`, `cross` or `regex-extract`",
                    self.value
                )));
            }
        };
        let data_type = match kind {
            Kind::Truth => DataType::Boolean,
            _ => DataType::Float64,
        };
        let scalar = Scalar::new(Source::Computed(Rc::new(expression)));
        let used = &binder.used;
        let computed = Column {
            field: Field::new(&self.into, data_type).with_role(Role::Feature),
            value: (!binder.lacks).then_some(Value::Scalar(scalar)),
            ready: used.iter().map(|column| column.ready).max().unwrap_or(0),
            inputs: used
                .iter()
                .flat_map(|column| column.inputs.clone())
                .collect(),
            written: true,
        };
        here.put(computed)
    }
}

impl<'h> Binder<'h> {
    fn bind(&mut self, syntax: &Syntax) -> Result<Bound> {
        Ok(match syntax {
            Syntax::Number(number) => Bound::Of(Kind::Number, Expression::Number(*number)),
            Syntax::Truth(truth) => {
                let number = f64::from(u8::from(*truth));
                Bound::Of(Kind::Truth, Expression::Number(number))
            }
            Syntax::Text(text) => Bound::Words(Words::Given(text.as_str().into())),
            Syntax::Name(name) => self.column(name)?,
            Syntax::Negated(operand) => {
                let operand = self.number(operand)?;
                Bound::Of(Kind::Number, Expression::Negated(Box::new(operand)))
            }
            Syntax::Not(operand) => {
                let operand = self.truth(operand)?;
                Bound::Of(Kind::Truth, Expression::Not(Box::new(operand)))
            }
            Syntax::Chain(first, rest) => self.chain(first, rest)?,
            Syntax::Call(function, arguments) => self.call(*function, arguments)?,
        })
    }

    fn column(&mut self, name: &str) -> Result<Bound> {
        let Some(column) = self.find(name)? else {
            return Ok(Bound::Of(Kind::Number, Expression::Number(f64::NAN)));
        };
        let kind = match column.field.data_type {
            DataType::Utf8 => Kind::Text,
            DataType::Boolean => Kind::Truth,
            data_type if data_type.is_numeric() => Kind::Number,
            data_type => {
                return Err(Error::schema(format!(
                    "column `{name}` is {data_type}; an expression takes numbers, booleans and texts. Take \
                     `time-difference` or `date-parts` for timestamps"
                )));
            }
        };
        Ok(match &column.value {
            Some(Value::Scalar(scalar)) => Bound::Of(kind, Expression::Column(scalar.clone())),
            Some(Value::Text(text)) => Bound::Words(Words::Column(text.clone())),
            _ if kind == Kind::Text => Bound::Words(Words::Given("".into())),
            _ => Bound::Of(kind, Expression::Number(f64::NAN)),
        })
    }

    /// A column; `None` if the table need not have it.
    fn find(&mut self, name: &str) -> Result<Option<&'h Column>> {
        let column = self.columns.iter().find(|column| column.field.name == name);
        match column {
            Some(column) => {
                self.lacks |= column.value.is_none();
                self.used.push(column);
            }
            None if self.is_partial => self.lacks = true,
            None => {
                let names: Vec<_> = self
                    .columns
                    .iter()
                    .map(|column| column.field.name.as_str())
                    .collect();
                return Err(Error::schema(format!(
                    "there is no column `{name}`; the columns at this step are {}",
                    names.join(", ")
                )));
            }
        }
        Ok(column)
    }

    fn number(&mut self, syntax: &Syntax) -> Result<Expression> {
        match self.bind(syntax)? {
            Bound::Of(_, expression) => Ok(expression),
            // A column that is not there has any type.
            Bound::Words(_) if self.lacks && self.is_partial => Ok(Expression::Number(f64::NAN)),
            Bound::Words(_) => Err(Error::params(
                "a text is compared with ==, !=, < and the like; there is no arithmetic with it",
            )),
        }
    }

    fn truth(&mut self, syntax: &Syntax) -> Result<Expression> {
        match self.bind(syntax)? {
            Bound::Of(Kind::Truth, expression) => Ok(expression),
            Bound::Of(..) | Bound::Words(_) if self.lacks && self.is_partial => {
                Ok(Expression::Number(f64::NAN))
            }
            _ => Err(Error::params(
                "`and`, `or`, `not` and `if` take comparisons and boolean columns",
            )),
        }
    }

    fn chain(&mut self, first: &Syntax, rest: &[(Operator, Syntax)]) -> Result<Bound> {
        if let [(operator, second)] = rest {
            if operator.compares() {
                return self.compare(first, *operator, second);
            }
        }
        let is_logical = rest.iter().any(|(operator, _)| operator.is_logical());
        let mut operand = |syntax| {
            if is_logical {
                self.truth(syntax)
            } else {
                self.number(syntax)
            }
        };
        let first = Box::new(operand(first)?);
        let mut bound = Vec::new();
        for (operator, syntax) in rest {
            bound.push((*operator, operand(syntax)?));
        }
        let kind = if is_logical {
            Kind::Truth
        } else {
            Kind::Number
        };
        Ok(Bound::Of(kind, Expression::Chain(first, bound)))
    }

    fn compare(&mut self, left: &Syntax, operator: Operator, right: &Syntax) -> Result<Bound> {
        let expression = match (self.bind(left)?, self.bind(right)?) {
            (Bound::Of(_, left), Bound::Of(_, right)) => {
                Expression::Chain(Box::new(left), vec![(operator, right)])
            }
            (Bound::Words(left), Bound::Words(right)) => Expression::Texts(left, operator, right),
            _ if self.lacks && self.is_partial => Expression::Number(f64::NAN),
            _ => {
                return Err(Error::params(
                    "a text is compared with a text, and a number with a number; `cast` one of them first",
                ));
            }
        };
        Ok(Bound::Of(Kind::Truth, expression))
    }

    fn call(&mut self, function: Function, arguments: &[Syntax]) -> Result<Bound> {
        if function == Function::IsMissing {
            return self.is_missing(&arguments[0]);
        }
        let mut bound = Vec::new();
        for (index, argument) in arguments.iter().enumerate() {
            bound.push(if function == Function::If && index == 0 {
                self.truth(argument)?
            } else {
                self.number(argument)?
            });
        }
        Ok(Bound::Of(Kind::Number, Expression::Call(function, bound)))
    }

    fn is_missing(&mut self, argument: &Syntax) -> Result<Bound> {
        let value = match argument {
            Syntax::Name(name) => match self.find(name)? {
                Some(column) if matches!(column.value, Some(Value::Vector(_))) => {
                    return Err(Error::schema(format!(
                        "column `{name}` is a vector, which is never missing"
                    )));
                }
                column => column.and_then(|column| column.value.clone()),
            },
            other => {
                let expression = self.number(other)?;
                let scalar = Scalar::new(Source::Computed(Rc::new(expression)));
                Some(Value::Scalar(scalar))
            }
        };
        let expression = value.map_or(Expression::Number(f64::NAN), |value| {
            Expression::Missing(Box::new(value))
        });
        Ok(Bound::Of(Kind::Truth, expression))
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::{DataType, Field, testing::Table};

    use crate::testing::{check, check_error};

    fn table() -> Table {
        Table::new()
            .with_column("distance", [Some(100), Some(300), None, Some(-7)])
            .with_column(
                "minutes",
                [Some(30.0), Some(0.0), Some(5.0), Some(f64::NAN)],
            )
            .with_column("late", [Some(true), Some(false), None, Some(true)])
            .with_column("carrier", [Some("UA"), Some("AA"), None, Some("B6")])
            .with_column("home", ["UA", "UA", "AA", "AA"])
            .with_field(Field::new("at", DataType::Timestamp), [None::<i64>; 4])
    }

    #[test]
    fn numbers() {
        for (value, expected) in [
            (
                "distance / (minutes / 60)",
                [Some(200.0), Some(f64::INFINITY), None, None],
            ),
            (
                "-distance * 2 + 1",
                [Some(-199.0), Some(-599.0), None, Some(15.0)],
            ),
            ("late + 1", [Some(2.0), Some(1.0), None, Some(2.0)]),
            (
                "min(distance, minutes)",
                [Some(30.0), Some(0.0), None, None],
            ),
            (
                "coalesce(minutes, distance, -1)",
                [Some(30.0), Some(0.0), Some(5.0), Some(-7.0)],
            ),
            (
                "if(distance > 200, 1, minutes)",
                [Some(30.0), Some(1.0), None, None],
            ),
            (
                "sqrt(distance)",
                [Some(10.0), Some(300_f64.sqrt()), None, None],
            ),
            (
                "round(minutes / 20) + floor(-0.5) + ceil(0.2)",
                [Some(2.0), Some(0.0), Some(0.0), None],
            ),
            ("abs(distance)", [Some(100.0), Some(300.0), None, Some(7.0)]),
            (
                "log1p(minutes - minutes)",
                [Some(0.0), Some(0.0), Some(0.0), None],
            ),
        ] {
            let steps = format!(r#"[{{"op": "compute", "into": "c", "value": "{value}"}}]"#);
            check(&steps, &table(), &Table::new().with_column("c", expected));
        }
    }

    #[test]
    fn truths_have_three_values_as_in_sql() {
        let (yes, no) = (Some(true), Some(false));
        for (value, expected) in [
            ("distance >= 100", [yes, yes, None, no]),
            ("carrier == 'UA'", [yes, no, None, no]),
            ("carrier != home", [no, yes, None, yes]),
            ("carrier < 'B'", [no, yes, None, no]),
            ("late and distance < 0", [no, no, None, yes]),
            ("late or minutes == 5", [yes, no, yes, yes]),
            ("late and minutes == 5", [no, no, None, None]),
            ("not late", [no, yes, None, no]),
            ("is_missing(carrier)", [no, no, yes, no]),
            (
                "is_missing(at) and not is_missing(distance + minutes)",
                [yes, yes, no, no],
            ),
            ("true", [yes, yes, yes, yes]),
        ] {
            let steps = format!(r#"[{{"op": "compute", "into": "c", "value": "{value}"}}]"#);
            check(&steps, &table(), &Table::new().with_column("c", expected));
        }
    }

    #[test]
    fn what_was_computed_is_computed_with() {
        let steps = r#"[{"op": "impute", "columns": "minutes", "with": "mean"},
                        {"op": "compute", "into": "double", "value": "2 * minutes"},
                        {"op": "min-max-scale", "columns": "double"},
                        {"op": "compute", "into": "minutes", "value": "double - 1"},
                        {"op": "drop", "columns": "double"}]"#;
        let mean = 35.0 / 3.0;
        let expected = [0.0, -1.0, 5.0 / 30.0 - 1.0, 2.0 * mean * (1.0 / 60.0) - 1.0];
        check(
            steps,
            &table(),
            &Table::new().with_column("minutes", expected),
        );
    }

    #[test]
    fn nesting_has_an_end() {
        let again = r#", {"op": "compute", "into": "x", "value": "x + x"}"#.repeat(40);
        let steps = format!(r#"[{{"op": "compute", "into": "x", "value": "distance"}}{again}]"#);
        check_error(
            &steps,
            &table(),
            &["column `x` is computed from too many columns"],
        );
    }

    #[test]
    fn errors_say_what_does_not_go_together() {
        for (value, part) in [
            (
                "speed * 2",
                "there is no column `speed`; the columns at this step are distance",
            ),
            ("carrier + 1", "there is no arithmetic with it"),
            ("carrier == 1", "a text is compared with a text"),
            ("distance and late", "take comparisons and boolean columns"),
            ("if(distance, 1, 2)", "take comparisons and boolean columns"),
            ("carrier", "`carrier` is a text"),
            ("at", "column `at` is timestamp"),
            ("distance +", "where its end is"),
        ] {
            let steps = format!(r#"[{{"op": "compute", "into": "c", "value": "{value}"}}]"#);
            check_error(&steps, &table(), &["steps[0] (`compute`)", part]);
        }
    }
}
