//! Model files that are wrong: each is refused with a reason, none can panic or never end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use gbdt::{Model, Node, NodeKind, Objective, Tree};
use proptest::prelude::*;

fn model() -> Model {
    let split = |feature, left, right, parent| Node {
        parent,
        kind: NodeKind::Split {
            feature,
            threshold: f32::NEG_INFINITY,
            default_left: true,
            left,
            right,
            loss_change: 1.5,
        },
        base_weight: 0.25,
        sum_hessian: 8.0,
    };
    let leaf = |value, parent| Node {
        parent: Some(parent),
        kind: NodeKind::Leaf { value },
        base_weight: value,
        sum_hessian: 4.0,
    };
    let nodes = vec![
        split(1, 1, 2, None),
        split(0, 3, 4, Some(0)),
        leaf(0.1, 0),
        leaf(-1e-20, 1),
        leaf(3e20, 1),
    ];
    Model {
        objective: Objective::BinaryLogistic,
        base_score: 0.627_416_5,
        scale_pos_weight: 2.5,
        feature_count: 2,
        feature_names: vec!["a \"quoted\"".into(), "é\n".into()],
        attributes: [("best_iteration".to_owned(), "0".to_owned())].into(),
        trees: vec![Tree { nodes }],
    }
}

#[test]
fn reads_what_it_wrote() {
    assert_eq!(Model::read(&model().write()).unwrap(), model());
}

/// Reads the model with one piece of its text replaced.
fn check(from: &str, to: &str, expected: &str) {
    let text = String::from_utf8(model().write()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    let error = Model::read(text.replacen(from, to, 1).as_bytes()).expect_err(to);
    assert!(
        error.message().contains(expected),
        "{to}: {}",
        error.message()
    );
}

#[test]
fn every_index_is_checked() {
    check(
        r#""left_children":[1,3"#,
        r#""left_children":[1,5"#,
        "tree 0: node 1 has the child 5, of 5 nodes",
    );
    check(
        r#""left_children":[1,3"#,
        r#""left_children":[1,-1"#,
        "node 1 has the child -1",
    );
    check(
        r#""left_children":[1,3"#,
        r#""left_children":[1,0"#,
        "node 0 is reached in two ways",
    );
    check(
        r#""left_children":[1,3"#,
        r#""left_children":[1,1"#,
        "node 1 is reached in two ways",
    );
    check(
        r#""left_children":[1,3"#,
        r#""left_children":[1,1e0"#,
        "`1e0` is not the kind of number",
    );
    check(
        r#""split_indices":[1"#,
        r#""split_indices":[2"#,
        "node 0 splits on feature 2, of 2",
    );
    check(
        r#""split_indices":[1"#,
        r#""split_indices":[-1"#,
        "`-1` is not the kind of number",
    );
    check(
        r#""sum_hessian":[8E0,"#,
        r#""sum_hessian":["#,
        "`left_children` has 5 nodes, `sum_hessian` has 4",
    );
    check(
        r#""split_conditions":[-Infinity"#,
        r#""split_conditions":[NaN"#,
        "node 0 has the value NaN",
    );
    check(
        r#""num_feature":"2","num_target""#,
        r#""num_feature":"0","num_target""#,
        "`num_feature` is 0",
    );
}

#[test]
fn what_is_not_supported_is_named() {
    check(
        r#""name":"gbtree""#,
        r#""name":"dart""#,
        "not supported: the booster `dart`",
    );
    check(
        "binary:logistic",
        "rank:ndcg",
        "the objective `rank:ndcg`; binary:logistic and reg:squarederror are",
    );
    check(
        r#""num_class":"0""#,
        r#""num_class":"3""#,
        "several classes",
    );
    check(
        r#""tree_info":[0]"#,
        r#""tree_info":[1]"#,
        "several classes",
    );
    check(
        r#""split_type":[0"#,
        r#""split_type":[1"#,
        "categorical splits",
    );
    check(
        r#""base_score":"6.274165E-1""#,
        r#""base_score":"[1E-1,2E-1]""#,
        "`base_score` is `1E-1,2E-1`",
    );
}

#[test]
fn what_is_no_model_is_said() {
    for (bytes, expected) in [
        (&b""[..], "byte 0: it ends where `{` must stand"),
        (b"{}", "it has no `learner.gradient_booster.name`"),
        (b"{L\x00\x00", "byte 1: `\"` must stand here, not `L`"),
        (b"{\"\xff", "it is not UTF-8 JSON, from byte 2"),
    ] {
        let error = Model::read(bytes).unwrap_err();
        assert!(error.message().contains(expected), "{}", error.message());
    }
}

#[test]
fn what_other_versions_write_is_read() {
    let text = String::from_utf8(model().write()).unwrap();
    for (from, to) in [
        (
            r#""base_score":"6.274165E-1""#,
            r#""base_score":"[6.274165E-1]""#,
        ),
        (
            r#""default_left":[1,1,0,0,0]"#,
            r#""default_left":[true,true,false,false,false]"#,
        ),
        (r#"{"learner":"#, r#"{"unknown":[{"a":null}],"learner":"#),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(
            Model::read(text.replacen(from, to, 1).as_bytes()).unwrap(),
            model(),
            "{to}"
        );
    }
}

proptest! {
    #[test]
    fn a_damaged_file_never_panics(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = model().write();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(model) = Model::read(&bytes) {
            let mut margins = [0.0; 3];
            gbdt::Forest::new(&model.trees).add_margins(
                &vec![1.0; 3 * model.feature_count.min(1 << 20)],
                model.feature_count.min(1 << 20),
                &mut margins,
            );
        }
        bytes.truncate(cut.index(bytes.len()));
        let _ = Model::read(&bytes);
    }
}
