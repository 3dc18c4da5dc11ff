//! Every objective and option, and tables to try them on: for the laws natively (`stage.rs`), and for those
//! of the component (`tests/tests/stage_laws`).

use proptest::prelude::*;
use trueline_sdk::{
    DataType, Field, Role, Schema,
    testing::{Table, tables},
};

/// Anything may stand in the features; labels, weights and groups are such as can be learned from.
pub(crate) fn any_table() -> impl Strategy<Value = Table> {
    let schema = Schema::new([
        Field::new("a", DataType::Float64),
        Field::new("b", DataType::Int64),
        Field::new("c", DataType::Boolean),
        Field::new("d", DataType::Float32List(2)),
    ]);
    let required = |name, data_type, role| Field::new(name, data_type).required().with_role(role);
    let label = required("y", DataType::Int32, Role::Label);
    let amount = required("amount", DataType::Int32, Role::Feature);
    let weight = required("w", DataType::Float32, Role::Weight);
    let group = required("g", DataType::Utf8, Role::Group);
    let category = Field::new("e", DataType::Int32);
    (tables(&schema, 0..60), any::<i32>()).prop_map(move |(table, seed)| {
        let rows = table.rows();
        let numbers = |of: i32| {
            (0..rows)
                .zip((1i32..).step_by(2))
                .map(move |(_, odd)| (seed.wrapping_mul(odd) >> 7).rem_euclid(of))
        };
        table
            .clone()
            .with_field(label.clone(), numbers(2))
            .with_field(amount.clone(), numbers(4).map(|amount| amount + 1))
            .with_field(weight.clone(), numbers(5).map(|halves| halves as f32 * 0.5))
            .with_field(
                group.clone(),
                numbers(3).map(|group| format!("group {group}")),
            )
            .with_field(
                category.clone(),
                numbers(7).map(|one| (one > 0).then_some(one * 9)),
            )
    })
}

/// Every objective, and every option at least once.
pub(crate) const OPTIONS: [&str; 15] = [
    r#""objective": "binary:logistic", "max_bin": 4, "scale_pos_weight": 3"#,
    r#""objective": "binary:logistic", "eval_metric": ["error", "auc"], "max_delta_step": 0.5"#,
    r#""objective": "reg:squarederror", "gamma": 0.1, "alpha": 0.2, "lambda": 0.3"#,
    r#""objective": "multi:softprob", "num_class": 3"#,
    r#""objective": "multi:softprob", "label": "amount", "num_class": 5, "eval_metric": "merror""#,
    r#""objective": "count:poisson", "label": "amount""#,
    r#""objective": "reg:gamma", "label": "amount""#,
    r#""objective": "reg:tweedie", "tweedie_variance_power": 1.2, "label": "amount""#,
    r#""objective": "binary:logistic", "subsample": 0.6, "colsample_bytree": 0.7,
       "colsample_bylevel": 0.7, "colsample_bynode": 0.7, "seed": 11"#,
    r#""objective": "reg:squarederror", "grow_policy": "lossguide", "max_leaves": 5, "max_depth": 0"#,
    r#""objective": "reg:squarederror", "max_leaves": 5"#,
    r#""objective": "reg:squarederror", "monotone_constraints": {"a": 1, "b": -1}"#,
    r#""objective": "reg:squarederror", "interaction_constraints": [["a", "b"], ["c", "e"]]"#,
    r#""objective": "reg:squarederror", "categorical": ["e"], "max_cat_threshold": 3"#,
    r#""objective": "multi:softprob", "num_class": 3, "portable": true, "model_format": "ubj""#,
];

/// The parameters with these options, which may stop early and answer with all that there is.
pub(crate) fn with(options: &str) -> String {
    format!(
        r#"{{"features": ["a", "b", "c", "d", "e"], "num_boost_round": 3, "min_child_weight": 0.1,
            "early_stopping_rounds": 2, "margin_into": "m", "contributions_into": "why", {options}}}"#
    )
}

/// Those of rankings, for rows of equal weights: those of a group must be.
pub(crate) const RANKINGS: [&str; 3] = [
    r#"{"features": ["a", "b", "c", "d", "e"], "num_boost_round": 3, "min_child_weight": 0.01,
        "objective": "rank:ndcg"}"#,
    r#"{"features": ["a", "b", "c", "d", "e"], "num_boost_round": 3, "min_child_weight": 0.01,
        "objective": "rank:ndcg", "lambdarank_pair_method": "mean", "seed": 3,
        "lambdarank_num_pair_per_sample": 2}"#,
    r#"{"features": ["a", "b", "c", "d", "e"], "num_boost_round": 3, "min_child_weight": 0.01,
        "objective": "rank:ndcg", "lambdarank_num_pair_per_sample": 2, "lambdarank_normalization": false,
        "lambdarank_score_normalization": false, "ndcg_exp_gain": false, "eval_metric": "ndcg@3"}"#,
];

/// The columns that a ranking is learned from.
pub(crate) fn unweighted(rows: &Table) -> Table {
    let kept = ["a", "b", "c", "d", "e", "y", "g"].map(str::to_owned);
    rows.select(&kept).unwrap()
}
