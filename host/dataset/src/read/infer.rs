//! What type a column of texts has. Every value is looked at, so the answer cannot be wrong for a row
//! further down, and does not depend on the order of the rows.

use trueline_table::DataType;

use super::column::{parse_boolean, parse_date, parse_timestamp};

/// The types that every value so far could have.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    any_value: bool,
    boolean: bool,
    int: bool,
    float: bool,
    timestamp: bool,
    date: bool,
}

impl Candidates {
    pub(super) fn new() -> Self {
        Self {
            any_value: false,
            boolean: true,
            int: true,
            float: true,
            timestamp: true,
            date: true,
        }
    }

    /// Takes a value that is not null.
    pub(super) fn observe(&mut self, text: &str) {
        self.any_value = true;
        self.int = self.int && is_plain_number(text) && text.parse::<i64>().is_ok();
        self.float = self.float && is_float(text);
        self.boolean = self.boolean && parse_boolean(text).is_some();
        self.date = self.date && parse_date(text).is_some();
        self.timestamp = self.timestamp && parse_timestamp(text).is_some();
    }

    /// The narrowest type that holds all values: boolean, int64, float64, date, a timestamp (with a
    /// zone), else utf8. A column without values is utf8.
    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self {
                any_value: false, ..
            } => DataType::Utf8,
            Self { boolean: true, .. } => DataType::Boolean,
            Self { int: true, .. } => DataType::Int64,
            Self { float: true, .. } => DataType::Float64,
            Self { date: true, .. } => DataType::Date,
            Self {
                timestamp: true, ..
            } => DataType::Timestamp,
            _ => DataType::Utf8,
        }
    }
}

fn is_float(text: &str) -> bool {
    matches!(
        text,
        "NaN" | "nan" | "inf" | "-inf" | "Inf" | "-Inf" | "Infinity" | "-Infinity"
    ) || (is_plain_number(text) && text.parse::<f64>().is_ok())
}

/// Whether the text may be a number at all. One that starts with a needless zero (`007`, a zip code,
/// the airport `04G`'s neighbour `0447`) is a name that happens to have digits.
fn is_plain_number(text: &str) -> bool {
    match text.strip_prefix('-').unwrap_or(text).as_bytes() {
        [b'0', b'0'..=b'9', ..] => false,
        [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_type_that_holds_all_values() {
        let check = |texts: &[&str], expected: DataType| {
            let infer = |texts: &mut dyn Iterator<Item = &&str>| {
                let mut candidates = Candidates::new();
                texts.for_each(|text| candidates.observe(text));
                candidates.data_type()
            };
            assert_eq!(infer(&mut texts.iter()), expected, "{texts:?}");
            assert_eq!(
                infer(&mut texts.iter().rev()),
                expected,
                "{texts:?} reversed"
            );
        };
        check(&[], DataType::Utf8);
        check(&["true", "FALSE", "True"], DataType::Boolean);
        check(&["1", "0", "-7"], DataType::Int64);
        check(&["1", "2.5"], DataType::Float64);
        check(&["1", "9223372036854775808"], DataType::Float64);
        check(&["1e3", ".5", "-0.0", "NaN", "-inf"], DataType::Float64);
        check(&["04", "06"], DataType::Utf8);
        check(&["00.5"], DataType::Utf8);
        check(&["04G", "1"], DataType::Utf8);
        check(&["+1"], DataType::Utf8);
        check(&["1", "true"], DataType::Utf8);
        check(&["2013-01-01", "2013-12-31"], DataType::Date);
        check(&["2013-01-01", "2013-02-30"], DataType::Utf8);
        check(
            &["2013-01-01T10:00:00Z", "2013-01-01 05:00:00-05:00"],
            DataType::Timestamp,
        );
        check(&["2013-01-01T10:00:00"], DataType::Utf8);
        check(&["2013-01-01T10:00:00Z", "2013-01-01"], DataType::Utf8);
    }
}
