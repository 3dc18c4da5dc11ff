//! Where a thing comes from, and where it went, as two trees.

use std::collections::BTreeSet;

use trueline_engine::{Lineage, Node, NodeKind};

use super::section;
use crate::style::{Style, Tone};

/// The thing, what it came from, and what it went into.
pub(crate) fn lineage(lineage: &Lineage, style: Style) -> String {
    let Some(subject) = lineage.node(&lineage.subject) else {
        return String::new();
    };
    let mut text = line(subject, style) + "\n";
    for (title, forward) in [("comes from", false), ("went into", true)] {
        let mut tree = Tree {
            lineage,
            style,
            forward,
            shown: BTreeSet::new(),
            text: String::new(),
        };
        tree.branches(&subject.id, "  ");
        text += &section(title, &tree.text, style);
    }
    text
}

struct Tree<'a> {
    lineage: &'a Lineage,
    style: Style,
    forward: bool,
    /// What has its branches somewhere above.
    shown: BTreeSet<&'a str>,
    text: String,
}

impl<'a> Tree<'a> {
    fn branches(&mut self, id: &'a str, indent: &str) {
        let mut nodes: Vec<&Node> = self.lineage.neighbours(id, self.forward).collect();
        nodes.sort_by_key(|node| (node.kind, &node.label, &node.id));
        let last = nodes.len().saturating_sub(1);
        for (index, node) in nodes.into_iter().enumerate() {
            let (branch, below) = match (self.style.unicode, index == last) {
                (true, true) => ("└─ ", "   "),
                (true, false) => ("├─ ", "│  "),
                (false, true) => ("`- ", "   "),
                (false, false) => ("|- ", "|  "),
            };
            let is_new = self.shown.insert(&node.id);
            self.text += &format!(
                "{indent}{}{}",
                self.style.dim(branch),
                line(node, self.style)
            );
            let has_more = self
                .lineage
                .neighbours(&node.id, self.forward)
                .next()
                .is_some();
            if !is_new && has_more {
                self.text += &self.style.dim("  (as above)");
            }
            self.text.push('\n');
            if is_new {
                let below = format!("{indent}{}", self.style.dim(below));
                self.branches(&node.id, &below);
            }
        }
    }
}

fn line(node: &Node, style: Style) -> String {
    let kind = match node.kind {
        NodeKind::File => "file",
        NodeKind::FeatureView => "features",
        NodeKind::FeatureService => "service",
        NodeKind::Dataset => "dataset",
        NodeKind::Component => "component",
        NodeKind::PipelineFile => "",
        NodeKind::Revision => "git",
        NodeKind::Stage => "stage",
        NodeKind::Output => "",
        NodeKind::Package => "package",
        NodeKind::Alias => "alias",
    };
    let mut text = String::new();
    for word in [kind, &style.paint(Tone::Bold, &node.label)] {
        if !word.is_empty() {
            text += word;
            text.push(' ');
        }
    }
    let rest = match (&node.digest, &node.run) {
        (Some(digest), _) => digest.short(),
        (None, Some(run)) => run.to_string(),
        (None, None) => String::new(),
    };
    (text + &style.dim(&rest)).trim_end().to_owned()
}
