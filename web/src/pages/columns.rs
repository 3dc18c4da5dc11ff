//! Schemas.

use maud::{Markup, html};

use crate::api::dataset::ColumnRow;

/// More columns have a place of their own to scroll in.
pub(crate) const TALL: usize = 24;

/// Columns with type and role.
pub(crate) fn columns(columns: &[ColumnRow], label: &str) -> Markup {
    let has_roles = columns.iter().any(|column| column.role != "feature");
    html! {
        div.scroll.tall[columns.len() > TALL] tabindex="0" role="group" aria-label=(label) {
            table.rows.small {
                thead { tr { th scope="col" { "Column" } th scope="col" { "Type" } @if has_roles { th scope="col" { "Role" } } } }
                tbody {
                    @for column in columns {
                        tr {
                            th scope="row" { code { (column.name) } }
                            td { (column.data_type) @if !column.nullable { span.quiet { ", not null" } } }
                            @if has_roles { td { (role(column)) } }
                        }
                    }
                }
            }
        }
    }
}

/// What a column is for, unless it is a feature as most are.
pub(crate) fn role(column: &ColumnRow) -> Markup {
    html! { @if column.role != "feature" { span.tag { (column.role) } } }
}
