//! The columns of the table: checked before anything runs.

use trueline_sdk::prelude::*;

use crate::Params;

/// # Errors
/// [`Error::Schema`] with the columns that are missing, too many, or in another order.
pub(super) fn check(params: &Params, schema: &Schema) -> Result<()> {
    let Some(expected) = &params.names else {
        return Ok(());
    };
    let names: Vec<String> = schema
        .fields
        .iter()
        .map(|field| field.name.clone())
        .collect();
    let only = |names: &[String], others: &[String]| -> Vec<String> {
        let only = names.iter().filter(|name| !others.contains(name));
        only.cloned().collect()
    };
    let missing = only(&expected.columns, &names).join(", ");
    let surplus = only(&names, &expected.columns);
    // What may be there beside has no place in the order.
    let shared = only(&names, &surplus);
    let surplus = if expected.allow_others {
        String::new()
    } else {
        surplus.join(", ")
    };
    let is_ordered = expected.any_order || shared == expected.columns;
    Err(Error::schema(
        match (missing.is_empty(), surplus.is_empty()) {
            (true, true) if is_ordered => return Ok(()),
            (true, true) => format!("the columns are in another order: {}", names.join(", ")),
            (false, true) => format!("columns are missing: {missing}"),
            (true, false) => format!("there are columns that `names` does not have: {surplus}"),
            (false, false) => {
                format!("columns are missing: {missing}; and `names` does not have: {surplus}")
            }
        },
    ))
}
