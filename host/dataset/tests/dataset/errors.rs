//! Messages say what, where, and what to do.

use std::fs;

use trueline_dataset::NoMemo;

use super::{open, read};

/// Opens and reads `d`, which must fail with these words in the message and in the hint.
fn check(files: &[(&str, &[u8])], declaration: &str, problem: &[&str], hint: &str) {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let error = match open(dir.path(), declaration) {
        Ok(dataset) => read(&dataset, None, None, 10)
            .err()
            .or_else(|| dataset.pin(&NoMemo).err()),
        Err(error) => Some(error),
    };
    let error = error.unwrap_or_else(|| panic!("no error: {declaration}"));
    let message = error.to_string();
    assert!(message.starts_with("dataset `"), "{message}");
    assert!(
        problem.iter().all(|part| message.contains(part)),
        "{message}"
    );
    assert!(
        error.hint().unwrap_or_default().contains(hint),
        "{message}\nhint: {:?}",
        error.hint()
    );
}

#[test]
fn files() {
    check(
        &[],
        "[d]\npath = 'gone.csv'",
        &["gone.csv", "cannot be opened"],
        "",
    );
    check(
        &[],
        "[d]\npath = 'x/*.csv'",
        &["`path`", "matches no file"],
        "relative to the pipeline file",
    );
    check(&[], "[d]\npath = '[.csv'", &["is not a pattern"], "");
    check(
        &[("a.dat", b"")],
        "[d]\npath = 'a.dat'",
        &["`format`", "a.dat"],
        "csv, parquet, ndjson or arrow",
    );
    check(
        &[("a.parquet", b"PAR1 no PAR1")],
        "[d]\npath = 'a.parquet'",
        &["a.parquet", "as Parquet"],
        "damaged",
    );
    check(
        &[("a.arrow", b"ARROW1\0\0no")],
        "[d]\npath = 'a.arrow'",
        &["a.arrow", "as Arrow"],
        "damaged",
    );
    check(
        &[("a.arrow", b"no")],
        "[d]\npath = 'a.arrow'",
        &["a.arrow", "as Arrow"],
        "damaged",
    );
}

#[test]
fn csv() {
    let csv = |content: &'static str| [("a.csv", content.as_bytes())];
    let plain = "[d]\npath = 'a.csv'";
    check(&csv(""), plain, &["a.csv", "is empty"], "");
    check(&csv("a,\n1,2"), plain, &["column 2 has no name"], "");
    check(&csv("a,a\n1,2"), plain, &["two columns are called `a`"], "");
    check(
        &csv("a,b\n1,2\n1,2,3\n"),
        plain,
        &["line 3 has 3 values, the header has 2"],
        "quotes",
    );
    check(
        &csv("a,b\n\"x\ny\",2\n1\n"),
        plain,
        &["line 4 has 1 values"],
        "quotes",
    );
    check(
        &[("a.csv", b"a\n\xff\n")],
        plain,
        &["line 2 is not UTF-8"],
        "convert",
    );
    let typed = "[d]\npath = 'a.csv'\ntypes = { a = 'int64' }";
    check(
        &csv("a\n1\nx\n"),
        typed,
        &["line 3, column `a`: `x` is no int64"],
        "`csv.null`",
    );
    check(
        &csv("a\n1\n"),
        "[d]\npath = 'a.csv'\ntypes = { b = 'int64' }",
        &["`types`", "no column `b`"],
        "",
    );
    check(
        &csv("a\n1\n"),
        "[d]\npath = 'a.csv'\ntypes = { a = 'float32-list(2)' }",
        &["no vectors"],
        "",
    );
    check(
        &csv("a\n1\n"),
        "[d]\npath = 'a.csv'\ncsv.delimiter = 'é'",
        &["`csv.delimiter`", "ASCII"],
        "",
    );
    let two = [
        ("a.csv", b"a,b\n1,2\n".as_slice()),
        ("b.csv", b"a,c\n1,2\n"),
    ];
    check(
        &two,
        "[d]\npath = '*.csv'",
        &["b.csv", "column `b` is missing"],
        "",
    );
    let two = [("a.csv", b"a\n1\n".as_slice()), ("b.csv", b"a,c\n1,2\n")];
    check(
        &two,
        "[d]\npath = '*.csv'",
        &["b.csv", "has a column `c`, which"],
        "",
    );
}

#[test]
fn ndjson() {
    let ndjson = |content: &'static str| [("a.ndjson", content.as_bytes())];
    let plain = "[d]\npath = 'a.ndjson'";
    check(
        &ndjson("{\"a\":1}\n{\"a\":"),
        plain,
        &["a.ndjson", "line 2", "EOF"],
        "one JSON object a line",
    );
    check(&ndjson("[1]"), plain, &["line 1", "a JSON object"], "");
    check(
        &ndjson("{} {}"),
        plain,
        &["line 1", "trailing characters"],
        "",
    );
    check(
        &ndjson("{\"a\":1}\n{\"a\":\"x\"}"),
        plain,
        &["key `a` holds values of several kinds"],
        "one kind of value",
    );
    check(
        &ndjson("{\"a\":1,\"a\":2}"),
        plain,
        &["the key `a` twice"],
        "",
    );
    let typed = "[d]\npath = 'a.ndjson'\ntypes = { a = 'date' }";
    check(
        &ndjson("{\"a\":\"2013-13-01\"}"),
        typed,
        &["line 1", "key `a` is no date"],
        "",
    );
}

#[test]
fn declarations() {
    let files = [("a.csv", b"id,x,at\n1,2.5,2013-01-01\n".as_slice())];
    let with = |keys: &str, problem: &[&str], hint: &str| {
        check(
            &files,
            &format!("[d]\npath = 'a.csv'\n{keys}\n[e]\npath = 'a.csv'"),
            problem,
            hint,
        );
    };
    with(
        "where = 'idd > 1'",
        &["`where`", "character 1", "no column `idd`"],
        "did you mean `id`?",
    );
    with(
        "where = 'id + 1'",
        &["`where`", "is int64, not true or false"],
        "x > 0",
    );
    with(
        "label = { name = 'y' }",
        &["`label.name`", "no column `y`"],
        "the columns are",
    );
    with(
        "label = { name = 'x', value = 'id > 1' }",
        &["`label.name`", "`x` already"],
        "another name",
    );
    with(
        "label = { name = 'y', value = 'id > ' }",
        &["`label.value`"],
        "",
    );
    with(
        "key = ['id', 'ID']",
        &["`key`", "no column `ID`"],
        "did you mean `id`?",
    );
    with(
        "key = 'id'\nweight = 'id'",
        &["`key`", "`id` is the weight already"],
        "one role",
    );
    with(
        "weight = 'at'",
        &["`weight`", "cannot be the weight: it is date"],
        "",
    );
    with("event_time = 'x'", &["`event_time`", "it is float64"], "");
    with("key = 'id'\ndrop = ['id']", &["`key`", "is dropped"], "");
    with(
        "key = 'id'\nselect = ['x']",
        &["`key`", "is not selected"],
        "add it to `select`",
    );
    with("drop = ['y']", &["`drop[0]`", "no column `y`"], "");
    with("select = ['x', 'y']", &["`select[1]`", "no column `y`"], "");
    with(
        "split = { by = 'x', test_from = '2013-01-01' }",
        &["`split.by`", "one timestamp or date"],
        "",
    );
    with(
        "split = { by = 'at' }",
        &["`split`", "neither `test_from` nor `test`"],
        "test = 0.2",
    );
    with(
        "split = { by = 'at', test_from = 'May' }",
        &["`split.test_from`", "`May` is not a time"],
        "",
    );
    with(
        "split = { by = 'at', valid_from = '2013-01-02', test_from = '2013-01-01' }",
        &["`split`", "not before"],
        "swap them",
    );
    with(
        "split = { by = 'at', test = 0.2, valid_from = '2013-01-01' }",
        &["`split.valid_from`"],
        "valid with test",
    );
    with(
        "split = { by = 'id', test = 0.6, valid = 0.4 }",
        &["leave nothing for train"],
        "",
    );
    with(
        "split = { by = 'x', test = 0.5 }",
        &["`split.by`", "float64"],
        "",
    );
    with(
        "join = [{ with = 'f', on = 'id' }]",
        &["`join[0].with`", "no dataset `f`"],
        "",
    );
    with(
        "join = [{ with = 'd', on = 'id' }]",
        &["`join[0].with`", "in a circle: d → d"],
        "",
    );
    with(
        "join = [{ with = 'e', on = 'id' }]",
        &["`join[0].take`", "`x` already"],
        "`prefix`",
    );
    with(
        "join = [{ with = 'e', on = 'x', prefix = 'e_' }]",
        &["`join[0].on`", "float64"],
        "whole numbers",
    );
    with(
        "join = [{ with = 'e', on = { id = 'at' } }]",
        &["`join[0].on`", "is int64", "is date"],
        "`types`",
    );
    with(
        "join = [{ with = 'e', on = 'id', take = ['z'] }]",
        &["dataset `d`, `join[0].take`", "`e` has no column `z`"],
        "",
    );
    with(
        "join = [{ with = 'e', on = [] }]",
        &["`join[0].on`", "no column to join by"],
        "",
    );
}
