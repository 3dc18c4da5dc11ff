//! From CEL's syntax tree to a typed [`Node`].

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators};
use cel::parser::Parser;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use trueline_table::Schema;

use super::function::{self, Function};
use super::node::{Comparison, Constant, Node, Operator};
use super::{ExpressionError, Kind};
use crate::suggest::{did_you_mean, list_some};

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

    fn compare(
        &self,
        expr: &IdedExpr,
        comparison: Comparison,
        left: (Node, Kind),
        right: (Node, Kind),
    ) -> Checked {
        if left.1 == Kind::Null || right.1 == Kind::Null {
            let tested = if right.1 == Kind::Null {
                left.0
            } else {
                right.0
            };
            let is_null = Node::IsNull(Box::new(tested));
            return match comparison {
                Comparison::Equal => Ok((is_null, Kind::Boolean)),
                Comparison::NotEqual => Ok((Node::Not(Box::new(is_null)), Kind::Boolean)),
                _ => Err(self.error(
                    expr,
                    "null is neither less nor greater than anything",
                    Some(NULL_HINT.to_owned()),
                )),
            };
        }
        let (left, right, kind) = self.unify(expr, left, right)?;
        Ok((
            Node::Compare(comparison, kind, Box::new([left, right])),
            Kind::Boolean,
        ))
    }

    fn arithmetic(
        &self,
        expr: &IdedExpr,
        operator: Operator,
        name: &str,
        left: (Node, Kind),
        right: (Node, Kind),
    ) -> Checked {
        let kinds = (left.1, right.1);
        let is_sum = matches!(operator, Operator::Add | Operator::Subtract);
        match kinds {
            (Kind::Timestamp, Kind::Duration) if is_sum => {
                let operands = Box::new([left.0, right.0]);
                let kind = Kind::Timestamp;
                return Ok((Node::Arithmetic(operator, kind, operands), kind));
            }
            (Kind::Duration, Kind::Timestamp) if matches!(operator, Operator::Add) => {
                let operands = Box::new([right.0, left.0]);
                let kind = Kind::Timestamp;
                return Ok((Node::Arithmetic(operator, kind, operands), kind));
            }
            _ => {}
        }
        let (left, right, kind) = self.unify(expr, left, right)?;
        let fits = match kind {
            Kind::Int => true,
            Kind::Double => !matches!(operator, Operator::Remainder),
            Kind::Text => matches!(operator, Operator::Add),
            Kind::Duration => is_sum,
            _ => false,
        };
        if !fits {
            let problem = format!(
                "`{}` is not defined for {} and {}",
                name.replace('_', ""),
                kinds.0,
                kinds.1
            );
            return Err(self.error(expr, problem, None));
        }
        Ok((
            Node::Arithmetic(operator, kind, Box::new([left, right])),
            kind,
        ))
    }

    /// Both with the same kind: an int that meets a double becomes one, a null takes the other's kind.
    fn unify(
        &self,
        expr: &IdedExpr,
        (left, left_kind): (Node, Kind),
        (right, right_kind): (Node, Kind),
    ) -> Result<(Node, Node, Kind), ExpressionError> {
        let null = |kind| Node::Constant(Constant::Null(kind));
        match (left_kind, right_kind) {
            (Kind::Opaque, _) | (_, Kind::Opaque) => Err(self.error(
                expr,
                "a binary or vector column can only be compared with null",
                None,
            )),
            _ if left_kind == right_kind => Ok((left, right, left_kind)),
            (Kind::Int, Kind::Double) => Ok((to_double(left), right, Kind::Double)),
            (Kind::Double, Kind::Int) => Ok((left, to_double(right), Kind::Double)),
            (Kind::Null, kind) => Ok((null(kind), right, kind)),
            (kind, Kind::Null) => Ok((left, null(kind), kind)),
            (Kind::Timestamp, Kind::Text) | (Kind::Text, Kind::Timestamp) => {
                let hint = "write the time as timestamp(\"2013-09-01T00:00:00Z\")".to_owned();
                Err(self.error(expr, "a timestamp does not go with a string", Some(hint)))
            }
            (Kind::Timestamp | Kind::Duration, Kind::Int | Kind::Double)
            | (Kind::Int | Kind::Double, Kind::Timestamp | Kind::Duration) => {
                let problem = format!("{left_kind} does not go with {right_kind}");
                let hint = "say what the number counts: seconds(x), minutes(x) or hours(x)";
                Err(self.error(expr, problem, Some(hint.to_owned())))
            }
            _ => {
                let problem = format!("{left_kind} does not go with {right_kind}");
                let hint = "convert one side with int(x) or double(x), or declare the column's type in `types`";
                Err(self.error(expr, problem, Some(hint.to_owned())))
            }
        }
    }

    fn negate(&self, expr: &IdedExpr, operand: &IdedExpr) -> Checked {
        let (operand, kind) = self.check(operand)?;
        let zero = match kind {
            Kind::Int => Constant::Int(0),
            // -0.0 - x is -x for every double, also for both zeros.
            Kind::Double => Constant::Double(-0.0),
            _ => return Err(self.error(expr, format!("`-` is not defined for {kind}"), None)),
        };
        Ok((
            Node::Arithmetic(
                Operator::Subtract,
                kind,
                Box::new([Node::Constant(zero), operand]),
            ),
            kind,
        ))
    }

    fn is_in(&self, value: &IdedExpr, list: &IdedExpr) -> Checked {
        let Expr::List(list_expr) = &list.expr else {
            return Err(self.error(
                list,
                "`in` needs a list",
                Some("write it as x in [\"JFK\", \"LGA\"]".to_owned()),
            ));
        };
        let (mut value_node, mut kind) = self.check(value)?;
        if matches!(kind, Kind::Null | Kind::Opaque) {
            return Err(self.error(
                value,
                format!("{kind} cannot be looked for in a list"),
                None,
            ));
        }
        let mut elements = list_expr
            .elements
            .iter()
            .map(|element| self.check(element))
            .collect::<Result<Vec<_>, _>>()?;
        if kind == Kind::Int && elements.iter().any(|(_, kind)| *kind == Kind::Double) {
            (value_node, kind) = (to_double(value_node), Kind::Double);
        }
        for (element, source) in elements.iter_mut().zip(&list_expr.elements) {
            if element.1 == Kind::Null {
                return Err(self.error(source, "null is in no list", Some(NULL_HINT.to_owned())));
            }
            if element.1 == Kind::Int && kind == Kind::Double {
                *element = (to_double(element.0.clone()), Kind::Double);
            }
            if element.1 != kind {
                return Err(self.error(
                    source,
                    format!("{} is not {kind}, which is looked for", element.1),
                    None,
                ));
            }
        }
        let elements = elements.into_iter().map(|(element, _)| element).collect();
        Ok((
            Node::In(kind, Box::new(value_node), elements),
            Kind::Boolean,
        ))
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

    fn function(&self, expr: &IdedExpr, call: &CallExpr) -> Checked {
        let name = call.func_name.as_str();
        let mut arguments = call.target.as_deref().into_iter().chain(&call.args);
        let Some(receiver) = arguments.next() else {
            return Err(self.unknown_function(expr, name, None));
        };
        let arguments: Vec<_> = arguments.collect();
        if name == "timestamp" {
            return self.timestamp(expr, receiver);
        }
        if name == "duration" {
            return self.duration(receiver);
        }
        let (receiver, kind) = self.check(receiver)?;
        if name == "matches" && kind == Kind::Text {
            let [Expr::Literal(LiteralValue::String(pattern))] =
                arguments.iter().map(|a| &a.expr).collect::<Vec<_>>()[..]
            else {
                return Err(self.error(
                    expr,
                    "`matches` needs one pattern, written as a string",
                    None,
                ));
            };
            let pattern = Regex::new(pattern.inner()).map_err(|error| {
                self.error(arguments[0], format!("not a pattern: {error}"), None)
            })?;
            return Ok((
                Node::Call(Function::Matches(pattern), vec![receiver]),
                Kind::Boolean,
            ));
        }
        let Some((function, wanted, result)) = Function::method(name, kind) else {
            return Err(self.unknown_function(expr, name, Some(kind)));
        };
        if arguments.len() != wanted.len() {
            let problem = format!(
                "`{name}` needs {} more argument(s), got {}",
                wanted.len(),
                arguments.len()
            );
            return Err(self.error(expr, problem, None));
        }
        let mut operands = vec![receiver];
        for (argument, wanted) in arguments.into_iter().zip(wanted) {
            let (node, kind) = self.check(argument)?;
            if kind != *wanted {
                return Err(self.error(
                    argument,
                    format!("`{name}` needs a {wanted} here, got {kind}"),
                    None,
                ));
            }
            operands.push(node);
        }
        Ok((Node::Call(function, operands), result))
    }

    fn timestamp(&self, expr: &IdedExpr, argument: &IdedExpr) -> Checked {
        let Expr::Literal(LiteralValue::String(text)) = &argument.expr else {
            let hint =
                "declare the column in `types` as timestamp to read its texts as times".to_owned();
            return Err(self.error(
                argument,
                "`timestamp` needs a time written as a string",
                Some(hint),
            ));
        };
        let time: Timestamp = text.inner().parse().map_err(|error| {
            let hint = "write date, time and zone: 2013-09-01T00:00:00Z".to_owned();
            self.error(argument, format!("not a time: {error}"), Some(hint))
        })?;
        if time.subsec_nanosecond() % 1000 != 0 {
            return Err(self.error(
                expr,
                "times are kept in microseconds, and this one is finer",
                None,
            ));
        }
        Ok((
            Node::Constant(Constant::Timestamp(time.as_microsecond())),
            Kind::Timestamp,
        ))
    }

    fn duration(&self, argument: &IdedExpr) -> Checked {
        let hint = || Some("write whole hours, minutes and seconds: duration(\"36h\")".to_owned());
        let Expr::Literal(LiteralValue::String(text)) = &argument.expr else {
            let problem = "`duration` needs a length of time written as a string";
            return Err(self.error(argument, problem, hint()));
        };
        let length: SignedDuration = text
            .inner()
            .parse()
            .map_err(|error| self.error(argument, format!("not a duration: {error}"), hint()))?;
        match i64::try_from(length.as_micros()) {
            Ok(length_us) if length.subsec_nanos() % 1000 == 0 => {
                Ok((Node::Constant(Constant::Int(length_us)), Kind::Duration))
            }
            _ => Err(self.error(argument, "int64 does not hold it in microseconds", None)),
        }
    }

    fn unknown_function(
        &self,
        expr: &IdedExpr,
        name: &str,
        receiver: Option<Kind>,
    ) -> ExpressionError {
        if function::NAMES.contains(&name) {
            let of = receiver.map_or("without arguments".to_owned(), |kind| format!("for {kind}"));
            return self.error(expr, format!("`{name}` is not defined {of}"), None);
        }
        let hint = did_you_mean(name, function::NAMES)
            .unwrap_or_else(|| format!("the functions are {}", function::NAMES.join(", ")));
        self.error(expr, format!("there is no function `{name}`"), Some(hint))
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

const NULL_HINT: &str = "test for null with `x == null` or `x != null`";

fn to_double(node: Node) -> Node {
    Node::Call(Function::ToDouble, vec![node])
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

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessOrEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        operators::ADD => Operator::Add,
        operators::SUBSTRACT => Operator::Subtract,
        operators::MULTIPLY => Operator::Multiply,
        operators::DIVIDE => Operator::Divide,
        operators::MODULO => Operator::Remainder,
        _ => return None,
    })
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
