//! Schemas.

use maud::{Markup, html};

use crate::api::dataset::ColumnRow;

/// Columns with type and role.
pub(crate) fn columns(columns: &[ColumnRow], label: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(label) {
            table.rows.small {
                thead { tr { th scope="col" { "Column" } th scope="col" { "Type" } th scope="col" { "Role" } } }
                tbody {
                    @for column in columns {
                        tr {
                            th scope="row" { code { (column.name) } }
                            td { (column.data_type) @if !column.nullable { span.quiet { ", not null" } } }
                            td { @if column.role != "feature" { span.tag { (column.role) } } }
                        }
                    }
                }
            }
        }
    }
}
