//! Gradient-boosted decision trees, bit for bit as XGBoost's `hist` method grows them.
//!
//! The reduction learns a model, and its state *is* XGBoost's model file: it loads in XGBoost 1.7 and
//! later, in SHAP and in SageMaker's image, and gives the same float32 margins there. The map predicts
//! with such a file, whoever trained it. Where every feature has at most `max_bin` distinct values the
//! trees are XGBoost's own; with more, the cuts between values are exact quantiles where XGBoost's are
//! approximate.
//!
//! Training: [`Rows`] collects the rows as float32; [`cuts`](cuts::find_cuts) turns each feature into
//! bins; [`train`] grows one tree per round on the gradients of the [`Objective`], watching [`Metric`]s
//! on the validation rows. Prediction: [`Model::read`] parses and checks the file, [`Forest`] lays its
//! trees out flat and adds up leaves, in float32 and in tree order.
//!
//! The numeric modules know nothing of the stage contract; [`stage`] joins the two.

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
