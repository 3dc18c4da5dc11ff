//! Reading the JSON that XGBoost writes, without building a tree of it.
//!
//! It is not quite JSON: infinite thresholds stand in it as `-Infinity`. Numbers must become float32
//! in one rounding, and a file may be hostile. So this is a reader of its own: it visits keys and
//! items in order, skips what nobody asked for, and names the byte where it stops.

use trueline_sdk::{Error, Result};

use super::source::{MAX_DEPTH, Number, Source};

/// A place in a JSON text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// At the start of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char> {
        let escape = self.text[self.at..]
            .chars()
            .next()
            .ok_or_else(|| self.error("a string does not end"))?;
        self.at += escape.len_utf8();
        Ok(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.code_unit()?;
                let units = if (0xd800..0xdc00).contains(&first)
                    && self.text[self.at..].starts_with("\\u")
                {
                    self.at += 2;
                    vec![first, self.code_unit()?]
                } else {
                    vec![first]
                };
                String::from_utf16(&units)
                    .ok()
                    .and_then(|text| text.chars().next())
                    .ok_or_else(|| self.error("an escape is no character"))?
            }
            other => return Err(self.error(format_args!("`\\{other}` is no escape"))),
        })
    }

    fn code_unit(&mut self) -> Result<u16> {
        let digits = self.text.get(self.at..self.at + 4);
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| self.error("four hexadecimal digits must follow `\\u`"))
    }

    fn skip_nested(&mut self, depth: usize) -> Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.error("values nest too deep"));
        };
        match self.peek() {
            Some('{') => self.object(|reader, _| reader.skip_nested(depth)),
            Some('[') => self.array(|reader| reader.skip_nested(depth)),
            Some('"') => self.string().map(drop),
            _ if self.token().is_empty() => Err(self.error("a value must stand here")),
            _ => Ok(()),
        }
    }

    fn list(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.expect(open)?;
        if self.peek() == Some(close) {
            return self.expect(close);
        }
        loop {
            item(self)?;
            if self.peek() == Some(close) {
                return self.expect(close);
            }
            self.expect(',')?;
        }
    }

    /// The next character after white space.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        let found = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.at += rest.len() - found.len();
        found.chars().next()
    }

    fn expect(&mut self, wanted: char) -> Result<()> {
        match self.peek() {
            Some(found) if found == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(found) => {
                Err(self.error(format_args!("`{wanted}` must stand here, not `{found}`")))
            }
            None => Err(self.error(format_args!("it ends where `{wanted}` must stand"))),
        }
    }

    /// The letters and digits of a number or word; empty if there is none.
    fn token(&mut self) -> &'a str {
        self.peek();
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }
}

impl Source for Reader<'_> {
    fn error(&self, what: impl std::fmt::Display) -> Error {
        Error::data(format!("model file, byte {}: {what}", self.at))
    }

    fn object(&mut self, mut visit: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.list('{', '}', |reader| {
            let key = reader.string()?;
            reader.expect(':')?;
            visit(reader, &key)
        })
    }

    fn array(&mut self, visit: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.list('[', ']', visit)
    }

    fn numbers<T: Number>(&mut self) -> Result<Vec<T>> {
        let mut numbers = Vec::new();
        self.array(|reader| {
            numbers.push(reader.number()?);
            Ok(())
        })?;
        Ok(numbers)
    }

    fn number<T: Number>(&mut self) -> Result<T> {
        let token = self.token();
        let digits = match token {
            "true" => "1",
            "false" => "0",
            digits => digits,
        };
        match (digits.parse(), self.peek()) {
            (Ok(number), _) => Ok(number),
            (Err(_), Some(found)) if token.is_empty() => {
                Err(self.error(format_args!("a number must stand here, not `{found}`")))
            }
            (Err(_), _) => Err(self.error(format_args!(
                "`{token}` is not the kind of number needed here"
            ))),
        }
    }

    fn string(&mut self) -> Result<String> {
        self.expect('"')?;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest
                .find(['"', '\\'])
                .ok_or_else(|| self.error("a string does not end"))?;
            string.push_str(&rest[..end]);
            self.at += end + 1;
            if rest[end..].starts_with('"') {
                return Ok(string);
            }
            string.push(self.escape()?);
        }
    }

    fn skip(&mut self) -> Result<()> {
        self.skip_nested(MAX_DEPTH)
    }

    fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("something follows the end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_and_skips() {
        let text = r#" {"skip": [1, {"a": "\"]", "b": null}], "numbers": [1E0, -Infinity, 2.5e-3 ,true], "name":"a\u00e9\ud83d\ude00\n"} "#;
        let mut reader = Reader::new(text);
        let (mut numbers, mut name) = (Vec::new(), String::new());
        reader
            .object(|reader, key| {
                match key {
                    "numbers" => numbers = reader.numbers::<f32>()?,
                    "name" => name = reader.string()?,
                    _ => reader.skip()?,
                }
                Ok(())
            })
            .unwrap();
        reader.end().unwrap();
        assert_eq!(numbers, [1.0, f32::NEG_INFINITY, 0.0025, 1.0]);
        assert_eq!(name, "aé😀\n");
    }

    #[test]
    fn says_where_it_stops() {
        let deep = "[".repeat(100_000);
        for (text, expected) in [
            ("[1, 2", "byte 5: it ends where `,` must stand"),
            ("[1 2]", "byte 3: `,` must stand here, not `2`"),
            ("[,]", "byte 1: a value must stand here"),
            ("\"a", "byte 1: a string does not end"),
            ("\"\\x\"", "`\\x` is no escape"),
            ("\"\\ud800\"", "an escape is no character"),
            ("\"\\u12", "four hexadecimal digits"),
            ("\"\\", "a string does not end"),
            ("{1:2}", "byte 1: `\"` must stand here"),
            (&deep, "values nest too deep"),
        ] {
            let error = Reader::new(text).skip().unwrap_err();
            assert!(
                error.message().contains(expected),
                "{expected}: {}",
                error.message()
            );
        }
        assert!(Reader::new("1e5").number::<u32>().is_err());
        assert!(
            Reader::new("[] 1")
                .skip()
                .and_then(|()| Reader::new("1").end())
                .is_err()
        );
    }
}
