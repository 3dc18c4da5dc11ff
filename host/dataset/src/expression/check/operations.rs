//! Comparisons, arithmetic and lists: which kinds go together, and what comes of them.

use cel::IdedExpr;
use cel::common::ast::{Expr, operators};

use super::super::function::Function;
use super::super::node::{Comparison, Constant, Node, Operator};
use super::super::{ExpressionError, Kind};
use super::{Checked, Checker};

const NULL_HINT: &str = "test for null with `x == null` or `x != null`";

impl Checker<'_> {
    pub(super) fn compare(
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

    pub(super) fn arithmetic(
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
    pub(super) fn unify(
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

    pub(super) fn negate(&self, expr: &IdedExpr, operand: &IdedExpr) -> Checked {
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

    pub(super) fn is_in(&self, value: &IdedExpr, list: &IdedExpr) -> Checked {
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
}

/// The comparison that CEL calls so.
pub(super) fn comparison(name: &str) -> Option<Comparison> {
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

/// The arithmetic that CEL calls so.
pub(super) fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        operators::ADD => Operator::Add,
        operators::SUBSTRACT => Operator::Subtract,
        operators::MULTIPLY => Operator::Multiply,
        operators::DIVIDE => Operator::Divide,
        operators::MODULO => Operator::Remainder,
        _ => return None,
    })
}

fn to_double(node: Node) -> Node {
    Node::Call(Function::ToDouble, vec![node])
}
