//! Reading UBJSON (Universal Binary JSON, draft 12), which XGBoost writes by default.
//!
//! Numbers are big-endian. An array may say the type of its items (`$`) and their number (`#`), and
//! then has no end mark. Lengths are checked against what is left of the file before anything is
//! reserved for them.

use trueline_sdk::{Error, Result};

use super::source::{MAX_DEPTH, Number, Source};

/// A place in a file.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The type of the value here, where an array said it for all of its items.
    type_above: Option<u8>,
}

/// What an array begins with.
struct Head {
    item_type: Option<u8>,
    count: Option<usize>,
}

impl<'a> Reader<'a> {
    /// At the start of a file.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            type_above: None,
        }
    }

    /// The next byte, without taking it.
    fn peek(&self) -> Result<u8> {
        let next = self.bytes.get(self.at).copied();
        next.ok_or_else(|| self.error("it ends in the middle of a value"))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let taken = self.bytes.get(self.at..self.at + N);
        let taken = taken.and_then(|bytes| bytes.try_into().ok());
        let taken = taken.ok_or_else(|| self.error("it ends in the middle of a value"))?;
        self.at += N;
        Ok(taken)
    }

    /// The type of the next value: what the array around it said, or its own mark.
    fn mark(&mut self) -> Result<u8> {
        match self.type_above {
            Some(mark) => Ok(mark),
            None => loop {
                let [mark] = self.take()?;
                // A mark that means nothing may stand anywhere.
                if mark != b'N' {
                    return Ok(mark);
                }
            },
        }
    }

    fn expect(&mut self, wanted: u8, what: &str) -> Result<()> {
        match self.mark()? {
            mark if mark == wanted => Ok(()),
            other => Err(self.error(format_args!(
                "{what} must stand here, not a value of type {:?}",
                char::from(other)
            ))),
        }
    }

    /// An integer whose mark was read; `None` if the mark is of another type.
    fn integer_of(&mut self, mark: u8) -> Result<Option<i64>> {
        Ok(Some(match mark {
            b'i' => i8::from_be_bytes(self.take()?).into(),
            b'U' => u8::from_be_bytes(self.take()?).into(),
            b'I' => i16::from_be_bytes(self.take()?).into(),
            b'l' => i32::from_be_bytes(self.take()?).into(),
            b'L' => i64::from_be_bytes(self.take()?),
            _ => return Ok(None),
        }))
    }

    /// A length that is no longer than what is left.
    fn length(&mut self) -> Result<usize> {
        let [mark] = self.take()?;
        let length = self.integer_of(mark)?;
        let left = self.bytes.len() - self.at;
        length
            .and_then(|length| usize::try_from(length).ok())
            .filter(|&length| length <= left)
            .ok_or_else(|| self.error("a length is longer than the file"))
    }

    fn text(&mut self) -> Result<&'a str> {
        let length = self.length()?;
        let bytes = &self.bytes[self.at..self.at + length];
        let text = std::str::from_utf8(bytes).map_err(|_| self.error("a text is not UTF-8"))?;
        self.at += length;
        Ok(text)
    }

    fn head(&mut self) -> Result<Head> {
        let item_type = if self.peek()? == b'$' {
            let [_, item_type] = self.take()?;
            Some(item_type)
        } else {
            None
        };
        let count = if self.peek()? == b'#' {
            self.at += 1;
            Some(self.length()?)
        } else if item_type.is_some() {
            return Err(self.error("an array with a type must have a length"));
        } else {
            None
        };
        Ok(Head { item_type, count })
    }

    /// Visits items up to the end that the head says.
    fn items(
        &mut self,
        head: &Head,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let mut left = head.count;
        loop {
            match &mut left {
                Some(0) => return Ok(()),
                Some(left) => *left -= 1,
                None if self.peek()? == close => {
                    self.at += 1;
                    return Ok(());
                }
                None => {}
            }
            item(self)?;
        }
    }

    fn skip_nested(&mut self, depth: usize) -> Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.error("values nest too deep"));
        };
        let mark = self.mark()?;
        match mark {
            b'Z' | b'T' | b'F' => Ok(()),
            b'C' => self.take::<1>().map(drop),
            b'd' => self.take::<4>().map(drop),
            b'D' => self.take::<8>().map(drop),
            b'S' | b'H' => self.text().map(drop),
            b'{' | b'[' => {
                let outer = self.type_above.take();
                let head = self.head()?;
                let is_object = mark == b'{';
                let close = if is_object { b'}' } else { b']' };
                self.items(&head, close, |reader| {
                    if is_object {
                        reader.text()?;
                    }
                    reader.typed(head.item_type, |reader| reader.skip_nested(depth))
                })?;
                self.type_above = outer;
                Ok(())
            }
            other => match self.integer_of(other)? {
                Some(_) => Ok(()),
                None => Err(self.error(format_args!("there is no type {:?}", char::from(other)))),
            },
        }
    }

    /// Reads a value whose type an array may have said.
    fn typed<T>(
        &mut self,
        item_type: Option<u8>,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = std::mem::replace(&mut self.type_above, item_type);
        let value = read(self);
        self.type_above = outer;
        value
    }
}

impl Source for Reader<'_> {
    fn error(&self, what: impl std::fmt::Display) -> Error {
        Error::data(format!("model file, byte {}: {what}", self.at))
    }

    fn object(&mut self, mut visit: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.expect(b'{', "an object")?;
        let outer = self.type_above.take();
        let head = self.head()?;
        self.items(&head, b'}', |reader| {
            let key = reader.text()?;
            reader.typed(head.item_type, |reader| visit(reader, key))
        })?;
        self.type_above = outer;
        Ok(())
    }

    fn array(&mut self, mut visit: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(b'[', "an array")?;
        let outer = self.type_above.take();
        let head = self.head()?;
        self.items(&head, b']', |reader| {
            reader.typed(head.item_type, &mut visit)
        })?;
        self.type_above = outer;
        Ok(())
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
        let mark = self.mark()?;
        let number = match mark {
            b'd' => T::from_float(f32::from_be_bytes(self.take()?).into()),
            b'D' => T::from_float(f64::from_be_bytes(self.take()?)),
            b'T' => T::from_integer(1),
            b'F' => T::from_integer(0),
            integer => self.integer_of(integer)?.and_then(T::from_integer),
        };
        number.ok_or_else(|| {
            self.error(format_args!(
                "a value of type {:?} is not the kind of number needed here",
                char::from(mark)
            ))
        })
    }

    fn string(&mut self) -> Result<String> {
        self.expect(b'S', "a text")?;
        self.text().map(str::to_owned)
    }

    fn skip(&mut self) -> Result<()> {
        self.skip_nested(MAX_DEPTH)
    }

    fn end(&mut self) -> Result<()> {
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(self.error("something follows the end"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_and_skips() {
        let bytes =
            b"{i\x04skip[$i#i\x03\x01\x02\x03U\x03any{i\x01aZi\x01b[TSi\x01xd\x00\x00\x00\x00]}\
            i\x07numbers[$d#L\x00\x00\x00\x00\x00\x00\x00\x02\x3f\x80\x00\x00\xff\x80\x00\x00\
            i\x05mixed[i\x05I\x01\x00NT]i\x04nameSi\x02\xc3\xa9}";
        let mut reader = Reader::new(bytes);
        let (mut numbers, mut mixed, mut name) = (Vec::new(), Vec::new(), String::new());
        reader
            .object(|reader, key| {
                match key {
                    "numbers" => numbers = reader.numbers::<f32>()?,
                    "mixed" => mixed = reader.numbers::<i64>()?,
                    "name" => name = reader.string()?,
                    _ => reader.skip()?,
                }
                Ok(())
            })
            .unwrap();
        reader.end().unwrap();
        assert_eq!(numbers, [1.0, f32::NEG_INFINITY]);
        assert_eq!(mixed, [5, 256, 1]);
        assert_eq!(name, "é");
    }

    #[test]
    fn says_where_it_stops() {
        let deep = b"[".repeat(100_000);
        for (bytes, expected) in [
            (&b"[i\x01"[..], "byte 3: it ends in the middle of a value"),
            (b"[$i", "byte 3: it ends"),
            (b"[$i]", "an array with a type must have a length"),
            (
                b"[#L\x7f\xff\xff\xff\xff\xff\xff\xff",
                "a length is longer than the file",
            ),
            (b"Si\xff", "a length is longer than the file"),
            (b"Si\x01\xff", "a text is not UTF-8"),
            (b"q", "there is no type 'q'"),
            (&deep, "values nest too deep"),
        ] {
            let error = Reader::new(bytes).skip().unwrap_err();
            assert!(
                error.message().contains(expected),
                "{expected}: {}",
                error.message()
            );
        }
        let float = Reader::new(b"d\x00\x00\x00\x00").number::<u32>();
        assert!(float.is_err(), "{float:?}");
    }
}
