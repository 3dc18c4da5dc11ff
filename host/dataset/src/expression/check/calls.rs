//! Calls of functions: which there are, and of which kinds.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::super::function::{self, Function};
use super::super::node::{Constant, Node};
use super::super::{ExpressionError, Kind};
use super::{Checked, Checker};
use crate::suggest::did_you_mean;

impl Checker<'_> {
    pub(super) fn function(&self, expr: &IdedExpr, call: &CallExpr) -> Checked {
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
}
