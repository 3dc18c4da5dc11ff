use trueline_table::{DataType, Field, Schema};

/// A column of every type.
pub(crate) fn schema() -> Schema {
    use DataType::*;
    let types = [
        ("flag", Boolean),
        ("small", Int32),
        ("count", Int64),
        ("narrow", Float32),
        ("wide", Float64),
        ("text", Utf8),
        ("bytes", Binary),
        ("time", Timestamp),
        ("day", Date),
        ("pair", Float32List(2)),
        ("triple", Float64List(3)),
    ];
    Schema::new(types.map(|(name, data_type)| Field::new(name, data_type)))
}
