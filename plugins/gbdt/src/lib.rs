//! Gradient-boosted decision trees, bit for bit as XGBoost's `hist` method grows them.
//!
//! The reduction learns a model, and its state *is* XGBoost's model file: it loads in XGBoost 1.7 and
//! later, in SHAP and in SageMaker's image, and gives the same float32 margins there. The map predicts
//! with such a file, JSON or binary, whoever trained it. What every parameter means is said in
//! [`Params`].
//!
//! # Where it is XGBoost to the bit, and where it is not
//!
//! - **Predictions**: margins and predictions have the bits of XGBoost's, with missing values and
//!   categories, for every objective here, both ways.
//! - **Trees**: where every feature has at most `max_bin` distinct values and nothing is sampled, every
//!   array of the model file is that of XGBoost 3.4. Earlier versions round gains in other places: they store
//!   other bits of them, and of two splits whose gains are the same but for rounding may make the other one.
//!   Beside such a version the tests hold every tree before that choice to be equal, and the two gains to be
//!   within four units in the last place of what they are the difference of. Two definitions changed with 3.4
//!   as well: before, whatever had less than `min_child_weight` got the value 0 (the root, and each category
//!   where categories are put in order), and a gain under `max_delta_step` counted `alpha` in another way.
//! - **Cuts**: with more distinct values, the cuts between them are exact (weighted) quantiles; XGBoost's
//!   are approximate, and differ between its versions. On flights and on scikit-learn's real data sets, AUC
//!   and RMSE (as a share of the labels' standard deviation, in the mean over five cuts into training and
//!   test rows) are within 0.003 of XGBoost's.
//! - **Sampling**: rows and features are drawn by a generator that counts (SplitMix64's finalizer over
//!   the seed, the tree and the row, level or node), so that a draw depends on nothing drawn before.
//!   XGBoost takes them from one sequence: the shares are the same, the rows and features others.
//! - **Contributions**: TreeSHAP in float64 where XGBoost computes in float32; they agree to 1e-4 of the
//!   largest margin.
//! - **Categories**: whole numbers from 0 to 65534, named with `categorical`. One that was never seen
//!   goes left, as in XGBoost; what is no category at all is an error, where XGBoost sends it left.
//!   Texts are numbered before, see below.
//! - **Infinities** among the features are numbers, the smallest and the largest, which XGBoost refuses to
//!   learn from; it reads the models.
//! - **Groups** of `rank:ndcg` need not follow each other. With `lambdarank_pair_method = "mean"` pairs are
//!   drawn, as rows are with `subsample`: from the seed, and others than XGBoost's.
//!
//! # Categories that are texts
//!
//! A model knows categories by their number. `tabular` learns the numbers, and the two go into a package
//! together:
//!
//! ```toml
//! [stage.features]
//! use = "tabular"
//! fit = "flights.train"
//! params.steps = [{ op = "ordinal", columns = ["carrier", "origin"], unknown = "null" }]
//!
//! [stage.model]
//! use = "gbdt"
//! fit = "flights.train | features"
//! params = { features = ["carrier", "origin", "distance"], categorical = ["carrier", "origin"] }
//! ```
//!
//! A text that was never seen is a missing value then, and goes where missing values go. A model that
//! XGBoost 3.1 or later trained on a data frame keeps the frame's texts: their order in the file (the
//! `categories` of the frame's column) is what to give as `categories` of the `ordinal` step.
//!
//! # Files of versions
//!
//! Up to XGBoost 3.4 is read; a later version is refused, since what its keys mean is not known. The
//! file is written in the form that 1.7 reads. XGBoost 3.1 gave each class of `multi:softprob` a
//! `base_score` of its own, which older versions cannot read: such a file says version 3.1, and
//! [`Model::portable`] gives one for the older ones, with the same predictions.
//!
//! A model that was trained elsewhere stands in a pipeline as `state = "model.ubj"` instead of `fit`;
//! objective and classes are those of the file, and parameters that say otherwise are refused. The model
//! that was trained here is written by `trueline package state PACKAGE model.json`, in the form that
//! [`Params::model_format`] says.
//!
//! # From rows to predictions
//!
//! [`Rows`] collects the rows as float32; each feature is cut into bins; [`train`] grows trees round by
//! round on the gradients of the [`Loss`], watching [`Metric`]s on the validation rows. [`Model::read`]
//! parses and checks a file, [`Forest`] lays its trees out flat and adds up leaves, in float32 and in
//! tree order; [`Explainer`] tells what each feature adds. None of this knows the stage contract;
//! [`Gbdt`] joins the two. The report of a training holds the rounds, the importances of XGBoost's
//! `get_score` (`weight`, `gain`, `cover`, `total_gain`, `total_cover`) and the curve of every metric.
//!
//! ```
//! use gbdt::{Forest, Format, Model, Objective, Params, Rows, train};
//!
//! // One feature, missing in the last row; the label is whether it is above 2.
//! let features = [1.0, 2.0, 3.0, 4.0, f32::NAN];
//! let mut rows = Rows::new(1);
//! rows.extend(&features, &[0.0, 0.0, 1.0, 1.0, 1.0], None, None)?;
//! let params = Params { num_boost_round: 10, min_child_weight: 0.1, ..Params::default() };
//! let trained = train(&params.check(Objective::BinaryLogistic)?, rows, None, &mut |_, _| true)?;
//!
//! let model = Model::read(&trained.model.write(Format::Ubj))?;
//! let mut outputs = model.start().repeat(5);
//! Forest::new(&model.trees, 1).add_margins(&features, 1, &mut outputs);
//! model.loss.predict(&mut outputs);
//! let is_above: Vec<bool> = outputs.iter().map(|&probability| probability > 0.5).collect();
//! assert_eq!(is_above, [false, false, true, true, true]);
//! # Ok::<(), trueline_sdk::Error>(())
//! ```

mod bins;
mod columns;
mod constraints;
mod contributions;
mod cuts;
mod forest;
mod grow;
mod histogram;
mod importance;
mod loss;
mod metric;
mod model;
mod num;
mod objective;
mod params;
mod rows;
mod sample;
mod split;
mod stage;
mod train;
mod tree;

pub use constraints::Constraints;
pub use contributions::Explainer;
pub use forest::Forest;
pub use importance::Importance;
pub use loss::{Loss, PairMethod, Ranking};
pub use metric::Metric;
pub use model::{Format, Model};
pub use objective::Objective;
pub use params::{BoostParams, GrowPolicy, Params, TreeParams};
pub use rows::Rows;
pub use sample::Sampling;
pub use stage::{Gbdt, Predictor, Training};
pub use train::{Curve, Measured, Trained, train};
pub use tree::{Condition, Node, NodeKind, Tree};

trueline_sdk::export_model!(Gbdt);
