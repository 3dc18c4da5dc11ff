//! Reading and checking a model file.
//!
//! What is read can be predicted with: every index is in range, every node has one parent, so no row
//! can walk in a circle. What this crate cannot predict (several classes, categorical splits, linear
//! boosters, other objectives) is refused by name.

use std::{collections::BTreeMap, str::FromStr};

use trueline_sdk::{Error, Result};

use super::Model;
use crate::{Node, NodeKind, Objective, Tree, json::Reader};

impl Model {
    /// Parses a model file of XGBoost 1.3 or later, or one that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`Error::Data`] that says what is wrong or what is not supported.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            invalid(format_args!(
                "it is not UTF-8 JSON, from byte {}",
                error.valid_up_to()
            ))
        })?;
        let mut file = File::default();
        let mut reader = Reader::new(text);
        reader.object(|reader, key| match key {
            "learner" => file.learner(reader),
            _ => reader.skip(),
        })?;
        reader.end()?;
        file.check()
    }
}

/// What the file says, before it is checked.
#[derive(Default)]
struct File {
    attributes: BTreeMap<String, String>,
    feature_names: Vec<String>,
    model_param: BTreeMap<String, String>,
    objective: Option<String>,
    objective_param: BTreeMap<String, String>,
    booster: Option<String>,
    tree_classes: Vec<u32>,
    trees: Vec<TreeArrays>,
}

/// A tree as XGBoost keeps it: one array per property of a node.
#[derive(Default)]
struct TreeArrays {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<u32>,
    split_conditions: Vec<f32>,
    default_left: Vec<u8>,
    split_type: Vec<u8>,
    base_weights: Vec<f32>,
    loss_changes: Vec<f32>,
    sum_hessian: Vec<f32>,
}

impl File {
    fn learner(&mut self, reader: &mut Reader) -> Result<()> {
        reader.object(|reader, key| {
            match key {
                "attributes" => self.attributes = strings(reader)?,
                "feature_names" => reader.array(|reader| {
                    self.feature_names.push(reader.string()?);
                    Ok(())
                })?,
                "learner_model_param" => self.model_param = strings(reader)?,
                "objective" => reader.object(|reader, key| {
                    match key {
                        "name" => self.objective = Some(reader.string()?),
                        "reg_loss_param" => self.objective_param = strings(reader)?,
                        _ => reader.skip()?,
                    }
                    Ok(())
                })?,
                "gradient_booster" => reader.object(|reader, key| {
                    match key {
                        "name" => self.booster = Some(reader.string()?),
                        "model" => self.booster_model(reader)?,
                        _ => reader.skip()?,
                    }
                    Ok(())
                })?,
                _ => reader.skip()?,
            }
            Ok(())
        })
    }

    fn booster_model(&mut self, reader: &mut Reader) -> Result<()> {
        reader.object(|reader, key| {
            match key {
                "tree_info" => self.tree_classes = reader.numbers()?,
                "trees" => reader.array(|reader| {
                    self.trees.push(TreeArrays::read(reader)?);
                    Ok(())
                })?,
                _ => reader.skip()?,
            }
            Ok(())
        })
    }

    fn check(self) -> Result<Model> {
        match self.booster.as_deref() {
            Some("gbtree") => {}
            Some(other) => {
                return Err(unsupported(format_args!(
                    "the booster `{other}`; `gbtree` is"
                )));
            }
            None => return Err(invalid("it has no `learner.gradient_booster.name`")),
        }
        let name = self
            .objective
            .ok_or_else(|| invalid("it has no `learner.objective.name`"))?;
        let objective = Objective::ALL
            .into_iter()
            .find(|objective| objective.name() == name);
        let objective = objective.ok_or_else(|| {
            unsupported(format_args!(
                "the objective `{name}`; {} are",
                Objective::ALL.map(Objective::name).join(" and ")
            ))
        })?;
        let several = |key: &str| {
            self.model_param
                .get(key)
                .is_some_and(|count| !matches!(count.as_str(), "0" | "1"))
        };
        if several("num_class")
            || several("num_target")
            || self.tree_classes.iter().any(|&class| class != 0)
        {
            return Err(unsupported(
                "a model of several classes or targets; one of a single output is",
            ));
        }
        let base_score = self
            .model_param
            .get("base_score")
            .ok_or_else(|| invalid("it has no `base_score`"))?;
        // XGBoost 3.1 and later write a list of one.
        let base_score = parse(
            "base_score",
            base_score.trim_start_matches('[').trim_end_matches(']'),
        )?;
        let feature_count = self
            .model_param
            .get("num_feature")
            .ok_or_else(|| invalid("it has no `num_feature`"))?;
        let feature_count: u32 = parse("num_feature", feature_count)?;
        // The highest bit of a feature's number is used in prediction.
        if feature_count == 0 || feature_count > i32::MAX as u32 {
            return Err(invalid(format_args!("`num_feature` is {feature_count}")));
        }
        let trees: Result<Vec<_>> = self
            .trees
            .into_iter()
            .enumerate()
            .map(|(id, tree)| {
                tree.check(feature_count)
                    .map_err(|what| invalid(format_args!("tree {id}: {what}")))
            })
            .collect();
        Ok(Model {
            objective,
            base_score,
            scale_pos_weight: match self.objective_param.get("scale_pos_weight") {
                Some(scale) => parse("scale_pos_weight", scale)?,
                None => 1.0,
            },
            feature_count: feature_count as usize,
            feature_names: self.feature_names,
            attributes: self.attributes,
            trees: trees?,
        })
    }
}

impl TreeArrays {
    fn read(reader: &mut Reader) -> Result<Self> {
        let mut tree = Self::default();
        reader.object(|reader, key| {
            match key {
                "left_children" => tree.left_children = reader.numbers()?,
                "right_children" => tree.right_children = reader.numbers()?,
                "split_indices" => tree.split_indices = reader.numbers()?,
                "split_conditions" => tree.split_conditions = reader.numbers()?,
                "default_left" => tree.default_left = reader.numbers()?,
                "split_type" => tree.split_type = reader.numbers()?,
                "base_weights" => tree.base_weights = reader.numbers()?,
                "loss_changes" => tree.loss_changes = reader.numbers()?,
                "sum_hessian" => tree.sum_hessian = reader.numbers()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(tree)
    }

    /// The tree, or what is wrong with it.
    fn check(&self, feature_count: u32) -> Result<Tree, String> {
        let count = self.left_children.len();
        let lengths = [
            ("right_children", self.right_children.len()),
            ("split_indices", self.split_indices.len()),
            ("split_conditions", self.split_conditions.len()),
            ("default_left", self.default_left.len()),
            ("base_weights", self.base_weights.len()),
            ("loss_changes", self.loss_changes.len()),
            ("sum_hessian", self.sum_hessian.len()),
        ];
        if count == 0 {
            return Err("it has no nodes".into());
        }
        if let Some((name, length)) = lengths.into_iter().find(|&(_, length)| length != count) {
            return Err(format!(
                "`left_children` has {count} nodes, `{name}` has {length}"
            ));
        }
        if self.split_type.iter().any(|&kind| kind != 0) {
            return Err(
                "categorical splits are not supported; encode categories as numbers".into(),
            );
        }
        let mut nodes = Vec::with_capacity(count);
        for at in 0..count {
            nodes.push(Node {
                parent: None,
                kind: self.kind(at, feature_count)?,
                base_weight: self.base_weights[at],
                sum_hessian: self.sum_hessian[at],
            });
        }
        link_parents(&mut nodes)?;
        Ok(Tree { nodes })
    }

    fn kind(&self, at: usize, feature_count: u32) -> Result<NodeKind, String> {
        let value = self.split_conditions[at];
        if value.is_nan() {
            return Err(format!("node {at} has the value NaN"));
        }
        let (left, right) = (self.left_children[at], self.right_children[at]);
        if left == -1 && right == -1 {
            return Ok(NodeKind::Leaf { value });
        }
        let child = |child: i64| {
            let index = u32::try_from(child)
                .ok()
                .filter(|&index| (index as usize) < self.left_children.len());
            index.ok_or_else(|| {
                format!(
                    "node {at} has the child {child}, of {} nodes",
                    self.left_children.len()
                )
            })
        };
        let feature = self.split_indices[at];
        if feature >= feature_count {
            return Err(format!(
                "node {at} splits on feature {feature}, of {feature_count}"
            ));
        }
        Ok(NodeKind::Split {
            feature,
            threshold: value,
            default_left: self.default_left[at] != 0,
            left: child(left)?,
            right: child(right)?,
            loss_change: self.loss_changes[at],
        })
    }
}

/// Tells each child its parent, and makes sure that it has but one and the root none: then following
/// children from the root ends.
fn link_parents(nodes: &mut [Node]) -> Result<(), String> {
    for at in 0..nodes.len() {
        let NodeKind::Split { left, right, .. } = nodes[at].kind else {
            continue;
        };
        for child in [left, right] {
            let node = &mut nodes[child as usize];
            if child == 0 || node.parent.is_some() {
                return Err(format!("node {child} is reached in two ways"));
            }
            node.parent = Some(crate::tree::as_index(at));
        }
    }
    Ok(())
}

fn strings(reader: &mut Reader) -> Result<BTreeMap<String, String>> {
    let mut strings = BTreeMap::new();
    reader.object(|reader, key| {
        strings.insert(key.to_owned(), reader.string()?);
        Ok(())
    })?;
    Ok(strings)
}

fn parse<T: FromStr>(name: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| invalid(format_args!("`{name}` is `{text}`")))
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::data(format!("the model is not an XGBoost JSON model: {what}"))
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::data(format!("not supported: {what}"))
}
