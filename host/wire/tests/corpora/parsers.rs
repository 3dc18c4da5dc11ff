//! What a fuzzer feeds to each parser: whatever it reads is written and read again, to the same bits.

use trueline_table::{Digest, Schema, frame};
use trueline_wire::csv::Header;
use trueline_wire::native::Shape;

type Rows = trueline_table::arrow::array::RecordBatch;

pub(crate) fn native(schema: &Schema, bytes: &[u8]) {
    let Ok((_, rows)) = trueline_wire::native::read(schema, bytes) else {
        return;
    };
    for shape in [Shape::Records, Shape::Columns] {
        let again = trueline_wire::native::write_request(shape, schema, &rows);
        let again =
            trueline_wire::native::read(schema, again.expect("rows of the schema").as_bytes());
        same(schema, &rows, &again.expect("what was written").1);
    }
}

pub(crate) fn csv(schema: &Schema, bytes: &[u8]) {
    for header in [Header::Absent, Header::Present] {
        let Ok(rows) = trueline_wire::csv::read(schema, bytes, header) else {
            continue;
        };
        let again = trueline_wire::csv::write(schema, &rows, header).expect("rows of the schema");
        let again = trueline_wire::csv::read(schema, again.as_bytes(), header);
        same(schema, &rows, &again.expect("what was written"));
    }
}

pub(crate) fn invocations(schema: &Schema, bytes: &[u8]) {
    let read = trueline_wire::invocations::read(schema, bytes);
    let lines = trueline_wire::invocations::read_lines(schema, bytes);
    for rows in [read, lines].into_iter().flatten() {
        let again = trueline_wire::invocations::write_lines(schema, &rows);
        let again = again.expect("rows of the schema");
        let again = trueline_wire::invocations::read_lines(schema, again.as_bytes());
        same(schema, &rows, &again.expect("what was written"));
    }
}

/// The first two bytes say how much of the rest is JSON.
pub(crate) fn oip(schema: &Schema, bytes: &[u8]) {
    let Some((length, body)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes(*length));
    for json_bytes in [None, Some(length)] {
        let Ok(request) = trueline_wire::oip::read(schema, json_bytes, body) else {
            continue;
        };
        let digest = Digest::of(b"");
        let again = trueline_wire::oip::write("m", "1", digest, &request, schema, &request.rows);
        // It may ask for outputs that there are none of, or for some only.
        let Ok(again) = again else { continue };
        let again = trueline_wire::oip::read_answer(schema, again.json_bytes, &again.bytes);
        if let Ok(again) = again {
            same(schema, &request.rows, &again);
        }
    }
}

fn same(schema: &Schema, rows: &Rows, again: &Rows) {
    let frame = |rows: &Rows| {
        let mut bytes = Vec::new();
        frame::encode(schema, rows, &mut bytes).expect("rows of the schema");
        bytes
    };
    assert!(frame(rows) == frame(again), "{rows:?} became {again:?}");
}
