//! Joins against nested loops.

use std::fs;

use proptest::prelude::*;
use trueline_dataset::Error;

use super::{open, read, rows};

const JOIN: &str = "[d]\npath = 'left.csv'\ntypes = { k = 'utf8', n = 'int64', v = 'int64' }\n\
    join = [{ with = 'right', on = { k = 'k', n = 'm' }, prefix = 'r_' }]\n\
    [right]\npath = 'right.csv'\ntypes = { k = 'utf8', m = 'int64', w = 'int64' }\n";

type Key = (Option<char>, Option<i64>);

fn key() -> impl Strategy<Value = Key> {
    (
        proptest::option::weighted(0.8, prop_oneof![Just('a'), Just('b'), Just('c')]),
        proptest::option::weighted(0.8, 0..3_i64),
    )
}

fn csv(header: &str, lines: impl Iterator<Item = (Key, usize)>) -> String {
    let text = |value: Option<String>| value.unwrap_or_default();
    let line = |((k, n), v): (Key, usize)| {
        format!(
            "{},{},{v}\n",
            text(k.map(String::from)),
            text(n.map(|n| n.to_string()))
        )
    };
    format!("{header}\n{}", lines.map(line).collect::<String>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agrees_with_nested_loops(
        left in proptest::collection::vec(key(), 0..20),
        right in proptest::collection::vec(key(), 0..8),
        batch_rows in 1_usize..7,
    ) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("left.csv"), csv("k,n,v", left.iter().copied().zip(0..))).unwrap();
        fs::write(dir.path().join("right.csv"), csv("k,m,w", right.iter().copied().zip(0..))).unwrap();
        let joined = read(&open(dir.path(), JOIN).unwrap(), None, None, batch_rows);

        let is_whole = |key: &Key| key.0.is_some() && key.1.is_some();
        let duplicate = right.iter().enumerate().any(|(row, key)| is_whole(key) && right[..row].contains(key));
        if duplicate {
            let error = joined.unwrap_err();
            let is_data = matches!(error, Error::Data { .. });
            prop_assert!(is_data && error.to_string().contains("more than one row with k ="), "{}", error);
            return Ok(());
        }
        let expected: Vec<String> = left.iter().enumerate().map(|(row, key)| {
            let found = right.iter().position(|other| is_whole(key) && other == key);
            let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            let (k, n) = (text(key.0.map(String::from)), text(key.1.map(|n| n.to_string())));
            format!("{k}|{n}|{row}|{}", text(found.map(|row| row.to_string())))
        }).collect();
        prop_assert_eq!(rows(&joined.unwrap()), expected);
    }
}

#[test]
fn a_join_may_go_by_a_joined_column() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.csv"), "tail,x\nN1,1\nN2,2\nN3,3\n").unwrap();
    fs::write(
        dir.path().join("planes.csv"),
        "tail,model\nN1,A320\nN2,B737\n",
    )
    .unwrap();
    fs::write(
        dir.path().join("models.csv"),
        "model,seats\nB737,150\nA320,180\n",
    )
    .unwrap();
    let declaration = "[d]\npath = 'a.csv'\nwhere = 'seats != null || x == 3'\n\
        join = [{ with = 'planes', on = 'tail' }, { with = 'models', on = 'model', take = ['seats'] }]\n\
        [planes]\npath = 'planes.csv'\n[models]\npath = 'models.csv'\nwhere = 'seats < 180'";
    let dataset = open(dir.path(), declaration).unwrap();
    assert_eq!(
        rows(&read(&dataset, None, None, 10).unwrap()),
        ["N2|2|B737|150", "N3|3|-|-"]
    );
    assert_eq!(
        rows(&read(&dataset, None, Some(&["x"]), 10).unwrap()),
        ["2", "3"]
    );
}
