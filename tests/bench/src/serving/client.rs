//! What servers of the flights are asked, and what they have to answer.

use anyhow::{Context, Result, ensure};
use trueline_wire::native::{self, Shape};

use super::flights::Flights;
use crate::load::{Load, post};

/// Requests of a row each, whose answers may be so far from the package's.
pub(super) fn load(flights: &Flights, tolerance: f32) -> Result<Load> {
    let request = |row: usize| {
        let row = flights.rows.slice(row, 1);
        let body = native::write_request(Shape::Records, &flights.input, &row)?;
        anyhow::Ok(post("/v1/predict", "application/json", body.as_bytes()))
    };
    let requests: Result<Vec<_>> = (0..flights.rows.num_rows()).map(request).collect();
    let expected = flights.expected.clone();
    let check = move |row: usize, body: &[u8]| check(row, body, expected[row], tolerance);
    Ok(Load::new(requests?, check))
}

fn check(row: usize, body: &[u8], expected: f32, tolerance: f32) -> Result<()> {
    let body = std::str::from_utf8(body)?;
    let number = body.split_once("\"prediction\":").and_then(|(_, rest)| {
        let end = rest.find(['}', ','])?;
        // Read as Python does: as float64, which is then narrowed.
        rest[..end].trim().parse::<f64>().ok()
    });
    #[expect(clippy::cast_possible_truncation, reason = "the answer is a float32")]
    let number = number.with_context(|| format!("no prediction in {body}"))? as f32;
    let is_right = number.to_bits() == expected.to_bits()
        || (number - expected).abs() <= tolerance && tolerance > 0.0;
    ensure!(
        is_right,
        "row {row} is answered with {number}, not {expected}"
    );
    Ok(())
}
