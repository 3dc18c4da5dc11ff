//! Steps with every op and every option, and tables to try them on: for the laws natively (`laws.rs`), and
//! for those of the component (`tests/tests/stage_laws`).

use proptest::prelude::*;
use trueline_sdk::testing::{Cell, Table, cells, tables_of};
use trueline_sdk::{DataType, Field, Role};

pub(crate) fn fields() -> [Field; 10] {
    [
        Field::new("x", DataType::Float64),
        Field::new("narrow", DataType::Float32),
        Field::new("integer", DataType::Int64),
        Field::new("small", DataType::Int32),
        Field::new("flag", DataType::Boolean),
        Field::new("text", DataType::Utf8),
        Field::new("at", DataType::Timestamp),
        Field::new("day", DataType::Date),
        Field::new("vector", DataType::Float32List(2)),
        Field::new("late", DataType::Boolean).with_role(Role::Label),
    ]
}

/// Tables without infinities and extremes, on which every fit succeeds if it has a row.
pub(crate) fn tame_tables(rows: std::ops::Range<usize>) -> BoxedStrategy<Table> {
    let number = || (-8..=8_i16).prop_map(|eighths| f64::from(eighths) / 8.0);
    let column = |field: Field| {
        let cell = match field.data_type {
            DataType::Float64 => prop_oneof![
                1 => prop::sample::select(vec![Cell::Null, Cell::Float64(f64::NAN), Cell::Float64(-0.0)]),
                4 => number().prop_map(Cell::Float64),
                4 => (-1e6..1e6).prop_map(Cell::Float64),
            ]
            .boxed(),
            DataType::Float32 => prop_oneof![
                1 => prop::sample::select(vec![Cell::Null, Cell::Float32(f32::NAN), Cell::Float32(-0.0)]),
                4 => (-1e6_f32..1e6).prop_map(Cell::Float32),
            ]
            .boxed(),
            _ => cells(&field),
        };
        (field, cell)
    };
    tables_of(fields().map(column).to_vec(), rows)
}

/// Gives a macro the name and the steps of each.
macro_rules! every_op {
    ($with:ident) => {
        $with! {
            impute_mean: r#"{"op": "impute", "columns": ["x", "narrow", "flag", "small"], "with": "mean", "indicator": true}"#,
            impute_median: r#"{"op": "impute", "columns": ["x", "integer"], "with": "median"}"#,
            impute_most_frequent: r#"{"op": "impute", "columns": ["x", "small", "flag", "text"], "with": "most-frequent"}"#,
            impute_constant: r#"{"op": "impute", "columns": "text", "with": "constant", "value": "none", "indicator": true},
                                {"op": "impute", "columns": ["x", "flag"], "with": "constant", "value": -0.0}"#,
            standard_scale: r#"{"op": "standard-scale", "columns": ["x", "integer"]},
                               {"op": "standard-scale", "columns": "small", "with_mean": false}"#,
            min_max_scale: r#"{"op": "min-max-scale", "columns": ["x", "integer"], "feature_range": [-1, 1]},
                              {"op": "min-max-scale", "columns": "small", "clip": true}"#,
            clip_and_log1p: r#"{"op": "clip", "columns": ["x", "narrow"], "min": -0.0, "max": 1e300},
                               {"op": "log1p", "columns": ["x", "integer"]}"#,
            one_hot: r#"{"op": "one-hot", "columns": ["x", "text", "flag"], "unknown": "ignore", "nulls": "category"},
                        {"op": "one-hot", "columns": ["small", "integer"], "unknown": "other", "max_categories": 3}"#,
            one_hot_that_refuses: r#"{"op": "one-hot", "columns": "flag", "nulls": "error"},
                                     {"op": "one-hot", "columns": "text"}"#,
            ordinal: r#"{"op": "ordinal", "columns": ["x", "text", "integer"], "unknown": -1},
                        {"op": "ordinal", "columns": ["narrow", "flag"], "unknown": "null"}"#,
            date_parts: r#"{"op": "date-parts", "columns": "at", "parts": ["year", "quarter", "day-of-year", "minute"],
                            "offset": "-05:00"},
                           {"op": "date-parts", "columns": "day", "parts": ["weekday", "day"], "keep": false}"#,
            columns_by_pattern_and_type: r#"
                {"op": "clip", "columns": {"type": "float"}, "min": -1e6, "max": 1e6},
                {"op": "standard-scale", "columns": ["*a*", "x", "!small"]},
                {"op": "ordinal", "columns": {"type": ["integer", "utf8"], "name": ["t*", "*ger"]}, "unknown": -1},
                {"op": "assemble", "columns": ["*", "!flag", "!*a*"], "into": "features"}"#,
            max_abs_and_robust_scale: r#"
                {"op": "max-abs-scale", "columns": ["x", "integer"]},
                {"op": "robust-scale", "columns": ["narrow", "small"], "quantile_range": [10, 90]},
                {"op": "robust-scale", "columns": "flag", "with_centering": false, "unit_variance": true}"#,
            quantile_scale: r#"
                {"op": "quantile-scale", "columns": ["x", "small"]},
                {"op": "quantile-scale", "columns": ["narrow", "flag"], "distribution": "normal", "quantiles": 5}"#,
            power_yeo_johnson: r#"{"op": "power", "columns": ["x", "small"]},
                                  {"op": "power", "columns": "flag", "standardize": false}"#,
            power_box_cox: r#"{"op": "compute", "into": "positive", "value": "abs(x) + 0.5"},
                              {"op": "power", "columns": "positive", "method": "box-cox"}"#,
            bucketize: r#"{"op": "bucketize", "columns": ["x", "integer"], "strategy": "uniform", "bins": 4},
                          {"op": "bucketize", "columns": ["narrow", "small"], "strategy": "quantile", "bins": 3},
                          {"op": "bucketize", "columns": "flag", "edges": [0.5]}"#,
            rare_categories_are_pooled: r#"
                {"op": "one-hot", "columns": ["text", "small"], "unknown": "other", "min_share": 0.2}"#,
            frequency: r#"{"op": "frequency", "columns": ["x", "text", "integer"]},
                          {"op": "frequency", "columns": ["small", "flag"], "normalize": false, "unknown": "null"}"#,
            target_of_the_label: r#"{"op": "target", "columns": ["x", "text", "integer", "flag"]},
                                    {"op": "target", "columns": "narrow", "smooth": 3.5, "unknown": "null", "nulls": "mean"}"#,
            target_of_classes: r#"
                {"op": "compute", "into": "sign", "value": "if(small > 0, 1, 0 - 1)"},
                {"op": "target", "columns": ["text", "integer"], "target": "sign", "classes": [1, -1], "nulls": "null"},
                {"op": "target", "columns": "flag", "target": "late", "classes": [true, false], "smooth": 2}"#,
            target_of_a_number: r#"
                {"op": "clip", "columns": ["x"], "min": -1e100, "max": 1e100},
                {"op": "impute", "columns": "x", "with": "median"},
                {"op": "target", "columns": ["text", "small"], "target": "x", "nulls": "null"}"#,
            hash: r#"{"op": "hash", "columns": ["x", "text", "integer", "flag"], "width": 7},
                     {"op": "hash", "columns": "small", "width": 3, "signed": false}"#,
            cyclic: r#"{"op": "cyclic", "columns": "at", "parts": ["hour", "weekday"], "offset": "+05:30"},
                       {"op": "cyclic", "columns": "day", "parts": ["month", "day-of-year"], "keep": false},
                       {"op": "cyclic", "columns": ["x", "small"], "period": 7}"#,
            time_difference: r#"
                {"op": "time-difference", "from": "day", "to": "at", "unit": "hours", "into": "a"},
                {"op": "time-difference", "from": "at", "to": "2013-01-01T00:00:00Z", "unit": "microseconds", "into": "b"}"#,
            compute: r#"
                {"op": "compute", "into": "a", "value": "x / (small + 1) - narrow * 2"},
                {"op": "compute", "into": "b", "value": "if(a > 0 and not flag or text == 'a', max(a, small, 1), -a)"},
                {"op": "compute", "into": "c", "value": "is_missing(at) or coalesce(b, integer) <= log1p(x)"},
                {"op": "compute", "into": "x", "value": "sqrt(abs(b)) + exp(-abs(x)) + round(x)"}"#,
            texts: r#"{"op": "trim", "columns": "text"},
                      {"op": "regex-extract", "columns": "text", "pattern": "\\w.*", "into": "word"},
                      {"op": "lower", "columns": ["text", "word"]},
                      {"op": "text-length", "columns": ["text", "word"]},
                      {"op": "impute", "columns": "word", "with": "most-frequent", "indicator": true},
                      {"op": "ordinal", "columns": "word", "unknown": "null"}"#,
            cross: r#"{"op": "cross", "columns": ["text", "flag", "small"], "into": "c"},
                      {"op": "cross", "columns": ["x", "narrow", "integer"], "into": "d", "separator": ""},
                      {"op": "target", "columns": "c"},
                      {"op": "frequency", "columns": "d"}"#,
            polynomial: r#"{"op": "polynomial", "columns": ["x", "flag"], "degree": 3, "include_bias": true, "into": "p",
                            "type": "float64"},
                           {"op": "polynomial", "columns": ["x", "small", "narrow"], "interaction_only": true, "into": "q"},
                           {"op": "assemble", "columns": ["p", "q"], "into": "features", "type": "float64"}"#,
            select_drop_and_rename: r#"
                {"op": "rename", "columns": {"x": "y", "at": "x", "vector": "w", "text": "name"}},
                {"op": "standard-scale", "columns": "small"},
                {"op": "drop", "columns": ["narrow", "integer"]},
                {"op": "select", "columns": ["name", "x", "w", "small"]}"#,
            only_dropped: r#"{"op": "drop", "columns": ["x", "text"]}"#,
            cast: r#"{"op": "cast", "columns": ["x", "small", "flag"], "to": "int64", "invalid": "null"},
                     {"op": "cast", "columns": ["narrow"], "to": "utf8"},
                     {"op": "cast", "columns": ["text"], "to": "float32", "invalid": "null"},
                     {"op": "cast", "columns": "integer", "to": "boolean"}"#,
            cast_times: r#"{"op": "cast", "columns": ["at"], "to": "utf8", "offset": "-05:00"},
                           {"op": "cast", "columns": "text", "to": "timestamp", "invalid": "null"},
                           {"op": "cast", "columns": "integer", "to": "timestamp", "unit": "nanoseconds"},
                           {"op": "cast", "columns": ["x", "small"], "to": "date", "invalid": "null"},
                           {"op": "cast", "columns": "day", "to": "timestamp", "invalid": "null"},
                           {"op": "date-parts", "columns": ["integer", "x"], "parts": ["year", "weekday"], "keep": false},
                           {"op": "cast", "columns": "day", "to": "int64", "unit": "seconds", "invalid": "null"},
                           {"op": "ordinal", "columns": "at", "unknown": -1}"#,
            vectors: r#"{"op": "impute", "columns": "vector", "with": "mean", "indicator": true},
                        {"op": "clip", "columns": "vector*", "min": -1e30, "max": 1e30},
                        {"op": "standard-scale", "columns": {"type": "vector"}},
                        {"op": "one-hot", "columns": "text", "unknown": "ignore"},
                        {"op": "max-abs-scale", "columns": ["vector", "text"]},
                        {"op": "quantile-scale", "columns": "vector", "quantiles": 4},
                        {"op": "log1p", "columns": "vector"},
                        {"op": "assemble", "columns": ["vector*", "text"], "into": "features"},
                        {"op": "robust-scale", "columns": "features"}"#,
            cast_that_refuses: r#"{"op": "cast", "columns": ["x", "text"], "to": "int32"}"#,
            assemble: r#"{"op": "assemble", "columns": ["x", "flag", "vector", "integer"], "into": "features"},
                         {"op": "assemble", "columns": ["features", "narrow"], "into": "wide", "type": "float64"}"#,
            what_is_learned_from_what_was_learned: r#"
                {"op": "clip", "columns": ["x", "narrow"], "min": -1e100, "max": 1e100},
                {"op": "impute", "columns": "x", "with": "median", "indicator": true},
                {"op": "standard-scale", "columns": ["x", "small"]},
                {"op": "impute", "columns": "small", "with": "mean"},
                {"op": "min-max-scale", "columns": ["x", "small"]},
                {"op": "one-hot", "columns": "x", "unknown": "ignore"}"#,
            a_whole_pipeline: r#"
                {"op": "impute", "columns": ["small", "flag"], "with": "median"},
                {"op": "impute", "columns": "text", "with": "most-frequent", "indicator": true},
                {"op": "one-hot", "columns": ["text"], "unknown": "ignore"},
                {"op": "date-parts", "columns": "at", "parts": ["month", "hour"]},
                {"op": "ordinal", "columns": "at_month", "unknown": -1},
                {"op": "standard-scale", "columns": ["small", "at_hour"]},
                {"op": "assemble", "columns": "*", "into": "features"}"#,
        }
    };
}
pub(crate) use every_op;
