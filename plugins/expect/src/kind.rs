//! What a value in a pipeline file means in a column.

use trueline_sdk::civil;
use trueline_sdk::order::{Kind, Value, key};

use crate::params::Literal;

/// What a value in a pipeline file means in a column of this kind; none if it cannot be in one.
pub(crate) fn value(kind: Kind, literal: &Literal) -> Option<Value> {
    Some(match (kind, literal) {
        (Kind::Boolean, Literal::Boolean(value)) => Value::Key(i64::from(*value)),
        (Kind::Integer, Literal::Integer(value)) => Value::Key(*value),
        (Kind::Integer, Literal::Float(value)) => Value::Key(whole(*value)?),
        (Kind::Float32 | Kind::Float64, Literal::Integer(value)) => {
            Value::Key(float(kind, *value as f64))
        }
        (Kind::Float32 | Kind::Float64, Literal::Float(value)) => Value::Key(float(kind, *value)),
        (Kind::Date, Literal::Text(text)) => Value::Key(civil::parse_date(text)?),
        (Kind::Timestamp, Literal::Text(text)) => Value::Key(civil::parse_timestamp(text)?),
        (Kind::Text, Literal::Text(text)) => Value::Text(text.clone()),
        _ => return None,
    })
}

/// What `value` takes.
pub(crate) fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "true or false",
        Kind::Integer => "a whole number",
        Kind::Float32 | Kind::Float64 => "a number",
        Kind::Date => "a date such as \"2013-01-31\"",
        Kind::Timestamp => "a time in UTC such as \"2013-01-31T23:59:59Z\"",
        Kind::Text => "a text",
        Kind::Other => "nothing: only its type and nulls can be checked",
    }
}

/// The key of a float in the column: a float32 column holds what is nearest.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float32 column holds what is nearest"
)]
fn float(kind: Kind, value: f64) -> i64 {
    key(if kind == Kind::Float32 {
        f64::from(value as f32)
    } else {
        value
    })
}

/// A float without a fraction, as the integer that it is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and in range"
)]
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 9.2e18).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_mean_values_of_the_column() {
        let check = |kind: Kind, literal: Literal, shown: Option<&str>| {
            let value = super::value(kind, &literal);
            assert_eq!(
                value.map(|value| kind.show(&value)).as_deref(),
                shown,
                "{kind:?} {literal}"
            );
        };
        check(Kind::Boolean, Literal::Boolean(true), Some("true"));
        check(Kind::Integer, Literal::Integer(-7), Some("-7"));
        check(Kind::Integer, Literal::Float(2000.0), Some("2000"));
        check(Kind::Integer, Literal::Float(0.5), None);
        check(Kind::Integer, Literal::Float(f64::INFINITY), None);
        check(Kind::Float64, Literal::Integer(-120), Some("-120"));
        check(Kind::Float32, Literal::Float(0.1), Some("0.1"));
        check(Kind::Float64, Literal::Text("1".into()), None);
        check(
            Kind::Date,
            Literal::Text("2013-01-31".into()),
            Some("2013-01-31"),
        );
        check(Kind::Date, Literal::Text("soon".into()), None);
        check(
            Kind::Timestamp,
            Literal::Text("2013-01-31".into()),
            Some("2013-01-31T00:00:00Z"),
        );
        check(
            Kind::Text,
            Literal::Text("é\n".repeat(30)),
            Some(&format!("{:?}…", "é\n".repeat(20))),
        );
        check(Kind::Other, Literal::Text("a".into()), None);
    }
}
