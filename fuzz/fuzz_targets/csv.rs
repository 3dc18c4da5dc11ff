#![no_main]

#[path = "../schema.rs"]
mod schema;
#[path = "../../host/wire/tests/corpora/parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parsers::csv(&schema::schema(), bytes));
