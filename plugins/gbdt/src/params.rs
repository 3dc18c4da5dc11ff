//! Parameters under XGBoost's names, with its defaults.

mod check;

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};

use crate::{
    Format, Metric, Objective,
    constraints::Constraints,
    loss::{PairMethod, Ranking},
    sample::Sampling,
};

/// The parameters as a pipeline gives them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// What to learn: `reg:squarederror`, `binary:logistic`, `multi:softprob`, `count:poisson`,
    /// `reg:gamma`, `reg:tweedie` or `rank:ndcg`; by default `binary:logistic` for a boolean label
    /// and `reg:squarederror` for any other.
    pub objective: Option<Objective>,
    /// How many rounds, at most: each grows one tree, or one for each class.
    #[serde(alias = "n_estimators")]
    pub num_boost_round: u32,
    /// What each tree's leaves are multiplied by.
    #[serde(alias = "learning_rate")]
    pub eta: f32,
    /// Levels of splits in a tree; 0 for no limit.
    pub max_depth: u32,
    /// Leaves of a tree; 0 for no limit.
    pub max_leaves: u32,
    /// Which leaf is split next: `depthwise` the one nearest to the root, `lossguide` the one that
    /// the loss falls most by.
    pub grow_policy: GrowPolicy,
    /// L2 regularization of leaves.
    #[serde(alias = "reg_lambda")]
    pub lambda: f32,
    /// L1 regularization of leaves.
    #[serde(alias = "reg_alpha")]
    pub alpha: f32,
    /// How much a split must at least lower the loss.
    #[serde(alias = "min_split_loss")]
    pub gamma: f32,
    /// The least sum of second derivatives in a child.
    pub min_child_weight: f32,
    /// The largest value of a leaf before `eta`; 0 for no limit. By default 0.7 for `count:poisson`
    /// and 0 for all others.
    pub max_delta_step: Option<f32>,
    /// Into how many bins a feature's values are cut.
    pub max_bin: u32,
    /// The share of rows that each tree is grown on, drawn for each tree.
    pub subsample: f32,
    /// The share of features that each tree may split on.
    pub colsample_bytree: f32,
    /// The share of the tree's features that each level may split on.
    pub colsample_bylevel: f32,
    /// The share of the level's features that each node may split on.
    pub colsample_bynode: f32,
    /// What is drawn follows from this. By default the pipeline's seed. Other rows and features come
    /// out than XGBoost draws from the same seed.
    pub seed: u64,
    /// Features by name with 1, where predictions may only rise with the feature, or -1, where they
    /// may only fall.
    pub monotone_constraints: BTreeMap<String, i8>,
    /// Lists of features by name: only features that one list has together may stand on one path of
    /// a tree. A feature of no list stands alone.
    pub interaction_constraints: Vec<Vec<String>>,
    /// Features by name, or the vector columns that hold them, whose values are categories: whole
    /// numbers from 0 to 65534.
    pub categorical: Vec<String>,
    /// With fewer categories than this a split sends one of them right; with more, the categories
    /// are parted in two sets.
    pub max_cat_to_onehot: u32,
    /// A split into sets sends fewer categories than this to one side.
    pub max_cat_threshold: u32,
    /// How many classes `multi:softprob` has; by default the largest label and 1.
    pub num_class: Option<u32>,
    /// What the weight of rows with label 1 is multiplied by; for `binary:logistic`,
    /// `reg:squarederror` and `reg:gamma`.
    pub scale_pos_weight: f32,
    /// For `reg:tweedie`, from 1 on and below 2: near 1 the labels spread as counts do, near 2 as
    /// positive amounts do.
    pub tweedie_variance_power: f32,
    /// For `rank:ndcg`: which pairs of a group are learned from. `topk`: one of the rows with the highest
    /// scores, and any row after it; `mean`: each row, and rows of other relevance that are drawn for it.
    pub lambdarank_pair_method: PairMethod,
    /// For `rank:ndcg`: with `topk`, how many rows of a group count as the highest, by default 32; with
    /// `mean`, how many are drawn for each row, by default 1.
    pub lambdarank_num_pair_per_sample: Option<u32>,
    /// For `rank:ndcg`: whether the derivatives of a group are divided by what they add up to; with `mean`,
    /// by how many are drawn for each row.
    pub lambdarank_normalization: bool,
    /// For `rank:ndcg`: whether a pair counts less the further apart its scores are.
    pub lambdarank_score_normalization: bool,
    /// For `rank:ndcg`: whether relevance r is worth 2^r - 1, or r itself.
    pub ndcg_exp_gain: bool,
    /// The prediction to start from; by default what the labels suggest.
    pub base_score: Option<f32>,
    /// Stop when the last metric has not improved on the validation rows for so many rounds, and
    /// keep the trees up to its best.
    pub early_stopping_rounds: Option<u32>,
    /// What to watch: one name or several; by default the objective's own.
    #[serde(deserialize_with = "one_or_many")]
    pub eval_metric: Vec<Metric>,
    /// The columns to learn from: numbers, booleans or vectors.
    pub features: Vec<String>,
    /// The column to learn; by default the one with the role `label`.
    pub label: Option<String>,
    /// The column of row weights; by default the one with the role `weight`, if there is one.
    pub weight: Option<String>,
    /// The column that says which rows `rank:ndcg` puts in order together; by default the one with
    /// the role `group`.
    pub group: Option<String>,
    /// How the model file is written: `json`, or `ubj`, XGBoost's binary form, a third of the size.
    pub model_format: Format,
    /// Whether XGBoost 1.7 to 3.0 shall read the model file as well, which concerns `multi:softprob`:
    /// what each class starts from is then a first round of trees that are but a leaf.
    pub portable: bool,
    /// What the column of predictions is called. It is a vector for `multi:softprob`.
    pub into: String,
    /// If given, a second column of this name gets the margins: what predictions are before the
    /// logistic function, the exponential or the softmax.
    pub margin_into: Option<String>,
    /// If given, a further column of this name gets how much each feature adds to the margin
    /// (TreeSHAP): a vector of one number per feature and a last one, `bias`; for several classes one
    /// such after another. They add up to the margin.
    pub contributions_into: Option<String>,
}

/// Which leaf is split next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrowPolicy {
    /// The one nearest to the root.
    Depthwise,
    /// The one that the loss falls most by.
    Lossguide,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            objective: None,
            num_boost_round: 100,
            eta: 0.3,
            max_depth: 6,
            max_leaves: 0,
            grow_policy: GrowPolicy::Depthwise,
            lambda: 1.0,
            alpha: 0.0,
            gamma: 0.0,
            min_child_weight: 1.0,
            max_delta_step: None,
            max_bin: 256,
            subsample: 1.0,
            colsample_bytree: 1.0,
            colsample_bylevel: 1.0,
            colsample_bynode: 1.0,
            seed: 0,
            monotone_constraints: BTreeMap::new(),
            interaction_constraints: Vec::new(),
            categorical: Vec::new(),
            max_cat_to_onehot: 4,
            max_cat_threshold: 64,
            num_class: None,
            scale_pos_weight: 1.0,
            tweedie_variance_power: 1.5,
            lambdarank_pair_method: PairMethod::Topk,
            lambdarank_num_pair_per_sample: None,
            lambdarank_normalization: true,
            lambdarank_score_normalization: true,
            ndcg_exp_gain: true,
            base_score: None,
            early_stopping_rounds: None,
            eval_metric: Vec::new(),
            features: vec!["features".into()],
            label: None,
            weight: None,
            group: None,
            model_format: Format::Json,
            portable: false,
            into: "prediction".into(),
            margin_into: None,
            contributions_into: None,
        }
    }
}

/// What training needs, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostParams {
    pub objective: Objective,
    /// At least 2.
    pub class_count: Option<usize>,
    pub rounds: u32,
    pub tree: TreeParams,
    pub sampling: Sampling,
    pub max_bin: usize,
    pub scale_pos_weight: f32,
    pub tweedie_variance_power: f32,
    pub ranking: Ranking,
    pub base_score: Option<f32>,
    pub early_stopping_rounds: Option<u32>,
    /// At least one.
    pub metrics: Vec<Metric>,
    /// What the column of labels is called in an error.
    pub label: String,
    /// Whether each feature holds categories; empty if none does.
    pub categorical: Vec<bool>,
}

/// What growing a tree needs, checked. The names are XGBoost's.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeParams {
    pub eta: f32,
    /// At least 1; `None` for no limit.
    pub max_depth: Option<u32>,
    /// At least 1; `None` for no limit.
    pub max_leaves: Option<u32>,
    pub grow_policy: GrowPolicy,
    pub lambda: f32,
    pub alpha: f32,
    pub gamma: f32,
    pub min_child_weight: f32,
    pub max_delta_step: f32,
    pub max_cat_to_onehot: u32,
    pub max_cat_threshold: u32,
    pub constraints: Constraints,
}

/// Reads one metric or a list of them.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Metric>, D::Error> {
    struct OneOrMany;

    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<Metric>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the name of a metric or a list of them")
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
            Metric::deserialize(serde::de::value::StrDeserializer::new(name))
                .map(|metric| vec![metric])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
            let mut metrics = Vec::new();
            while let Some(metric) = names.next_element()? {
                metrics.push(metric);
            }
            Ok(metrics)
        }
    }

    deserializer.deserialize_any(OneOrMany)
}
