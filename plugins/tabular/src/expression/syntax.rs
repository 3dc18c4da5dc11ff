//! Reading expressions: `distance / (air_time / 60) > 500 and carrier != "UA"`.

use trueline_sdk::{Error, Result};

/// How deep parentheses, functions and signs may stand in each other.
const MAX_DEPTH: usize = 16;

/// An expression as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Syntax {
    Number(f64),
    Truth(bool),
    Text(String),
    /// A column's name.
    Name(String),
    Chain(Box<Self>, Vec<(Operator, Self)>),
    Negated(Box<Self>),
    Not(Box<Self>),
    Call(Function, Vec<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Sqrt,
    Exp,
    Expm1,
    Ln,
    Log1p,
    Floor,
    Ceil,
    Round,
    Min,
    Max,
    If,
    Coalesce,
    IsMissing,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    /// A name, or a word such as `and`.
    Word(String),
    /// A name in backticks.
    Name(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
    Not,
    End,
}

/// The operators of each precedence, those that bind least first.
const PRECEDENCES: [&[Operator]; 5] = [
    &[Operator::Or],
    &[Operator::And],
    &[
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
    ],
    &[Operator::Add, Operator::Subtract],
    &[Operator::Multiply, Operator::Divide],
];

impl Operator {
    /// Whether it compares two values.
    pub(crate) fn compares(self) -> bool {
        PRECEDENCES[2].contains(&self)
    }

    /// Whether it takes truths, and gives one.
    pub(crate) fn is_logical(self) -> bool {
        matches!(self, Self::Or | Self::And)
    }
}

impl Function {
    const NAMES: [(&'static str, Self); 14] = [
        ("abs", Self::Abs),
        ("sqrt", Self::Sqrt),
        ("exp", Self::Exp),
        ("expm1", Self::Expm1),
        ("ln", Self::Ln),
        ("log1p", Self::Log1p),
        ("floor", Self::Floor),
        ("ceil", Self::Ceil),
        ("round", Self::Round),
        ("min", Self::Min),
        ("max", Self::Max),
        ("if", Self::If),
        ("coalesce", Self::Coalesce),
        ("is_missing", Self::IsMissing),
    ];

    fn find(name: &str) -> Result<Self> {
        let function = Self::NAMES.iter().find(|(other, _)| *other == name);
        function.map(|(_, function)| *function).ok_or_else(|| {
            let names = Self::NAMES.map(|(name, _)| name);
            Error::params(format!(
                "there is no function `{name}`; the functions are {}",
                names.join(", ")
            ))
        })
    }

    pub(crate) fn name(self) -> &'static str {
        let function = Self::NAMES.iter().find(|(_, other)| *other == self);
        function.map_or("", |(name, _)| name)
    }

    /// Whether it takes so many arguments.
    fn takes(self, count: usize) -> bool {
        match self {
            Self::Min | Self::Max | Self::Coalesce => count >= 2,
            Self::If => count == 3,
            _ => count == 1,
        }
    }
}

/// Reads an expression.
///
/// # Errors
/// [`Error::Params`] with the place where it goes wrong.
pub(crate) fn parse(text: &str) -> Result<Syntax> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        text,
        depth: 0,
    };
    let syntax = parser.level(0)?;
    match parser.peek() {
        Token::End => Ok(syntax),
        _ => Err(parser.unexpected("an operator")),
    }
}

struct Parser<'t> {
    /// Each with where it begins; the last one is [`Token::End`].
    tokens: Vec<(usize, Token)>,
    at: usize,
    text: &'t str,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].1
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn unexpected(&self, wanted: &str) -> Error {
        let rest = &self.text[self.tokens[self.at].0..];
        let found = match rest.chars().next() {
            Some(_) => format!("`{}`", rest.chars().take(20).collect::<String>()),
            None => "its end".to_owned(),
        };
        Error::params(format!("`{}` needs {wanted} where {found} is", self.text))
    }

    /// Operands joined by the operators of a precedence.
    fn level(&mut self, precedence: usize) -> Result<Syntax> {
        let Some(operators) = PRECEDENCES.get(precedence) else {
            return self.operand();
        };
        let first = self.level(precedence + 1)?;
        let mut rest = Vec::new();
        while let Token::Operator(operator) = *self.peek() {
            if !operators.contains(&operator) {
                break;
            }
            if operator.compares() && !rest.is_empty() {
                return Err(self.unexpected("`and`"));
            }
            self.next();
            rest.push((operator, self.level(precedence + 1)?));
        }
        Ok(if rest.is_empty() {
            first
        } else {
            Syntax::Chain(Box::new(first), rest)
        })
    }

    fn operand(&mut self) -> Result<Syntax> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::params(format!(
                "`{}` is nested more than {MAX_DEPTH} deep; compute a part of it in a step of its own",
                self.text
            )));
        }
        let syntax = match self.next() {
            Token::Number(number) => Syntax::Number(number),
            Token::Text(text) => Syntax::Text(text),
            Token::Name(name) => Syntax::Name(name),
            Token::Word(word) if word == "true" || word == "false" => Syntax::Truth(word == "true"),
            Token::Word(name) if *self.peek() == Token::Open => {
                self.next();
                self.call(Function::find(&name)?)?
            }
            Token::Word(name) => Syntax::Name(name),
            Token::Operator(Operator::Subtract) => Syntax::Negated(Box::new(self.operand()?)),
            Token::Not => Syntax::Not(Box::new(self.level(2)?)),
            Token::Open => {
                let inner = self.level(0)?;
                self.close()?;
                inner
            }
            _ => {
                self.at = self
                    .at
                    .saturating_sub(usize::from(*self.peek() != Token::End));
                return Err(self.unexpected("a column, a number or a text"));
            }
        };
        self.depth -= 1;
        Ok(syntax)
    }

    fn call(&mut self, function: Function) -> Result<Syntax> {
        let mut arguments = vec![self.level(0)?];
        while *self.peek() == Token::Comma {
            self.next();
            arguments.push(self.level(0)?);
        }
        self.close()?;
        if function.takes(arguments.len()) {
            Ok(Syntax::Call(function, arguments))
        } else {
            Err(Error::params(format!(
                "`{}` in `{}` does not take {} arguments",
                function.name(),
                self.text,
                arguments.len()
            )))
        }
    }

    fn close(&mut self) -> Result<()> {
        match self.peek() {
            Token::Close => {
                self.next();
                Ok(())
            }
            _ => Err(self.unexpected("`)`")),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let start = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            tokens.push((start, Token::End));
            return Ok(tokens);
        };
        let (token, length) = match first {
            '0'..='9' | '.' => number(rest)?,
            '\'' | '"' | '`' => quoted(rest, first)?,
            first if first.is_alphabetic() || first == '_' => word(rest),
            _ => symbol(rest)?,
        };
        tokens.push((start, token));
        rest = &rest[length..];
    }
}

fn number(rest: &str) -> Result<(Token, usize)> {
    let mut length = 0;
    for character in rest.chars() {
        let is_sign = matches!(character, '+' | '-') && rest[..length].ends_with(['e', 'E']);
        if !(character.is_ascii_digit() || matches!(character, '.' | 'e' | 'E') || is_sign) {
            break;
        }
        length += 1;
    }
    let number = rest[..length].parse();
    let number =
        number.map_err(|_| Error::params(format!("`{}` is no number", &rest[..length])))?;
    Ok((Token::Number(number), length))
}

/// A text, or a name in backticks. There is no escape; a text may hold the other quotes.
fn quoted(rest: &str, quote: char) -> Result<(Token, usize)> {
    let inner = &rest[1..];
    let end = inner.find(quote);
    let end = end.ok_or_else(|| Error::params(format!("`{rest}` lacks a closing {quote}")))?;
    let text = inner[..end].to_owned();
    let token = if quote == '`' {
        Token::Name(text)
    } else {
        Token::Text(text)
    };
    Ok((token, end + 2))
}

fn word(rest: &str) -> (Token, usize) {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let length = rest
        .find(|character| !is_part(character))
        .unwrap_or(rest.len());
    let token = match &rest[..length] {
        "and" => Token::Operator(Operator::And),
        "or" => Token::Operator(Operator::Or),
        "not" => Token::Not,
        word => Token::Word(word.to_owned()),
    };
    (token, length)
}

fn symbol(rest: &str) -> Result<(Token, usize)> {
    const SYMBOLS: [(&str, Token); 18] = [
        ("&&", Token::Operator(Operator::And)),
        ("||", Token::Operator(Operator::Or)),
        ("==", Token::Operator(Operator::Equal)),
        ("!=", Token::Operator(Operator::NotEqual)),
        ("<=", Token::Operator(Operator::LessOrEqual)),
        (">=", Token::Operator(Operator::GreaterOrEqual)),
        ("<", Token::Operator(Operator::Less)),
        (">", Token::Operator(Operator::Greater)),
        ("+", Token::Operator(Operator::Add)),
        ("-", Token::Operator(Operator::Subtract)),
        ("−", Token::Operator(Operator::Subtract)),
        ("*", Token::Operator(Operator::Multiply)),
        ("/", Token::Operator(Operator::Divide)),
        ("(", Token::Open),
        (")", Token::Close),
        (",", Token::Comma),
        ("!", Token::Not),
        ("=", Token::Operator(Operator::Equal)),
    ];
    SYMBOLS
        .into_iter()
        .find(|(symbol, _)| rest.starts_with(symbol))
        .map(|(symbol, token)| (token, symbol.len()))
        .ok_or_else(|| {
            let found: String = rest.chars().take(1).collect();
            Error::params(format!(
                "`{found}` is no operator; there are + - * / == != < <= > >= and or not; \
                 a name with other characters stands in backticks"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With parentheses about everything.
    fn shown(syntax: &Syntax) -> String {
        match syntax {
            Syntax::Number(number) => number.to_string(),
            Syntax::Truth(truth) => truth.to_string(),
            Syntax::Text(text) => format!("{text:?}"),
            Syntax::Name(name) => name.clone(),
            Syntax::Chain(first, rest) => {
                let rest = rest
                    .iter()
                    .map(|(operator, operand)| format!(" {operator:?} {}", shown(operand)));
                format!("({}{})", shown(first), rest.collect::<String>())
            }
            Syntax::Negated(operand) => format!("-{}", shown(operand)),
            Syntax::Not(operand) => format!("not {}", shown(operand)),
            Syntax::Call(function, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(shown).collect();
                format!("{}({})", function.name(), arguments.join(", "))
            }
        }
    }

    #[test]
    fn what_binds_more_comes_first() {
        for (text, expected) in [
            ("a + b * c - 1", "(a Add (b Multiply c) Subtract 1)"),
            ("a / b / -2e-3", "(a Divide b Divide -0.002)"),
            ("(a+b)*c", "((a Add b) Multiply c)"),
            (
                "a < 1 or not b == 2 and c",
                "((a Less 1) Or (not (b Equal 2) And c))",
            ),
            ("`wind speed` >= .5", "(wind speed GreaterOrEqual 0.5)"),
            (
                "x == 'it' || \"a'b\" != y",
                "((x Equal \"it\") Or (\"a'b\" NotEqual y))",
            ),
            (
                "if(is_missing(x), min(1, y, z), -x)",
                "if(is_missing(x), min(1, y, z), -x)",
            ),
            ("!true && false", "(not true And false)"),
        ] {
            assert_eq!(shown(&parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn errors_show_the_place() {
        let deep = "(".repeat(17) + "x" + &")".repeat(17);
        for (text, part) in [
            ("", "`` needs a column, a number or a text where its end is"),
            ("a +", "needs a column, a number or a text where its end is"),
            ("a b", "needs an operator where `b` is"),
            ("(a", "needs `)` where its end is"),
            ("a < b < c", "needs `and` where `< c` is"),
            ("* a", "a number or a text where `* a` is"),
            ("a ^ 2", "`^` is no operator"),
            (
                "log(a)",
                "there is no function `log`; the functions are abs, sqrt",
            ),
            ("if(a, b)", "`if` in `if(a, b)` does not take 2 arguments"),
            ("1.2.3", "`1.2.3` is no number"),
            ("'a", "lacks a closing '"),
            (&deep, "nested more than 16 deep"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                error.message().contains(part),
                "{text}: {}",
                error.message()
            );
        }
    }
}
