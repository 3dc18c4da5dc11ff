//! Model files that are wrong: each is refused with a reason, none can panic or never end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use gbdt::{Condition, Forest, Format, Loss, Model, Node, NodeKind, Tree};
use proptest::prelude::*;

fn model() -> Model {
    let split = |feature, left, right, parent| Node {
        parent,
        kind: NodeKind::Split {
            feature,
            condition: Condition::Below(f32::NEG_INFINITY),
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
        loss: Loss::Logistic {
            scale_pos_weight: 2.5,
        },
        base_scores: vec![0.627_416_5],
        feature_count: 2,
        feature_names: vec!["a \"quoted\"".into(), "é\n".into()],
        feature_types: Vec::new(),
        attributes: [("best_iteration".to_owned(), "0".to_owned())].into(),
        parallel_trees: 1,
        trees: vec![Tree { output: 0, nodes }],
    }
}

/// Three classes, each with its own start, and a split of categories.
fn classes() -> Model {
    let mut model = model();
    model.loss = Loss::Softmax { class_count: 3 };
    model.base_scores = vec![0.1, -0.3, 0.2];
    model.feature_types = vec!["q".into(), "c".into()];
    if let NodeKind::Split { condition, .. } = &mut model.trees[0].nodes[0].kind {
        *condition = Condition::NotAmong(vec![0, 7, 40]);
    }
    for output in 1..3 {
        let tree = model.trees[0].clone();
        model.trees.push(Tree { output, ..tree });
    }
    model
}

#[test]
fn reads_what_it_wrote() {
    for model in [model(), classes()] {
        for format in [Format::Json, Format::Ubj] {
            assert_eq!(Model::read(&model.write(format)).unwrap(), model);
        }
    }
}

#[test]
fn a_portable_file_has_one_base_score_and_predicts_the_same() {
    let (model, portable) = (classes(), classes().portable());
    let text = String::from_utf8(portable.write(Format::Json)).unwrap();
    assert!(text.contains(r#""base_score":"0E0""#), "{text}");
    assert!(text.contains(r#""iteration_indptr":[0,3,6]"#), "{text}");
    assert_eq!(portable.attributes["best_iteration"], "1");
    let rows = [0.0, 7.0, 1.0, 3.0, f32::NAN, f32::NAN];
    let margins = |model: &Model| {
        let mut margins = model.start().repeat(3);
        Forest::new(&model.trees, 3).add_margins(&rows, 2, &mut margins);
        margins
            .iter()
            .map(|margin| margin.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(margins(&model), margins(&portable));
}

/// Reads the model with one piece of its text replaced.
fn check(from: &str, to: &str, expected: &str) {
    let text = String::from_utf8(model().write(Format::Json)).unwrap();
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
        r#""left_children":[1,3"#,
        r#""left_children":[1,"3""#,
        "a number must stand here, not `\"`",
    );
    check(
        r#""split_indices":[1"#,
        r#""split_indices":[2"#,
        "node 0 splits on feature 2, of 2",
    );
    check(
        r#""split_indices":[1"#,
        r#""split_indices":[-1"#,
        "node 0 splits on feature -1, of 2",
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
fn every_place_of_categories_is_checked() {
    for (from, to, expected) in [
        (
            r#""categories_segments":[0]"#,
            r#""categories_segments":[1]"#,
            "node 0 has 3 categories from place 1, of 3",
        ),
        (
            r#""categories_sizes":[3]"#,
            r#""categories_sizes":[-3]"#,
            "node 0 has -3 categories",
        ),
        (
            r#""categories_sizes":[3]"#,
            r#""categories_sizes":[3,3]"#,
            "`categories_sizes` 2",
        ),
        (
            r#""categories_nodes":[0]"#,
            r#""categories_nodes":[5]"#,
            "`categories_nodes` names node 5, of 5",
        ),
        (
            r#""categories_nodes":[0]"#,
            r#""categories_nodes":[1]"#,
            "node 0 splits categories, but lists none",
        ),
        (
            r#""categories":[0,7,40]"#,
            r#""categories":[0,7,-1]"#,
            "node 0 has the category -1; 0 to 65534 are supported",
        ),
        (
            r#""categories_nodes":[0],"categories_segments":[0],"categories_sizes":[3]"#,
            r#""categories_nodes":[0,1],"categories_segments":[0,0],"categories_sizes":[3,3]"#,
            "nodes share places of `categories`",
        ),
        (
            r#""split_type":[1"#,
            r#""split_type":[2"#,
            "node 0 has the split type 2",
        ),
        (
            r#""tree_info":[0,1,2]"#,
            r#""tree_info":[0,1,3]"#,
            "tree 2 is of class 3, of 3",
        ),
        (
            r#""tree_info":[0,1,2]"#,
            r#""tree_info":[0,1]"#,
            "`tree_info` has 2 entries, of 3 trees",
        ),
        (
            r#""base_score":"[1E-1,-3E-1,2E-1]""#,
            r#""base_score":"[1E-1,-3E-1]""#,
            "of 3 outputs",
        ),
        (
            r#""feature_types":["q","c"]"#,
            r#""feature_types":["q"]"#,
            "`feature_types` has 1 entries, of 2 features",
        ),
    ] {
        let text = String::from_utf8(classes().write(Format::Json)).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        let error = Model::read(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(
            error.message().contains(expected),
            "{to}: {}",
            error.message()
        );
    }
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
        "rank:map",
        "the objective `rank:map`; binary:logistic, multi:softprob, reg:squarederror, ",
    );
    check(
        r#""num_class":"0""#,
        r#""num_class":"3""#,
        "several targets",
    );
    check(
        r#""num_target":"1""#,
        r#""num_target":"2""#,
        "several targets",
    );
    check(
        r#""size_leaf_vector":"1""#,
        r#""size_leaf_vector":"2""#,
        "its leaves have 2 values",
    );
    check(
        r#""version":[1,7,6]"#,
        r#""version":[3,5,0]"#,
        "a model of XGBoost 3.5; up to 3.4 is",
    );
    check(
        r#""base_score":"6.274165E-1""#,
        r#""base_score":"[1E-1,2E-1]""#,
        "`base_score` is `[1E-1,2E-1]`, of 1 outputs",
    );
}

#[test]
fn what_is_no_model_is_said() {
    for (bytes, expected) in [
        (&b""[..], "byte 0: it ends where `{` must stand"),
        (b"{}", "it has no `learner.gradient_booster.name`"),
        (b"{L\x00\x00", "byte 2: it ends in the middle of a value"),
        (b"binf", "byte 0: `{` must stand here, not `b`"),
        (
            b"{\"\xff",
            "it is neither UBJSON nor UTF-8 JSON, from byte 2",
        ),
    ] {
        let error = Model::read(bytes).unwrap_err();
        assert!(error.message().contains(expected), "{}", error.message());
    }
}

#[test]
fn what_other_versions_write_is_read() {
    let text = String::from_utf8(model().write(Format::Json)).unwrap();
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

/// Walks all trees, as predicting does.
fn predict(model: &Model) {
    let feature_count = model.feature_count.min(1 << 20);
    let mut margins = model.start().repeat(3);
    Forest::new(&model.trees, model.loss.output_count()).add_margins(
        &vec![1.0; 3 * feature_count],
        feature_count,
        &mut margins,
    );
}

proptest! {
    #[test]
    fn a_damaged_file_never_panics(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
        is_binary in any::<bool>(),
    ) {
        let mut bytes = classes().write(if is_binary { Format::Ubj } else { Format::Json });
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(model) = Model::read(&bytes) {
            predict(&model);
        }
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(Model::read(&bytes).is_err());
    }
}
