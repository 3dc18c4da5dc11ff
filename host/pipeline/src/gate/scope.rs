//! What conditions call the stages whose metrics they mention.

use std::collections::BTreeMap;

use trueline_dataset::ExpressionError;
use trueline_dataset::suggest::list_some;

use crate::fan_out::{member_name, split_member};

/// Stages by what a condition calls them: by their names, or within a member by the name of the section.
///
/// CEL has no names with brackets, so `score[1]` is read as `score_1_`, which is as long: places stay right.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope<'a> {
    /// What is written, and the stage, by identifier.
    stages: BTreeMap<String, (&'a str, &'a str)>,
}

impl<'a> Scope<'a> {
    /// Adds a stage. What stands for a member of one's own hides the stage of that name.
    pub(crate) fn add(&mut self, written: &'a str, stage: &'a str) {
        let named = self
            .stages
            .entry(as_identifier(written))
            .or_insert((written, stage));
        if stage != written {
            *named = (written, stage);
        }
    }

    /// The stage that an identifier of an expression means.
    pub(super) fn stage(&self, identifier: &str) -> Option<&'a str> {
        self.stages.get(identifier).map(|(_, stage)| *stage)
    }

    /// Whether a name can be written.
    pub(super) fn has(&self, name: &str) -> bool {
        self.stages.contains_key(&as_identifier(name))
    }

    /// What can be written.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.stages.values().map(|(written, _)| *written)
    }

    /// The name behind an identifier, for messages.
    pub(super) fn written(&self, identifier: &str, text: &str) -> String {
        let brackets = members_in(text).into_iter().map(|place| &text[place]);
        let mut found = brackets.filter(|name| as_identifier(name) == identifier);
        found.next().unwrap_or(identifier).to_owned()
    }

    /// The conditions that one with `[*]` stands for: one for each member, all of which must hold.
    ///
    /// # Errors
    /// If there is no member, or if several sections have different numbers of them.
    pub(super) fn expand(&self, text: &str) -> Result<Vec<String>, ExpressionError> {
        let mut count: Option<usize> = None;
        for place in members_in(text) {
            let Some((section, "*")) = split_member(&text[place.clone()]) else {
                continue;
            };
            let error = |problem: String, hint: String| ExpressionError {
                text: text.to_owned(),
                position: text[..place.start].chars().count(),
                problem,
                hint: Some(hint),
            };
            let is_there = |index: &usize| self.has(&member_name(section, *index));
            let members = (0..).take_while(is_there).count();
            if members == 0 {
                let sections = self
                    .names()
                    .filter_map(|name| split_member(name).filter(|(_, which)| *which == "0"));
                let sections = list_some(sections.map(|(section, _)| section));
                let problem = format!("`{section}` does not stand for several stages");
                return Err(error(problem, format!("those that do are {sections}")));
            }
            if count.is_some_and(|count| count != members) {
                let problem =
                    format!("`{section}` has {members} members, and another stage here has not");
                return Err(error(
                    problem,
                    "write a condition for each of them".to_owned(),
                ));
            }
            count = Some(members);
        }
        let Some(count) = count else {
            return Ok(vec![text.to_owned()]);
        };
        Ok((0..count)
            .map(|index| text.replace("[*]", &format!("[{index}]")))
            .collect())
    }
}

/// The text with identifiers in place of names with brackets.
pub(super) fn without_brackets(text: &str) -> String {
    let mut plain = text.to_owned();
    for place in members_in(text) {
        plain.replace_range(place.clone(), &as_identifier(&text[place]));
    }
    plain
}

fn as_identifier(name: &str) -> String {
    name.replace(['[', ']'], "_")
}

/// Where a text has names such as `score[1]` or `score[*]`, followed by a dot.
fn members_in(text: &str) -> Vec<std::ops::Range<usize>> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut places = Vec::new();
    for (open, _) in text.match_indices('[') {
        let before = &text[..open];
        let start = before
            .rfind(|character| !is_word(character))
            .map_or(0, |last| {
                last + before[last..].chars().next().map_or(1, char::len_utf8)
            });
        let Some(length) = text[open..].find("].") else {
            continue;
        };
        let which = &text[open + 1..open + length];
        let is_number = !which.is_empty() && which.bytes().all(|byte| byte.is_ascii_digit());
        if start < open && (is_number || which == "*") {
            places.push(start..open + length + 1);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_become_identifiers_of_the_same_length() {
        let check = |text: &str, expected: &str| assert_eq!(without_brackets(text), expected);
        check(
            "score[1].auc > 0.5 && has(score[12].x)",
            "score_1_.auc > 0.5 && has(score_12_.x)",
        );
        check(
            "row[\"a b\"] > 1 && [1].size() > 0",
            "row[\"a b\"] > 1 && [1].size() > 0",
        );
        check("ä[1].x", "ä[1].x");
    }

    #[test]
    fn all_members_are_one_condition_each() {
        let mut scope = Scope::default();
        for name in ["a[0]", "a[1]", "b[0]", "model"] {
            scope.add(name, name);
        }
        let check =
            |text: &str, expected: Result<&[&str], &str>| match (scope.expand(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(error), Err(said)) => assert!(error.problem.contains(said), "{error:?}"),
                (found, _) => panic!("{text}: {found:?}"),
            };
        check("a.x > 1", Ok(&["a.x > 1"]));
        check(
            "a[*].x > model.x",
            Ok(&["a[0].x > model.x", "a[1].x > model.x"]),
        );
        check("model[*].x > 1", Err("several stages"));
        check("a[*].x > b[*].x", Err("1 members"));
        assert_eq!(scope.stage("a_1_"), Some("a[1]"));
        assert_eq!(scope.written("c_3_", "c[3].x > 1"), "c[3]");
    }
}
