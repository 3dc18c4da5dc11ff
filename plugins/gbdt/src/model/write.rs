//! Writing the model file, keys in XGBoost's order.

use super::{Format, Model, sink::Sink};
use crate::{
    NodeKind, Tree,
    loss::{Loss, PairMethod, Ranking},
    tree::Condition,
};

/// XGBoost's mark of a node without parent.
const NO_PARENT: i32 = i32::MAX;
/// XGBoost's mark of a child that is not there.
const NO_CHILD: i32 = -1;
/// What stands for the threshold of a split that has none: the smallest float32 above 0.
const NO_THRESHOLD: f32 = f32::from_bits(1);

/// The version whose format this is: the oldest that knows every key written here. Later ones read it.
const VERSION: [u8; 3] = [1, 7, 6];
/// The oldest that knows a `base_score` for each output.
const VERSION_OF_LISTS: [u8; 3] = [3, 1, 0];

impl Model {
    /// The bytes of the model file. The same model has the same bytes.
    ///
    /// A `base_score` that all outputs share is one number, not the list that XGBoost 3.1 and later
    /// write: those read both, but earlier versions take the list for 0.5 and predict something else
    /// without a word. For outputs of several see [`portable`](Self::portable).
    pub fn write(&self, format: Format) -> Vec<u8> {
        let mut sink = Sink::new(format);
        sink.object(|sink| {
            sink.key("learner").object(|sink| self.learner(sink));
            let version = if self.base_score().starts_with('[') {
                VERSION_OF_LISTS
            } else {
                VERSION
            };
            sink.key("version")
                .list(version.into_iter(), |sink, part| sink.integer(part.into()));
        });
        sink.finish()
    }

    fn learner(&self, sink: &mut Sink) {
        let attributes = self.attributes.iter();
        sink.key("attributes")
            .strings(attributes.map(|(name, value)| (name.as_str(), value.clone())));
        for (key, words) in [
            ("feature_names", &self.feature_names),
            ("feature_types", &self.feature_types),
        ] {
            sink.key(key)
                .list(words.iter(), |sink, word| sink.string(word));
        }
        sink.key("gradient_booster").object(|sink| {
            sink.key("model").object(|sink| self.booster(sink));
            sink.key("name").string("gbtree");
        });
        let class_count = match self.loss {
            Loss::Softmax { class_count } => class_count,
            _ => 0,
        };
        sink.key("learner_model_param").strings([
            ("base_score", self.base_score()),
            ("boost_from_average", "1".into()),
            ("num_class", class_count.to_string()),
            ("num_feature", self.feature_count.to_string()),
            ("num_target", "1".into()),
        ]);
        sink.key("objective").object(|sink| {
            if let Loss::Ndcg(ranking) = &self.loss {
                // What 1.7 asks for before it loads a ranking; it predicts nothing else with it.
                sink.key("lambda_rank_param").strings([
                    ("fix_list_weight", "0".into()),
                    ("num_pairsample", "1".into()),
                ]);
                sink.key("lambdarank_param").strings(lambdarank(ranking));
            }
            sink.key("name").string(self.loss.objective().name());
            let number = match self.loss {
                Loss::Logistic { scale_pos_weight }
                | Loss::Squared { scale_pos_weight }
                | Loss::Gamma { scale_pos_weight } => (
                    "reg_loss_param",
                    "scale_pos_weight",
                    nine_digits(scale_pos_weight),
                ),
                Loss::Poisson { max_delta_step } => (
                    "poisson_regression_param",
                    "max_delta_step",
                    nine_digits(max_delta_step),
                ),
                Loss::Tweedie { variance_power } => (
                    "tweedie_regression_param",
                    "tweedie_variance_power",
                    nine_digits(variance_power),
                ),
                Loss::Softmax { class_count } => (
                    "softmax_multiclass_param",
                    "num_class",
                    class_count.to_string(),
                ),
                Loss::Ndcg(_) => return,
            };
            sink.key(number.0).strings([(number.1, number.2)]);
        });
    }

    fn base_score(&self) -> String {
        let first = self.base_scores.first().copied().unwrap_or_default();
        let is_first = |score: &f32| score.total_cmp(&first).is_eq();
        if self.base_scores.iter().all(is_first) {
            return format!("{first:E}");
        }
        let scores: Vec<String> = self
            .base_scores
            .iter()
            .map(|score| format!("{score:E}"))
            .collect();
        format!("[{}]", scores.join(","))
    }

    fn booster(&self, sink: &mut Sink) {
        sink.key("gbtree_model_param").strings([
            ("num_parallel_tree", self.parallel_trees.to_string()),
            ("num_trees", self.trees.len().to_string()),
        ]);
        let a_round = self.base_scores.len() * self.parallel_trees;
        let rounds = self.round_count();
        sink.key("iteration_indptr")
            .list(0..rounds + 1, |sink, round| {
                sink.integer((round * a_round).min(self.trees.len()) as i64);
            });
        sink.key("tree_info").list(self.trees.iter(), |sink, tree| {
            sink.integer(tree.output.into());
        });
        sink.key("trees")
            .list(self.trees.iter().enumerate(), |sink, (id, tree)| {
                sink.object(|sink| self.tree(sink, id, tree));
            });
    }

    fn tree(&self, sink: &mut Sink, id: usize, tree: &Tree) {
        let nodes = &tree.nodes;
        let splits = || {
            nodes.iter().map(|node| match &node.kind {
                NodeKind::Leaf { .. } => None,
                NodeKind::Split {
                    feature,
                    condition,
                    default_left,
                    left,
                    right,
                    loss_change,
                } => Some((feature, condition, default_left, [left, right], loss_change)),
            })
        };
        let child = |index: &u32| i32::try_from(*index).unwrap_or(NO_CHILD);
        sink.key("base_weights")
            .floats(nodes.iter().map(|node| node.base_weight));
        self.categories(sink, tree);
        sink.key("default_left")
            .bytes(splits().map(|split| split.map_or(0, |split| u8::from(*split.2))));
        sink.key("id").integer(id as i64);
        sink.key("left_children")
            .words(splits().map(|split| split.map_or(NO_CHILD, |split| child(split.3[0]))));
        sink.key("loss_changes")
            .floats(splits().map(|split| split.map_or(0.0, |split| *split.4)));
        sink.key("parents").words(nodes.iter().map(|node| {
            node.parent
                .and_then(|parent| i32::try_from(parent).ok())
                .unwrap_or(NO_PARENT)
        }));
        sink.key("right_children")
            .words(splits().map(|split| split.map_or(NO_CHILD, |split| child(split.3[1]))));
        sink.key("split_conditions")
            .floats(nodes.iter().map(|node| match &node.kind {
                NodeKind::Leaf { value } => *value,
                NodeKind::Split { condition, .. } => match condition {
                    Condition::Below(threshold) => *threshold,
                    Condition::NotAmong(_) => NO_THRESHOLD,
                },
            }));
        sink.key("split_indices").words(
            splits().map(|split| split.map_or(0, |split| i32::try_from(*split.0).unwrap_or(0))),
        );
        sink.key("split_type").bytes(splits().map(|split| {
            split.map_or(0, |split| {
                u8::from(matches!(split.1, Condition::NotAmong(_)))
            })
        }));
        sink.key("sum_hessian")
            .floats(nodes.iter().map(|node| node.sum_hessian));
        sink.key("tree_param").strings([
            ("num_deleted", "0".into()),
            ("num_feature", self.feature_count.to_string()),
            ("num_nodes", nodes.len().to_string()),
            ("size_leaf_vector", "1".into()),
        ]);
    }

    /// The categories that go right, of all nodes one after another, and where each node's are.
    fn categories(&self, sink: &mut Sink, tree: &Tree) {
        let (mut categories, mut places, mut sizes, mut of_nodes) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (node, at) in tree.nodes.iter().zip(0..) {
            if let NodeKind::Split {
                condition: Condition::NotAmong(right),
                ..
            } = &node.kind
            {
                of_nodes.push(at);
                places.push(categories.len() as i64);
                sizes.push(right.len() as i64);
                categories.extend(right.iter().map(|&one| i32::try_from(one).unwrap_or(0)));
            }
        }
        sink.key("categories").words(categories.into_iter());
        sink.key("categories_nodes").words(of_nodes.into_iter());
        sink.key("categories_segments").longs(places.into_iter());
        sink.key("categories_sizes").longs(sizes.into_iter());
    }
}

fn lambdarank(ranking: &Ranking) -> [(&'static str, String); 7] {
    let bit = |is_on: bool| u8::from(is_on).to_string();
    // XGBoost's mark of "not set".
    let pairs = match ranking.num_pair_per_sample {
        pairs if pairs == ranking.pair_method.default_pairs() => u32::MAX,
        pairs => pairs,
    };
    let method = match ranking.pair_method {
        PairMethod::Topk => "topk",
        PairMethod::Mean => "mean",
    };
    [
        ("lambdarank_bias_norm", "1".into()),
        ("lambdarank_normalization", bit(ranking.normalization)),
        ("lambdarank_num_pair_per_sample", pairs.to_string()),
        ("lambdarank_pair_method", method.into()),
        (
            "lambdarank_score_normalization",
            bit(ranking.score_normalization),
        ),
        ("lambdarank_unbiased", "0".into()),
        ("ndcg_exp_gain", bit(ranking.exponential_gain)),
    ]
}

/// A parameter as XGBoost prints it: nine significant digits, no zeros at the end.
fn nine_digits(value: f32) -> String {
    let digits = format!("{value:.8e}");
    let exponent = digits
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    let Some(exponent @ -4..9) = exponent else {
        return value.to_string();
    };
    let decimals = usize::try_from(8 - exponent).unwrap_or(0);
    let fixed = format!("{value:.decimals$}");
    if fixed.contains('.') {
        fixed.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        fixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_nine_digits() {
        for (value, expected) in [
            (1.0, "1"),
            (0.7, "0.699999988"),
            (1.3, "1.29999995"),
            (100.0, "100"),
            (0.0, "0"),
            (123_456.79, "123456.789"),
        ] {
            assert_eq!(nine_digits(value), expected);
        }
    }
}
