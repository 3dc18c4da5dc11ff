//! Reading JSON value by value, straight into columns.
//!
//! Why not `serde_json`: it hands out numbers as float64, from which a float32 column gets other bits
//! (`7.038531e-26` is one such number), and it refuses the bare `NaN` that Python's `json` writes and
//! stock inference clients send. Here a number is its text, and `NaN`, `Infinity` and `-Infinity` are
//! values; apart from that, the grammar is RFC 8259's.

use std::borrow::Cow;

use crate::error::quoted;
use crate::{Error, Result};

/// How deeply lists and objects may lie in each other; no protocol needs half of it.
const DEPTH_MAX: usize = 32;

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// A value; of lists and objects only that there is one, to be read with [`Reader::list`] or
/// [`Reader::object`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Boolean(bool),
    /// The digits as they stand there.
    Number(&'a str),
    /// A bare `NaN`, `Infinity` or `-Infinity`.
    NotFinite(f64),
    Text(Cow<'a, str>),
    List,
    Object,
}

impl Value<'_> {
    /// What a message says was found.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Number(digits) => quoted(digits).replace('"', ""),
            Self::NotFinite(value) => value.to_string(),
            Self::Text(text) => format!("the text {}", quoted(text)),
            Self::List => "a list".to_owned(),
            Self::Object => "an object".to_owned(),
        }
    }
}

impl<'a> Reader<'a> {
    /// A reader of a whole body.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub(crate) fn new(body: &'a [u8]) -> Result<Self> {
        let text = std::str::from_utf8(body).map_err(|error| Error::Json {
            at: error.valid_up_to(),
            reason: "it is not UTF-8",
        })?;
        Ok(Self {
            text,
            at: 0,
            depth: 0,
        })
    }

    /// Asserts that nothing follows.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.skip_space();
        if self.at == self.text.len() {
            return Ok(());
        }
        Err(self.wrong("more follows the value"))
    }

    /// Reads the next value; stays before a list or an object.
    pub(crate) fn value(&mut self) -> Result<Value<'a>> {
        self.skip_space();
        match self.byte() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'[') => Ok(Value::List),
            Some(b'{') => Ok(Value::Object),
            Some(b'n') => self.word("null", Value::Null),
            Some(b't') => self.word("true", Value::Boolean(true)),
            Some(b'f') => self.word("false", Value::Boolean(false)),
            Some(b'N') => self.word("NaN", Value::NotFinite(f64::NAN)),
            Some(b'I') => self.word("Infinity", Value::NotFinite(f64::INFINITY)),
            Some(b'-') if self.text.as_bytes().get(self.at + 1) == Some(&b'I') => {
                self.word("-Infinity", Value::NotFinite(f64::NEG_INFINITY))
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(_) => Err(self.wrong("a value is expected")),
            None => Err(self.wrong("it ends too early")),
        }
    }

    /// Reads a list; `each` reads one element, whose number from 0 it is given.
    pub(crate) fn list(
        &mut self,
        mut each: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        self.open(b'[', "a list is expected")?;
        if self.closes(b']') {
            return Ok(());
        }
        for index in 0.. {
            each(self, index)?;
            if !self.goes_on(b']')? {
                break;
            }
        }
        Ok(())
    }

    /// Reads an object; `each` reads the value behind a key.
    pub(crate) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>,
    ) -> Result<()> {
        self.open(b'{', "an object is expected")?;
        if self.closes(b'}') {
            return Ok(());
        }
        loop {
            self.skip_space();
            if self.byte() != Some(b'"') {
                return Err(self.wrong("a key in quotes is expected"));
            }
            let key = self.string()?;
            self.skip_space();
            if self.byte() != Some(b':') {
                return Err(self.wrong("a colon is expected"));
            }
            self.at += 1;
            each(self, key)?;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads a value of any kind and forgets it.
    pub(crate) fn skip(&mut self) -> Result<()> {
        match self.value()? {
            Value::List => self.list(|reader, _| reader.skip()),
            Value::Object => self.object(|reader, _| reader.skip()),
            _ => Ok(()),
        }
    }

    /// Whether the next value is a list.
    pub(crate) fn is_list(&mut self) -> bool {
        self.skip_space();
        self.byte() == Some(b'[')
    }

    /// The first key of the object that comes next, which is not read yet; none if there is none.
    pub(crate) fn first_key(&self) -> Option<Cow<'a, str>> {
        let mut ahead = self.clone();
        ahead.open(b'{', "").ok()?;
        ahead.skip_space();
        (ahead.byte() == Some(b'"'))
            .then(|| ahead.string().ok())
            .flatten()
    }

    /// Reads a text.
    pub(crate) fn text(&mut self, what: &str) -> Result<Cow<'a, str>> {
        match self.value()? {
            Value::Text(text) => Ok(text),
            other => Err(Error::shape(format!(
                "{what}: a text is expected, found {}",
                other.describe()
            ))),
        }
    }

    /// Reads a whole number that counts something.
    pub(crate) fn count(&mut self, what: &str) -> Result<usize> {
        let value = self.value()?;
        let count = match value {
            Value::Number(digits) => digits.parse().ok(),
            _ => None,
        };
        count.ok_or_else(|| {
            let found = value.describe();
            Error::shape(format!("{what}: a count is expected, found {found}"))
        })
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn wrong(&self, reason: &'static str) -> Error {
        Error::Json {
            at: self.at,
            reason,
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.wrong("a value is expected"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn open(&mut self, bracket: u8, reason: &'static str) -> Result<()> {
        self.skip_space();
        if self.byte() != Some(bracket) {
            return Err(self.wrong(reason));
        }
        if self.depth == DEPTH_MAX {
            return Err(self.wrong("it is nested too deeply"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Whether the list or object ends right here.
    fn closes(&mut self, bracket: u8) -> bool {
        self.skip_space();
        let closes = self.byte() == Some(bracket);
        if closes {
            self.depth -= 1;
            self.at += 1;
        }
        closes
    }

    /// Whether another element follows; else the list or object has ended.
    fn goes_on(&mut self, bracket: u8) -> Result<bool> {
        if self.closes(bracket) {
            return Ok(false);
        }
        match self.byte() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Err(self.wrong("a comma is expected")),
            None => Err(self.wrong("it ends too early")),
        }
    }

    fn number(&mut self) -> Result<&'a str> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.wrong("a digit is expected"));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.at += 1;
        let plain = self.plain()?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            // What ends a plain piece is a quote or a backslash.
            let ends = self.byte() == Some(b'"');
            self.at += 1;
            if ends {
                return Ok(Cow::Owned(text));
            }
            text.push(self.escaped()?);
            text.push_str(self.plain()?);
        }
    }

    /// What comes before the next quote or backslash.
    fn plain(&mut self) -> Result<&'a str> {
        let start = self.at;
        loop {
            match self.byte() {
                Some(b'"' | b'\\') => return Ok(&self.text[start..self.at]),
                Some(0..=0x1f) => return Err(self.wrong("a control character in a text")),
                Some(_) => self.at += 1,
                None => return Err(self.wrong("it ends within a text")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char> {
        let letter = self.byte();
        self.at += 1;
        Ok(match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => letter.into(),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let mut code = self.hex()?;
                if (0xd800..0xdc00).contains(&code)
                    && self.text.as_bytes()[self.at..].starts_with(b"\\u")
                {
                    self.at += 2;
                    let low = self.hex()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(self.wrong("half of a surrogate pair"));
                    }
                    code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                }
                char::from_u32(code).ok_or_else(|| self.wrong("half of a surrogate pair"))?
            }
            _ => return Err(self.wrong("an escape that JSON has not")),
        })
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.wrong("four hexadecimal digits are expected"))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value<'_>> {
        let mut reader = Reader::new(text.as_bytes())?;
        let value = reader.value()?;
        reader.finish()?;
        Ok(value)
    }

    #[test]
    fn values_are_what_they_say() {
        let check = |text: &str, expected: Value<'_>| assert_eq!(read(text).unwrap(), expected);
        check(" null ", Value::Null);
        check("-0.5e+10", Value::Number("-0.5e+10"));
        check("-Infinity", Value::NotFinite(f64::NEG_INFINITY));
        check(r#""plain""#, Value::Text("plain".into()));
        check(
            r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z""#,
            Value::Text("a\"\\/\u{8}\u{c}\n\r\té😀z".into()),
        );
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let check = |text: &str, expected: &str| {
            let mut reader = Reader::new(text.as_bytes()).unwrap();
            let error = reader.skip().and_then(|()| reader.finish()).unwrap_err();
            let expected = format!("the body is no JSON: {expected}");
            assert_eq!(error.to_string(), expected, "{text}");
        };
        check("", "it ends too early at byte 0");
        check("nul", "a value is expected at byte 0");
        check("01", "more follows the value at byte 1");
        check("1.", "a digit is expected at byte 2");
        check("[1 2]", "a comma is expected at byte 3");
        check("[1,]", "a value is expected at byte 3");
        check(r#"{"a" 1}"#, "a colon is expected at byte 5");
        check("{1: 2}", "a key in quotes is expected at byte 1");
        check("\"a\nb\"", "a control character in a text at byte 2");
        check(r#""\ud83d""#, "half of a surrogate pair at byte 7");
        check(r#""\x""#, "an escape that JSON has not at byte 3");
        check(
            r#""\u12é""#,
            "four hexadecimal digits are expected at byte 3",
        );
        check(&"[".repeat(100_000), "it is nested too deeply at byte 32");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_value_or_an_error(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64)) {
            if let Ok(mut reader) = Reader::new(&bytes) {
                let _ = reader.skip();
            }
        }
    }
}
