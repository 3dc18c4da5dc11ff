//! Finding the metrics that a condition mentions.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, SourceInfo};
use cel::parser::Parser;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_dataset::{Expression, ExpressionError};
use trueline_table::Schema;

use super::Scope;
use crate::declaration::{CHAMPION, PARAMS};
use crate::fan_out::member_name;

/// A metric that a condition mentions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mention {
    /// A stage, or `champion`.
    pub(super) owner: String,
    pub(super) metric: String,
    /// What the expression calls it.
    pub(super) column: String,
    /// Whether `has()` asks for it, so that it may be missing.
    pub(super) is_tested: bool,
}

/// The metrics that a condition mentions, in its order, each once. `plain` is its text as CEL; only the stages
/// of the scope have metrics.
///
/// # Errors
/// If the text is not CEL, or mentions what is no metric.
pub(super) fn find(
    text: &str,
    plain: &str,
    scope: &Scope<'_>,
) -> Result<Vec<Mention>, ExpressionError> {
    let Ok((tree, source)) = Parser::new().parse_with_source_info(plain) else {
        // The compiler has words for what is wrong with the syntax, whatever the columns are.
        return Expression::compile(plain, &Schema::default()).map(|_| Vec::new());
    };
    let mut search = Search {
        text,
        source,
        scope,
        mentions: Vec::new(),
    };
    search.visit(&tree)?;
    Ok(search.mentions)
}

impl Mention {
    /// For people.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.owner, self.metric)
    }
}

/// Collects the metrics that a condition mentions.
struct Search<'a> {
    text: &'a str,
    source: SourceInfo,
    scope: &'a Scope<'a>,
    mentions: Vec<Mention>,
}

impl Search<'_> {
    fn visit(&mut self, expr: &IdedExpr) -> Result<(), ExpressionError> {
        match &expr.expr {
            Expr::Select(select) => match dotted(&select.operand) {
                Some((owner, mut path, id)) => {
                    path.push(&select.field);
                    self.mention(id, owner, &path.join("."), select.test)
                }
                None => self.visit(&select.operand),
            },
            Expr::Ident(name) => Err(self.error(
                expr.id,
                self.unknown(name).unwrap_or_else(|| {
                    (
                        format!("`{name}` alone is no number"),
                        format!("name one of its metrics, such as `{name}.auc`"),
                    )
                }),
            )),
            Expr::Call(call) => call
                .target
                .as_deref()
                .into_iter()
                .chain(&call.args)
                .try_for_each(|part| self.visit(part)),
            Expr::List(list) => list
                .elements
                .iter()
                .try_for_each(|element| self.visit(element)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => self
                    .visit(&entry.key)
                    .and_then(|()| self.visit(&entry.value)),
                EntryExpr::StructField(field) => self.visit(&field.value),
            }),
            // What else there is has no metrics in it that could be worked with; the compiler says so.
            Expr::Literal(_) | Expr::Struct(_) | Expr::Comprehension(_) | Expr::Unspecified => {
                Ok(())
            }
        }
    }

    fn mention(
        &mut self,
        id: u64,
        owner: &str,
        metric: &str,
        is_tested: bool,
    ) -> Result<(), ExpressionError> {
        if let Some(unknown) = self.unknown(owner) {
            return Err(self.error(id, unknown));
        }
        let column = format!("{owner}.{metric}");
        match self
            .mentions
            .iter_mut()
            .find(|mention| mention.column == column)
        {
            Some(mention) => mention.is_tested |= is_tested,
            None => self.mentions.push(Mention {
                owner: self.scope.stage(owner).unwrap_or(owner).to_owned(),
                metric: metric.to_owned(),
                column,
                is_tested,
            }),
        }
        Ok(())
    }

    /// What is wrong with a name that is no stage's, and what to do.
    fn unknown(&self, owner: &str) -> Option<(String, String)> {
        if owner == CHAMPION || owner == PARAMS || self.scope.stage(owner).is_some() {
            return None;
        }
        let owner = self.scope.written(owner, self.text);
        let first = member_name(&owner, 0);
        if self.scope.has(&first) {
            return Some((
                format!("`{owner}` stands for several stages"),
                format!(
                    "name one of them, as in `{first}`, or all, `{owner}[*]`, of which each must meet it"
                ),
            ));
        }
        let names = || self.scope.names().chain([CHAMPION]);
        let hint = did_you_mean(&owner, names())
            .unwrap_or_else(|| format!("metrics are those of {}", list_some(names())));
        Some((
            format!("`{owner}` is no stage that measures anything"),
            hint,
        ))
    }

    fn error(&self, id: u64, (problem, hint): (String, String)) -> ExpressionError {
        let position = self
            .source
            .offset_for(id)
            .map_or(0, |(start, _)| start as usize);
        ExpressionError {
            text: self.text.to_owned(),
            position,
            problem,
            hint: Some(hint),
        }
    }
}

/// `a.b.c` as `a`, the names after it, and the id of `a`.
fn dotted(expr: &IdedExpr) -> Option<(&str, Vec<&str>, u64)> {
    match &expr.expr {
        Expr::Ident(name) => Some((name, Vec::new(), expr.id)),
        Expr::Select(select) if !select.test => {
            let (owner, mut path, id) = dotted(&select.operand)?;
            path.push(&select.field);
            Some((owner, path, id))
        }
        _ => None,
    }
}
