//! Lineage as a picture, drawn by Graphviz.

use std::fmt::Write as _;

use super::{Lineage, NodeKind};

impl Lineage {
    /// The graph in the language of Graphviz.
    pub fn to_dot(&self) -> String {
        let mut text = String::from(
            "digraph lineage {\n  rankdir = LR;\n  node [fontname = \"sans-serif\"];\n",
        );
        for node in &self.nodes {
            let shape = match node.kind {
                NodeKind::Stage => "box",
                NodeKind::File | NodeKind::PipelineFile | NodeKind::Revision => "note",
                NodeKind::Dataset => "cylinder",
                NodeKind::FeatureView | NodeKind::FeatureService => "tab",
                NodeKind::Component => "component",
                NodeKind::Output => "ellipse",
                NodeKind::Package => "box3d",
                NodeKind::Alias => "cds",
            };
            let digest = node.digest.map(|digest| format!("\n{}", digest.short()));
            let label = format!("{}{}", node.label, digest.unwrap_or_default());
            let bold = if node.id == self.subject {
                ", penwidth = 3"
            } else {
                ""
            };
            let (id, label) = (quoted(&node.id), quoted(&label));
            let _ = writeln!(text, "  {id} [label = {label}, shape = {shape}{bold}];");
        }
        for edge in &self.edges {
            let _ = writeln!(text, "  {} -> {};", quoted(&edge.from), quoted(&edge.to));
        }
        text + "}\n"
    }
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_quotes_stay_one_text() {
        assert_eq!(quoted("a \"b\"\\\nc"), r#""a \"b\"\\\nc""#);
    }
}
