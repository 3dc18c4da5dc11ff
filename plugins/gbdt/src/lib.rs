//! Gradient-boosted decision trees, bit for bit as XGBoost's `hist` method grows them.
//!
//! The reduction learns a model, and its state *is* XGBoost's model file: it loads in XGBoost 1.7 and
//! later, in SHAP and in SageMaker's image, and gives the same float32 margins there. The map predicts
//! with such a file, whoever trained it. Where every feature has at most `max_bin` distinct values the
//! trees are XGBoost's own; with more, the cuts between values are exact quantiles where XGBoost's are
//! approximate.
//!
//! Training: [`Rows`] collects the rows as float32; each feature is cut into bins; [`train`] grows one
//! tree per round on the gradients of the [`Objective`], watching [`Metric`]s on the validation rows.
//! Prediction: [`Model::read`] parses and checks the file, [`Forest`] lays its trees out flat and adds
//! up leaves, in float32 and in tree order. None of this knows the stage contract; [`Gbdt`] joins the
//! two.
//!
//! ```
//! use gbdt::{Forest, Model, Objective, Params, Rows, train};
//!
//! // One feature, missing in the last row; the label is whether it is above 2.
//! let features = [1.0, 2.0, 3.0, 4.0, f32::NAN];
//! let mut rows = Rows::new(1, false);
//! rows.extend(&features, &[0.0, 0.0, 1.0, 1.0, 1.0], None)?;
//! let params = Params { num_boost_round: 10, min_child_weight: 0.1, ..Params::default() };
//! let trained = train(&params.check(Objective::BinaryLogistic)?, rows, None, &mut |_, _| true)?;
//!
//! let model = Model::read(&trained.model.write())?;
//! let mut margins = [model.objective.margin(model.base_score); 5];
//! Forest::new(&model.trees).add_margins(&features, 1, &mut margins);
//! let is_above: Vec<bool> = margins.map(|margin| model.objective.predict(margin) > 0.5).into();
//! assert_eq!(is_above, [false, false, true, true, true]);
//! # Ok::<(), trueline_sdk::Error>(())
//! ```

mod bins;
mod columns;
mod cuts;
mod forest;
mod grow;
mod histogram;
mod json;
mod metric;
mod model;
mod num;
mod objective;
mod params;
mod rows;
mod split;
mod stage;
mod train;
mod tree;

pub use forest::Forest;
pub use metric::Metric;
pub use model::Model;
pub use objective::Objective;
pub use params::{BoostParams, Params, TreeParams};
pub use rows::Rows;
pub use stage::Gbdt;
pub use train::{Trained, train};
pub use tree::{Node, NodeKind, Tree};

trueline_sdk::export_model!(Gbdt);
