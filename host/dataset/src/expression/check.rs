//! From CEL's syntax tree to a typed [`Node`].

mod calls;
mod operations;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators};
use cel::parser::Parser;
use trueline_table::Schema;

use super::node::{Constant, Node};
use super::{ExpressionError, Kind};
use crate::suggest::{did_you_mean, list_some};
use operations::{comparison, operator};

/// What an expression calls the whole row, for columns whose names are no identifiers.
const ROW: &str = "row";

/// The longest text of an expression, in bytes, and the deepest nesting of operators. They bound the
/// stack that parsing, checking and evaluating take.
const MAX_TEXT_BYTES: usize = 4096;
const MAX_DEPTH: usize = 200;

pub(super) fn check(text: &str, schema: &Schema) -> Result<(Node, Kind), ExpressionError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(ExpressionError {
            text: text.chars().take(40).chain("…".chars()).collect(),
            position: 0,
            problem: format!(
                "it has {} bytes, at most {MAX_TEXT_BYTES} are allowed",
                text.len()
            ),
            hint: Some("join a dataset instead of listing many values".to_owned()),
        });
    }
    let (tree, source) = Parser::new()
        .parse_with_source_info(text)
        .map_err(|errors| syntax_error(text, &errors))?;
    let checker = Checker { schema, source };
    if depth(&tree) > MAX_DEPTH {
        return Err(checker.error(&tree, "operators are nested too deeply", None));
    }
    let (node, kind) = checker.check(&tree)?;
    match kind {
        Kind::Null => Err(checker.error(&tree, "it is always null", None)),
        Kind::Opaque => {
            let hint = "such a column can only be compared with null";
            Err(checker.error(
                &tree,
                format!("a {kind} column is no value to work with"),
                Some(hint.to_owned()),
            ))
        }
        Kind::Duration => {
            let hint = "add it to a time, or compare it with another duration";
            let problem = "a duration is no value of a column";
            Err(checker.error(&tree, problem, Some(hint.to_owned())))
        }
        _ => Ok((node, kind)),
    }
}

struct Checker<'a> {
    schema: &'a Schema,
    source: SourceInfo,
}

type Checked = Result<(Node, Kind), ExpressionError>;

impl Checker<'_> {
    fn check(&self, expr: &IdedExpr) -> Checked {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.column(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(_) => Err(self.error(expr, "a list can only stand after `in`", None)),
            Expr::Map(_) | Expr::Struct(_) => {
                Err(self.error(expr, "maps and messages are not supported here", None))
            }
            Expr::Comprehension(_) => Err(self.error(
                expr,
                "`all`, `exists`, `map` and `filter` need a list, and no column is one",
                None,
            )),
            Expr::Unspecified => Err(self.error(expr, "the expression is empty", None)),
        }
    }

    fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Checked {
        Ok(match literal {
            LiteralValue::Boolean(value) => (
                Node::Constant(Constant::Boolean(*value.inner())),
                Kind::Boolean,
            ),
            LiteralValue::Int(value) => (Node::Constant(Constant::Int(*value.inner())), Kind::Int),
            LiteralValue::UInt(value) => {
                let value = i64::try_from(*value.inner())
                    .map_err(|_| self.error(expr, "this number does not fit an int64", None))?;
                (Node::Constant(Constant::Int(value)), Kind::Int)
            }
            LiteralValue::Double(value) => (
                Node::Constant(Constant::Double(*value.inner())),
                Kind::Double,
            ),
            LiteralValue::String(value) => (
                Node::Constant(Constant::Text(value.inner().to_owned())),
                Kind::Text,
            ),
            LiteralValue::Null => (Node::Constant(Constant::Null(Kind::Null)), Kind::Null),
            LiteralValue::Bytes(_) => {
                return Err(self.error(expr, "bytes are not supported here", None));
            }
        })
    }

    fn column(&self, expr: &IdedExpr, name: &str) -> Checked {
        let Some(field) = self.schema.field(name) else {
            let hint = did_you_mean(name, self.schema.names()).unwrap_or_else(|| {
                format!(
                    "the columns are {}; a text is written in quotes",
                    list_some(self.schema.names())
                )
            });
            return Err(self.error(expr, format!("there is no column `{name}`"), Some(hint)));
        };
        let kind = Kind::of(field.data_type);
        Ok((
            Node::Column {
                name: name.to_owned(),
                kind,
                nullable: field.nullable,
            },
            kind,
        ))
    }

    /// `row.x`, `has(row.x)`, or a column whose name has dots.
    fn select(&self, expr: &IdedExpr, select: &SelectExpr) -> Checked {
        let name = match &select.operand.expr {
            Expr::Ident(row) if row == ROW && self.schema.field(ROW).is_none() => {
                select.field.clone()
            }
            operand => match dotted(operand) {
                Some(prefix) => format!("{prefix}.{}", select.field),
                None => return Err(self.error(expr, "only a column can be named with dots", None)),
            },
        };
        let (column, kind) = self.column(&select.operand, &name)?;
        let present = || Node::Not(Box::new(Node::IsNull(Box::new(column.clone()))));
        Ok(if select.test {
            (present(), Kind::Boolean)
        } else {
            (column, kind)
        })
    }

    fn call(&self, expr: &IdedExpr, call: &CallExpr) -> Checked {
        if let Some(comparison) = comparison(&call.func_name) {
            let [left, right] = self.operands(expr, &call.args)?;
            return self.compare(expr, comparison, left, right);
        }
        if let Some(operator) = operator(&call.func_name) {
            let [left, right] = self.operands(expr, &call.args)?;
            return self.arithmetic(expr, operator, &call.func_name, left, right);
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [left, right]) => Ok((
                Node::And(Box::new([self.boolean(left)?, self.boolean(right)?])),
                Kind::Boolean,
            )),
            (operators::LOGICAL_OR, [left, right]) => Ok((
                Node::Or(Box::new([self.boolean(left)?, self.boolean(right)?])),
                Kind::Boolean,
            )),
            (operators::LOGICAL_NOT, [operand]) => {
                Ok((Node::Not(Box::new(self.boolean(operand)?)), Kind::Boolean))
            }
            (operators::NEGATE, [operand]) => self.negate(expr, operand),
            (operators::CONDITIONAL, [condition, if_true, if_false]) => {
                let condition = self.boolean(condition)?;
                let (if_true, if_false, kind) =
                    self.unify(expr, self.check(if_true)?, self.check(if_false)?)?;
                Ok((Node::Choose(Box::new([condition, if_true, if_false])), kind))
            }
            (operators::IN, [value, list]) => self.is_in(value, list),
            (operators::INDEX, [operand, name]) => self.index(expr, operand, name),
            _ => self.function(expr, call),
        }
    }

    fn operands(
        &self,
        expr: &IdedExpr,
        arguments: &[IdedExpr],
    ) -> Result<[(Node, Kind); 2], ExpressionError> {
        let [left, right] = arguments else {
            return Err(self.error(expr, "an operator needs two operands", None));
        };
        Ok([self.check(left)?, self.check(right)?])
    }

    /// `row["dep delay"]`.
    fn index(&self, expr: &IdedExpr, operand: &IdedExpr, name: &IdedExpr) -> Checked {
        match (&operand.expr, &name.expr) {
            (Expr::Ident(row), Expr::Literal(LiteralValue::String(name))) if row == ROW => {
                self.column(expr, name.inner())
            }
            _ => Err(self.error(
                expr,
                "only the row can be indexed, with a name: row[\"dep delay\"]",
                None,
            )),
        }
    }

    fn boolean(&self, expr: &IdedExpr) -> Result<Node, ExpressionError> {
        match self.check(expr)? {
            (node, Kind::Boolean) => Ok(node),
            (_, Kind::Null) => Ok(Node::Constant(Constant::Null(Kind::Boolean))),
            (_, kind) => {
                let hint = "compare it with something, such as `x > 0` or `x != null`".to_owned();
                Err(self.error(
                    expr,
                    format!("this must be true or false, and is {kind}"),
                    Some(hint),
                ))
            }
        }
    }

    fn error(
        &self,
        expr: &IdedExpr,
        problem: impl Into<String>,
        hint: Option<String>,
    ) -> ExpressionError {
        let text = &self.source.source;
        let start = self
            .source
            .offset_for(expr.id)
            .map(|(start, _)| start as usize);
        // The parser counts bytes.
        let before = start
            .and_then(|start| text.get(..start))
            .unwrap_or_default();
        ExpressionError {
            text: text.clone(),
            position: before.chars().count(),
            problem: problem.into(),
            hint,
        }
    }
}

/// How deeply calls, selections and lists are nested; found without recursion.
fn depth(tree: &IdedExpr) -> usize {
    let (mut deepest, mut waiting) = (0, vec![(tree, 1)]);
    while let Some((expr, depth)) = waiting.pop() {
        deepest = deepest.max(depth);
        let mut wait = |inner| waiting.push((inner, depth + 1));
        match &expr.expr {
            Expr::Call(call) => call
                .target
                .as_deref()
                .into_iter()
                .chain(&call.args)
                .for_each(wait),
            Expr::Select(select) => wait(&select.operand),
            Expr::List(list) => list.elements.iter().for_each(wait),
            // What else there is, the check refuses without looking into it.
            _ => {}
        }
    }
    deepest
}

/// `a.b.c` from nested selections.
fn dotted(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => Some(format!(
            "{}.{}",
            dotted(&select.operand.expr)?,
            select.field
        )),
        _ => None,
    }
}

/// The parser's first complaint, without its drawing of the source.
fn syntax_error(text: &str, errors: &cel::ParseErrors) -> ExpressionError {
    let (position, problem) = errors
        .errors
        .first()
        .map_or((0, "not CEL".to_owned()), |error| {
            let (line, column) = (error.pos.0.max(1), error.pos.1.max(1));
            let before = text
                .split_inclusive('\n')
                .take(usize::try_from(line - 1).unwrap_or(0));
            let position = before.map(|line| line.chars().count()).sum::<usize>()
                + usize::try_from(column - 1).unwrap_or(0);
            (position, error.msg.clone())
        });
    let hint =
        "`=` is written `==`, `and` is `&&`, `or` is `||`, `not` is `!`; texts are in quotes"
            .to_owned();
    ExpressionError {
        text: text.to_owned(),
        position,
        problem,
        hint: Some(hint),
    }
}
