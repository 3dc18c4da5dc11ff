//! `hash`: a vector with a 1 or -1 at a place that the category's hash tells.

use std::rc::Rc;

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Result};

use super::Op;
use crate::{
    columns::Columns,
    hash::Hashed,
    value::{Content, Value, Vector},
    walk::Here,
};

/// It bounds the memory of a batch.
const MAX_WIDTH: u32 = 65_536;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hash {
    columns: Columns,
    width: u32,
    #[serde(default = "super::yes")]
    signed: bool,
}

impl Op for Hash {
    fn name(&self) -> &'static str {
        "hash"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if !(1..=MAX_WIDTH).contains(&self.width) {
            return Err(Error::params(format!(
                "`width` is {}; it must be from 1 to {MAX_WIDTH}",
                self.width
            )));
        }
        for column in here.categorical(&self.columns)? {
            let name = &column.field.name;
            let hashed = column.label().map(|label| {
                let hashed = Hashed::new(label, name, self.width, self.signed);
                let content = Content::Hashed(Rc::new(hashed));
                Value::Vector(Vector::of(self.width as usize, content))
            });
            let elements = (0..self.width).map(|place| format!("{name}#{place}"));
            let data_type = DataType::Float32List(self.width);
            let mut encoded = column.becomes(data_type, false, hashed, column.ready);
            encoded.field.elements = elements.collect();
            here.replace(encoded)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::Table;

    use crate::testing::{check, check_error, elements};

    #[test]
    fn vectors_are_scikit_learns() {
        // FeatureHasher(n_features=4).transform([{"carrier": "UA"}, …]); 2013 as {"year": "2013"}.
        let table = Table::new()
            .with_column("carrier", [Some("UA"), Some("AA"), None])
            .with_column("year", [Some(2013), None, Some(-1)]);
        let steps = r#"[{"op": "hash", "columns": "*", "width": 4}]"#;
        let expected = Table::new()
            .with_column("carrier", CARRIERS)
            .with_column("year", YEARS);
        check(steps, &table, &expected);
        let unsigned = r#"[{"op": "hash", "columns": "*", "width": 4, "signed": false}]"#;
        let expected = Table::new()
            .with_column("carrier", CARRIERS.map(|row| row.map(f32::abs)))
            .with_column("year", YEARS.map(|row| row.map(f32::abs)));
        check(unsigned, &table, &expected);
        assert_eq!(
            elements(steps, &table, "year"),
            ["year#0", "year#1", "year#2", "year#3"]
        );
    }
    const CARRIERS: [[f32; 4]; 3] = [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0; 4]];
    const YEARS: [[f32; 4]; 3] = [[1.0, 0.0, 0.0, 0.0], [0.0; 4], [1.0, 0.0, 0.0, 0.0]];

    #[test]
    fn the_width_is_bounded() {
        let table = Table::new().with_column("carrier", ["UA"]);
        for width in [0, 65_537] {
            let steps = format!(r#"[{{"op": "hash", "columns": "carrier", "width": {width}}}]"#);
            check_error(&steps, &table, &["must be from 1 to 65536"]);
        }
    }
}
