//! Reading and checking a model file.
//!
//! What is read can be predicted with: every index is in range, every node has one parent, so no row
//! can walk in a circle. What this crate cannot predict (linear boosters, vector leaves, other
//! objectives) and what it does not know (versions that are yet to come) is refused by name.

mod trees;

use std::{collections::BTreeMap, str::FromStr};

use trueline_sdk::{Error, Result};

use self::trees::TreeArrays;
use super::{Model, json, source::Source, ubj};
use crate::{
    Objective,
    forest::MAX_FEATURES,
    loss::{Loss, PairMethod, Ranking},
};

/// The newest version whose files were compared with. A later one may mean something else by them, as
/// 3.1 did with `base_score`.
const NEWEST: [u32; 2] = [3, 4];

impl Model {
    /// Parses a model file, JSON or UBJSON, of XGBoost 1.3 to 3.4, or one that
    /// [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`Error::Data`] that says what is wrong or what is not supported.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        // An object of UBJSON goes on with the mark of a length, one of JSON with a quote or space.
        if let [b'{', b'L' | b'l' | b'I' | b'i' | b'U' | b'#' | b'$', ..] = bytes {
            return File::read(ubj::Reader::new(bytes));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            invalid(format_args!(
                "it is neither UBJSON nor UTF-8 JSON, from byte {}",
                error.valid_up_to()
            ))
        })?;
        File::read(json::Reader::new(text))
    }
}

/// What the file says, before it is checked.
#[derive(Default)]
struct File {
    version: Vec<u32>,
    attributes: BTreeMap<String, String>,
    feature_names: Vec<String>,
    feature_types: Vec<String>,
    model_param: BTreeMap<String, String>,
    objective: Option<String>,
    objective_param: BTreeMap<String, String>,
    booster: Option<String>,
    booster_param: BTreeMap<String, String>,
    tree_outputs: Vec<u32>,
    trees: Vec<TreeArrays>,
}

impl File {
    fn read(mut source: impl Source) -> Result<Model> {
        let mut file = Self::default();
        source.object(|source, key| {
            match key {
                "learner" => file.learner(source)?,
                "version" => file.version = source.numbers()?,
                _ => source.skip()?,
            }
            Ok(())
        })?;
        source.end()?;
        file.check()
    }

    fn learner(&mut self, source: &mut impl Source) -> Result<()> {
        source.object(|source, key| {
            match key {
                "attributes" => self.attributes = strings(source)?,
                "feature_names" => self.feature_names = list(source)?,
                "feature_types" => self.feature_types = list(source)?,
                "learner_model_param" => self.model_param = strings(source)?,
                "objective" => source.object(|source, key| {
                    match key {
                        "name" => self.objective = Some(source.string()?),
                        key if key.ends_with("_param") => {
                            self.objective_param.append(&mut strings(source)?);
                        }
                        _ => source.skip()?,
                    }
                    Ok(())
                })?,
                "gradient_booster" => source.object(|source, key| {
                    match key {
                        "name" => self.booster = Some(source.string()?),
                        "model" => self.booster_model(source)?,
                        _ => source.skip()?,
                    }
                    Ok(())
                })?,
                _ => source.skip()?,
            }
            Ok(())
        })
    }

    fn booster_model(&mut self, source: &mut impl Source) -> Result<()> {
        source.object(|source, key| {
            match key {
                "gbtree_model_param" => self.booster_param = strings(source)?,
                "tree_info" => self.tree_outputs = source.numbers()?,
                "trees" => source.array(|source| {
                    self.trees.push(TreeArrays::read(source)?);
                    Ok(())
                })?,
                _ => source.skip()?,
            }
            Ok(())
        })
    }

    fn check(self) -> Result<Model> {
        if let [major, minor, ..] = self.version[..] {
            if [major, minor] > NEWEST {
                let [newest_major, newest_minor] = NEWEST;
                return Err(unsupported(format_args!(
                    "a model of XGBoost {major}.{minor}; up to {newest_major}.{newest_minor} is: save it \
                     with that version or an older one"
                )));
            }
        }
        match self.booster.as_deref() {
            Some("gbtree") => {}
            Some(other) => {
                return Err(unsupported(format_args!(
                    "the booster `{other}`; `gbtree` is"
                )));
            }
            None => return Err(invalid("it has no `learner.gradient_booster.name`")),
        }
        let loss = self.loss()?;
        let base_scores = self.base_scores(&loss)?;
        let feature_count: u32 = self.model_number("num_feature")?;
        if feature_count == 0 || feature_count >= MAX_FEATURES {
            return Err(invalid(format_args!("`num_feature` is {feature_count}")));
        }
        for (name, words) in [
            ("feature_names", &self.feature_names),
            ("feature_types", &self.feature_types),
        ] {
            if !words.is_empty() && words.len() != feature_count as usize {
                return Err(invalid(format_args!(
                    "`{name}` has {} entries, of {feature_count} features",
                    words.len()
                )));
            }
        }
        if !self.tree_outputs.is_empty() && self.tree_outputs.len() != self.trees.len() {
            return Err(invalid(format_args!(
                "`tree_info` has {} entries, of {} trees",
                self.tree_outputs.len(),
                self.trees.len()
            )));
        }
        let mut trees = Vec::with_capacity(self.trees.len());
        for (id, arrays) in self.trees.iter().enumerate() {
            let output = self.tree_outputs.get(id).copied().unwrap_or(0);
            if output as usize >= base_scores.len() {
                return Err(invalid(format_args!(
                    "tree {id} is of class {output}, of {}",
                    base_scores.len()
                )));
            }
            let tree = arrays.check(output, feature_count);
            trees.push(tree.map_err(|what| invalid(format_args!("tree {id}: {what}")))?);
        }
        let parallel_trees = match self.booster_param.get("num_parallel_tree") {
            None => 1,
            Some(count) => parse::<u32>("num_parallel_tree", count)?.max(1),
        };
        Ok(Model {
            loss,
            base_scores,
            feature_count: feature_count as usize,
            feature_names: self.feature_names,
            feature_types: self.feature_types,
            attributes: self.attributes,
            parallel_trees: parallel_trees as usize,
            trees,
        })
    }

    fn loss(&self) -> Result<Loss> {
        let name = self
            .objective
            .as_ref()
            .ok_or_else(|| invalid("it has no `learner.objective.name`"))?;
        let objective = Objective::ALL
            .into_iter()
            .find(|objective| objective.name() == name);
        let objective = objective.ok_or_else(|| {
            unsupported(format_args!(
                "the objective `{name}`; {} are",
                Objective::ALL.map(Objective::name).join(", ")
            ))
        })?;
        let scale_pos_weight = || self.number("scale_pos_weight", 1.0);
        let is_on = |key: &str| Ok::<_, Error>(self.number::<u8>(key, 1)? != 0);
        Ok(match objective {
            Objective::BinaryLogistic => Loss::Logistic {
                scale_pos_weight: scale_pos_weight()?,
            },
            Objective::SquaredError => Loss::Squared {
                scale_pos_weight: scale_pos_weight()?,
            },
            Objective::Gamma => Loss::Gamma {
                scale_pos_weight: scale_pos_weight()?,
            },
            Objective::Poisson => Loss::Poisson {
                max_delta_step: self.number("max_delta_step", 0.7)?,
            },
            Objective::Tweedie => Loss::Tweedie {
                variance_power: self.number("tweedie_variance_power", 1.5)?,
            },
            Objective::MultiSoftprob => {
                let class_count: u32 = self.model_number("num_class")?;
                // A prediction has so many numbers.
                if !(1..=65_535).contains(&class_count) {
                    return Err(invalid(format_args!("`num_class` is {class_count}")));
                }
                Loss::Softmax {
                    class_count: class_count as usize,
                }
            }
            Objective::RankNdcg => {
                let pairs = self.number("lambdarank_num_pair_per_sample", u32::MAX)?;
                let method = self.objective_param.get("lambdarank_pair_method");
                let pair_method = match method.map(String::as_str) {
                    Some("mean") => PairMethod::Mean,
                    _ => PairMethod::Topk,
                };
                Loss::Ndcg(Ranking {
                    pair_method,
                    // XGBoost's mark of "not set".
                    num_pair_per_sample: if pairs == u32::MAX {
                        pair_method.default_pairs()
                    } else {
                        pairs
                    },
                    normalization: is_on("lambdarank_normalization")?,
                    score_normalization: is_on("lambdarank_score_normalization")?,
                    exponential_gain: is_on("ndcg_exp_gain")?,
                })
            }
        })
    }

    /// The prediction before any tree, of each output.
    fn base_scores(&self, loss: &Loss) -> Result<Vec<f32>> {
        let is_several = |key: &str| {
            let count = self.model_param.get(key);
            count.is_some_and(|count| !matches!(count.as_str(), "0" | "1"))
        };
        let is_softmax = matches!(loss, Loss::Softmax { .. });
        if is_several("num_target") || (is_several("num_class") && !is_softmax) {
            return Err(unsupported(
                "a model of several targets; one of a single output is, or of several classes",
            ));
        }
        let text = self
            .model_param
            .get("base_score")
            .ok_or_else(|| invalid("it has no `base_score`"))?;
        // XGBoost 3.1 and later write a list.
        let inner = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let scores: Vec<f32> = inner
            .unwrap_or(text)
            .split(',')
            .map(|score| {
                let score = score
                    .trim()
                    .parse()
                    .ok()
                    .filter(|score: &f32| score.is_finite());
                score.ok_or_else(|| invalid(format_args!("`base_score` is `{text}`")))
            })
            .collect::<Result<_>>()?;
        match scores[..] {
            [one] => Ok(vec![one; loss.output_count()]),
            _ if scores.len() == loss.output_count() => Ok(scores),
            _ => Err(invalid(format_args!(
                "`base_score` is `{text}`, of {} outputs",
                loss.output_count()
            ))),
        }
    }

    fn model_number<T: FromStr>(&self, name: &str) -> Result<T> {
        let text = self.model_param.get(name);
        parse(
            name,
            text.ok_or_else(|| invalid(format_args!("it has no `{name}`")))?,
        )
    }

    /// A parameter of the objective.
    fn number<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        self.objective_param
            .get(name)
            .map_or(Ok(default), |text| parse(name, text))
    }
}

fn strings(source: &mut impl Source) -> Result<BTreeMap<String, String>> {
    let mut strings = BTreeMap::new();
    source.object(|source, key| {
        strings.insert(key.to_owned(), source.string()?);
        Ok(())
    })?;
    Ok(strings)
}

fn list(source: &mut impl Source) -> Result<Vec<String>> {
    let mut list = Vec::new();
    source.array(|source| {
        list.push(source.string()?);
        Ok(())
    })?;
    Ok(list)
}

fn parse<T: FromStr>(name: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| invalid(format_args!("`{name}` is `{text}`")))
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::data(format!("the model is not an XGBoost model: {what}"))
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::data(format!("not supported: {what}"))
}
