//! Writing the model file: compact, keys in XGBoost's order, floats as short as they round-trip.

use std::fmt::{Display, Write};

use super::Model;
use crate::{NodeKind, Tree};

/// XGBoost's mark of a node without parent.
const NO_PARENT: i64 = 2_147_483_647;
/// XGBoost's mark of a child that is not there.
const NO_CHILD: i64 = -1;

/// The version whose format this is: the oldest that knows every key written here. Later ones read it.
const VERSION: &str = "[1,7,6]";

impl Model {
    /// The bytes of the model file. The same model has the same bytes.
    ///
    /// `base_score` is one number, not the list of one that XGBoost 3.1 and later write: those read
    /// both, but earlier versions take the list for 0.5 and predict something else without a word.
    pub fn write(&self) -> Vec<u8> {
        let mut out = String::from(r#"{"learner":{"attributes":{"#);
        join(&mut out, &self.attributes, |out, (name, value)| {
            string(out, name);
            out.push(':');
            string(out, value);
        });
        out.push_str(r#"},"feature_names":["#);
        join(&mut out, &self.feature_names, |out, name| string(out, name));
        let _ = write!(
            out,
            r#"],"feature_types":[],"gradient_booster":{{"model":{{"gbtree_model_param":{{"num_parallel_tree":"1","num_trees":"{}"}},"iteration_indptr":["#,
            self.trees.len()
        );
        join(&mut out, 0..=self.trees.len(), display);
        out.push_str(r#"],"tree_info":["#);
        join(&mut out, &self.trees, |out, _| out.push('0'));
        out.push_str(r#"],"trees":["#);
        join(
            &mut out,
            self.trees.iter().enumerate(),
            |out, (id, tree)| self.tree(out, id, tree),
        );
        let _ = write!(
            out,
            r#"]}},"name":"gbtree"}},"learner_model_param":{{"base_score":"{:E}","boost_from_average":"1","num_class":"0","num_feature":"{}","num_target":"1"}},"objective":{{"name":"{}","reg_loss_param":{{"scale_pos_weight":"{}"}}}}}},"version":{VERSION}}}"#,
            self.base_score, self.feature_count, self.objective, self.scale_pos_weight
        );
        out.into_bytes()
    }

    fn tree(&self, out: &mut String, id: usize, tree: &Tree) {
        let nodes = &tree.nodes;
        let split_or = |kind: NodeKind, leaf: i64, split: fn(u32, u32, u32, bool) -> i64| match kind
        {
            NodeKind::Leaf { .. } => leaf,
            NodeKind::Split {
                feature,
                left,
                right,
                default_left,
                ..
            } => split(feature, left, right, default_left),
        };
        let floats = |out: &mut String, key: &str, value: &dyn Fn(&crate::Node) -> f32| {
            array(out, key, nodes, |out, node| float(out, value(node)));
        };
        let integers = |out: &mut String, key: &str, value: &dyn Fn(&crate::Node) -> i64| {
            array(out, key, nodes, |out, node| display(out, value(node)));
        };
        out.push('{');
        floats(out, "base_weights", &|node| node.base_weight);
        out.push_str(r#""categories":[],"categories_nodes":[],"categories_segments":[],"categories_sizes":[],"#);
        integers(out, "default_left", &|node| {
            split_or(node.kind, 0, |_, _, _, left| left.into())
        });
        let _ = write!(out, r#""id":{id},"#);
        integers(out, "left_children", &|node| {
            split_or(node.kind, NO_CHILD, |_, left, _, _| left.into())
        });
        floats(out, "loss_changes", &|node| match node.kind {
            NodeKind::Leaf { .. } => 0.0,
            NodeKind::Split { loss_change, .. } => loss_change,
        });
        integers(out, "parents", &|node| {
            node.parent.map_or(NO_PARENT, i64::from)
        });
        integers(out, "right_children", &|node| {
            split_or(node.kind, NO_CHILD, |_, _, right, _| right.into())
        });
        floats(out, "split_conditions", &|node| match node.kind {
            NodeKind::Leaf { value } => value,
            NodeKind::Split { threshold, .. } => threshold,
        });
        integers(out, "split_indices", &|node| {
            split_or(node.kind, 0, |feature, _, _, _| feature.into())
        });
        integers(out, "split_type", &|_| 0);
        floats(out, "sum_hessian", &|node| node.sum_hessian);
        let _ = write!(
            out,
            r#""tree_param":{{"num_deleted":"0","num_feature":"{}","num_nodes":"{}","size_leaf_vector":"1"}}}}"#,
            self.feature_count,
            nodes.len()
        );
    }
}

/// Writes items with commas between them.
fn join<T>(out: &mut String, items: impl IntoIterator<Item = T>, write: impl Fn(&mut String, T)) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

/// Writes a key, an array and a comma.
fn array<T>(
    out: &mut String,
    key: &str,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    let _ = write!(out, r#""{key}":["#);
    join(out, items, write);
    out.push_str("],");
}

fn display(out: &mut String, value: impl Display) {
    let _ = write!(out, "{value}");
}

/// The shortest digits that read back as the same float32, in XGBoost's notation: a number without
/// exponent or point would be read as an integer and refused.
fn float(out: &mut String, value: f32) {
    if value.is_finite() {
        let _ = write!(out, "{value:E}");
    } else if value.is_nan() {
        out.push_str("NaN");
    } else {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
