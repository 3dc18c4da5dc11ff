//! What is in quarantine.

use arrow::array::{Array as _, RecordBatch};
use arrow::util::display::array_value_to_string;
use jiff::Timestamp;
use serde_json::{Map, Value};
use trueline_features::{QuarantineState, Quarantined};
use trueline_table::with_utc_offsets;

use crate::grid::{Grid, cell};
use crate::numbers;
use crate::style::{Style, Tone};
use crate::views::{facts, section};

/// A line a batch.
pub(crate) fn quarantine(batches: &[Quarantined], all: bool, style: Style) -> String {
    if batches.is_empty() {
        return "nothing is in quarantine\n".to_owned();
    }
    let mut heads = vec![cell("number").right(), cell("source"), cell("came (UTC)")];
    heads.extend([cell("sent"), cell("rows").right()]);
    if all {
        heads.push(cell("state"));
    }
    heads.push(cell("because"));
    let mut grid = Grid::with_heads(heads);
    for batch in batches {
        let mut cells = vec![
            cell(batch.number.to_string()).right().tone(Tone::Bold),
            cell(batch.source.as_str()),
            cell(time(batch.came_us)),
            cell(batch.sent.name()),
            cell(numbers::count(batch.rows.unsigned_abs())).right(),
        ];
        if all {
            cells.push(cell(batch.state.name()).tone(match batch.state {
                QuarantineState::Held => Tone::Warning,
                _ => Tone::Dim,
            }));
        }
        cells.push(cell(first(batch)));
        grid.row(cells);
    }
    grid.render(0, style)
}

/// The first reason, and how many there are.
fn first(batch: &Quarantined) -> String {
    let Some(reason) = batch.reasons.first() else {
        return String::new();
    };
    let more = match batch.reasons.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    format!("{}: {}{more}", reason.subject, reason.message)
}

/// All about one batch, and its first rows.
pub(crate) fn quarantined(batch: &Quarantined, rows: Option<&RecordBatch>, style: Style) -> String {
    let mut known = vec![
        ("number", batch.number.to_string()),
        ("source", batch.source.clone()),
        (
            "came",
            format!("{}, {}", time(batch.came_us), batch.sent.name()),
        ),
        ("rows", numbers::count(batch.rows.unsigned_abs())),
    ];
    if let Some(id) = &batch.id {
        known.push(("identifier", id.clone()));
    }
    known.push(match batch.decided_us {
        Some(at_us) => ("state", format!("{} {}", batch.state.name(), time(at_us))),
        None => ("state", batch.state.name().to_owned()),
    });
    let mut reasons = Grid::default();
    for reason in &batch.reasons {
        reasons.row([
            cell(reason.subject.as_str()).tone(Tone::Bold),
            cell(reason.message.as_str()),
        ]);
    }
    let text = facts(known, style) + &section("because", &reasons.render(2, style), style);
    match rows.map(|rows| (rows.num_rows(), table(rows))) {
        Some((count, table)) => {
            let title = match u64::try_from(count) == Ok(batch.rows.unsigned_abs()) {
                true => "rows".to_owned(),
                false => format!("the first {count} rows"),
            };
            text + &section(&title, &table.render(2, style), style)
        }
        None => text,
    }
}

fn table(rows: &RecordBatch) -> Grid {
    let shown = with_utc_offsets(rows).unwrap_or_else(|_| rows.clone());
    let schema = shown.schema();
    let mut grid = Grid::with_heads(
        schema
            .fields()
            .iter()
            .map(|field| cell(field.name().as_str())),
    );
    for row in 0..shown.num_rows() {
        grid.row(
            shown
                .columns()
                .iter()
                .map(|column| match column.is_null(row) {
                    true => cell("null").tone(Tone::Dim),
                    false => cell(array_value_to_string(column, row).unwrap_or_default()),
                }),
        );
    }
    grid
}

/// Rows as JSON objects, their values as texts.
pub(crate) fn json_rows(rows: &RecordBatch) -> Value {
    let shown = with_utc_offsets(rows).unwrap_or_else(|_| rows.clone());
    let schema = shown.schema();
    let object = |row| {
        let values = schema.fields().iter().zip(shown.columns());
        let values = values.map(|(field, column)| {
            let value = match column.is_null(row) {
                true => Value::Null,
                false => array_value_to_string(column, row)
                    .unwrap_or_default()
                    .into(),
            };
            (field.name().clone(), value)
        });
        Value::Object(values.collect::<Map<_, _>>())
    };
    (0..shown.num_rows()).map(object).collect()
}

/// What was forgotten.
pub(crate) fn dropped(batches: &[Quarantined]) -> String {
    let lines = batches.iter().map(|batch| {
        let rows = numbers::plural(batch.rows.unsigned_abs(), "row");
        format!("{rows} of source {} dropped\n", batch.source)
    });
    lines.collect()
}

fn time(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us)
        .map_or_else(|_| format!("{at_us} us"), |at| format!("{:.0}", at))
}
