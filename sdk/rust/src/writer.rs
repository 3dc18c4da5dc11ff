//! Writing a batch, straight into the frame that goes back to the host.

use bytemuck::Pod;

use crate::{DataType, Error, Result, Schema, Validity};

/// Writes a frame, column after column in the schema's order.
///
/// Each method writes the next column. Values of null rows are zeroed here, whatever was written.
///
/// ```
/// use trueline_sdk::{Batch, BatchWriter, DataType, Field, Schema, Validity};
/// let schema = Schema::new([Field::new("double", DataType::Float64)]);
/// let mut writer = BatchWriter::new(&schema, 3);
/// let doubles = writer.float64(&Validity::ALL)?;
/// doubles.copy_from_slice(&[2.0, 4.0, 6.0]);
/// let frame = writer.finish()?;
/// assert_eq!(Batch::decode(&schema, &frame)?.column(0).float64()?, [2.0, 4.0, 6.0]);
/// # Ok::<(), trueline_sdk::Error>(())
/// ```
#[derive(Debug)]
pub struct BatchWriter<'s> {
    schema: &'s Schema,
    rows: usize,
    frame: Frame,
    /// The next column.
    column: usize,
    /// Null rows of the last column, to be zeroed once its values are written: where the values
    /// begin, how many bytes each takes (none for bits), and the validity bits.
    nulls: Option<(usize, Option<usize>, Vec<u8>)>,
}

impl<'s> BatchWriter<'s> {
    /// Begins a frame of this schema and number of rows.
    pub fn new(schema: &'s Schema, rows: usize) -> Self {
        let width: usize = schema
            .fields
            .iter()
            .map(|field| field.data_type.byte_width().unwrap_or(8))
            .sum();
        let count = schema.fields.len();
        let mut frame = Frame::with_capacity(8 + 8 * count + (rows + 16) * (width + count));
        frame.extend(&to_u32(rows).to_le_bytes());
        frame.extend(&to_u32(count).to_le_bytes());
        frame.grow(8 * count);
        Self {
            schema,
            rows,
            frame,
            column: 0,
            nulls: None,
        }
    }

    /// How many rows the frame will have.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Begins a float64 column and gives its values to be filled in.
    ///
    /// # Errors
    /// If the schema's next column has another type; so with every method below.
    pub fn float64(&mut self, validity: &Validity<'_>) -> Result<&mut [f64]> {
        self.begin(validity, &[DataType::Float64])?;
        self.fixed(1)
    }

    /// Writes a float64 column of which it is not known before which rows hold a value: `fill` fills
    /// in its values, and those that it leaves NaN are null.
    ///
    /// ```
    /// use trueline_sdk::{Batch, BatchWriter, DataType, Field, Schema};
    /// let schema = Schema::new([Field::new("root", DataType::Float64)]);
    /// let mut writer = BatchWriter::new(&schema, 2);
    /// writer.float64_or_null(|roots| {
    ///     for (root, number) in roots.iter_mut().zip([4.0, -4.0_f64]) {
    ///         *root = number.sqrt();
    ///     }
    ///     Ok(())
    /// })?;
    /// let frame = writer.finish()?;
    /// let batch = Batch::decode(&schema, &frame)?;
    /// assert_eq!(batch.column(0).float64()?, [2.0, 0.0]);
    /// assert!(!batch.column(0).is_valid(1));
    /// # Ok::<(), trueline_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the schema's next column has another type, or `fill` fails.
    pub fn float64_or_null(&mut self, fill: impl FnOnce(&mut [f64]) -> Result<()>) -> Result<()> {
        self.begin(&Validity::ALL, &[DataType::Float64])?;
        let at = self.frame.len();
        let values = self.fixed(1)?;
        fill(values)?;
        let validity = Validity::of_numbers(values);
        if let Some(bits) = validity.bits() {
            // The values move behind the bits, which takes less than keeping them elsewhere first.
            let descriptor = 8 * self.column;
            self.frame
                .put_u32(descriptor, to_u32(validity.null_count()));
            self.frame.insert(at, bits);
            self.nulls = Some((at + bits.len().next_multiple_of(8), Some(8), bits.to_vec()));
        }
        Ok(())
    }

    /// Begins a float32 column and gives its values to be filled in.
    ///
    /// # Errors
    /// If the schema's next column has another type.
    pub fn float32(&mut self, validity: &Validity<'_>) -> Result<&mut [f32]> {
        self.begin(validity, &[DataType::Float32])?;
        self.fixed(1)
    }

    /// Begins an int64 or timestamp column and gives its values to be filled in.
    ///
    /// # Errors
    /// If the schema's next column has another type.
    pub fn int64(&mut self, validity: &Validity<'_>) -> Result<&mut [i64]> {
        self.begin(validity, &[DataType::Int64, DataType::Timestamp])?;
        self.fixed(1)
    }

    /// Begins an int32 or date column and gives its values to be filled in.
    ///
    /// # Errors
    /// If the schema's next column has another type.
    pub fn int32(&mut self, validity: &Validity<'_>) -> Result<&mut [i32]> {
        self.begin(validity, &[DataType::Int32, DataType::Date])?;
        self.fixed(1)
    }

    /// Begins a vector column and gives its rows, one after another, to be filled in.
    ///
    /// # Errors
    /// If the schema's next column has another type.
    pub fn float32_list(&mut self, validity: &Validity<'_>) -> Result<&mut [f32]> {
        let width = self.width()?;
        self.begin(validity, &[DataType::Float32List(width)])?;
        self.fixed(width as usize)
    }

    /// Begins a vector column and gives its rows, one after another, to be filled in.
    ///
    /// # Errors
    /// If the schema's next column has another type.
    pub fn float64_list(&mut self, validity: &Validity<'_>) -> Result<&mut [f64]> {
        let width = self.width()?;
        self.begin(validity, &[DataType::Float64List(width)])?;
        self.fixed(width as usize)
    }

    /// Writes a boolean column.
    ///
    /// # Errors
    /// If the schema's next column has another type.
    pub fn boolean(
        &mut self,
        validity: &Validity<'_>,
        value: impl FnMut(usize) -> bool,
    ) -> Result<()> {
        self.begin(validity, &[DataType::Boolean])?;
        let bits = bits_from_fn(self.rows, value);
        self.frame.extend(&bits);
        Ok(())
    }

    /// Writes a utf8 column: the text of each row; a null row's is left out.
    ///
    /// # Errors
    /// If the schema's next column has another type, or the texts take 2 GiB or more.
    pub fn utf8<'t>(
        &mut self,
        validity: &Validity<'_>,
        text: impl FnMut(usize) -> &'t str,
    ) -> Result<()> {
        let mut text = text;
        self.begin(validity, &[DataType::Utf8])?;
        self.blobs(validity, |row| text(row).as_bytes())
    }

    /// Writes a binary column: the bytes of each row; a null row's are left out.
    ///
    /// # Errors
    /// If the schema's next column has another type, or the bytes take 2 GiB or more.
    pub fn binary<'t>(
        &mut self,
        validity: &Validity<'_>,
        bytes: impl FnMut(usize) -> &'t [u8],
    ) -> Result<()> {
        self.begin(validity, &[DataType::Binary])?;
        self.blobs(validity, bytes)
    }

    /// The finished frame.
    ///
    /// # Errors
    /// If columns of the schema were not written.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.zero_nulls();
        self.frame.pad();
        match self.schema.fields.get(self.column) {
            Some(missing) => Err(Error::other(format!(
                "column `{}` was not written",
                missing.name
            ))),
            None => Ok(self.frame.into_bytes()),
        }
    }

    /// Ends the column before and writes the validity of the next.
    fn begin(&mut self, validity: &Validity<'_>, types: &[DataType]) -> Result<()> {
        let field = self.schema.fields.get(self.column);
        let field =
            field.ok_or_else(|| Error::other("more columns were written than the schema has"))?;
        if !types.contains(&field.data_type) {
            return Err(Error::other(format!(
                "column `{}` is {}, but {} was written",
                field.name, field.data_type, types[0]
            )));
        }
        self.zero_nulls();
        self.frame.pad();
        let descriptor = 8 + 8 * self.column;
        self.frame
            .put_u32(descriptor, to_u32(validity.null_count()));
        if let Some(bits) = validity.bits() {
            self.frame.extend(bits);
            self.frame.pad();
            self.nulls = Some((
                self.frame.len(),
                field.data_type.byte_width(),
                bits.to_vec(),
            ));
        }
        self.column += 1;
        Ok(())
    }

    fn width(&self) -> Result<u32> {
        match self
            .schema
            .fields
            .get(self.column)
            .map(|field| field.data_type)
        {
            Some(DataType::Float32List(width) | DataType::Float64List(width)) => Ok(width),
            _ => Err(Error::other(
                "a vector was written where the schema has none",
            )),
        }
    }

    fn fixed<T: Pod>(&mut self, width: usize) -> Result<&mut [T]> {
        let length = self.rows * width * size_of::<T>();
        let at = self.frame.grow(length);
        self.frame.align();
        bytemuck::try_cast_slice_mut(self.frame.slice_mut(at, length))
            .map_err(|error| Error::other(format!("the frame is not aligned: {error}")))
    }

    fn blobs<'t>(
        &mut self,
        validity: &Validity<'_>,
        mut bytes: impl FnMut(usize) -> &'t [u8],
    ) -> Result<()> {
        // A null text is left out below; there is nothing to zero.
        self.nulls = None;
        let descriptor = 8 * self.column;
        let offsets = self.frame.grow(4 * (self.rows + 1));
        self.frame.pad();
        let start = self.frame.len();
        for row in 0..self.rows {
            if validity.is_valid(row) {
                self.frame.extend(bytes(row));
            }
            let end = self.frame.len() - start;
            let end = i32::try_from(end)
                .map_err(|_| Error::data("the texts of a batch take 2 GiB or more"))?;
            self.frame
                .put_u32(offsets + 4 * (row + 1), end.unsigned_abs());
        }
        let length = to_u32(self.frame.len() - start);
        self.frame.put_u32(descriptor + 4, length);
        Ok(())
    }

    fn zero_nulls(&mut self) {
        let Some((at, width, bits)) = self.nulls.take() else {
            return;
        };
        let Some(width) = width else {
            for (value, valid) in self.frame.slice_mut(at, bits.len()).iter_mut().zip(&bits) {
                *value &= valid;
            }
            return;
        };
        for row in 0..self.rows {
            if bits[row / 8] >> (row % 8) & 1 == 0 {
                self.frame.slice_mut(at + row * width, width).fill(0);
            }
        }
    }
}

fn bits_from_fn(rows: usize, mut value: impl FnMut(usize) -> bool) -> Vec<u8> {
    let mut bits = vec![0_u8; rows.div_ceil(8)];
    for row in 0..rows {
        bits[row / 8] |= u8::from(value(row)) << (row % 8);
    }
    bits
}

/// A batch never has 2^32 rows, columns or bytes of text: the host cuts it long before.
fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Bytes that begin at an address that is a multiple of 8, so that buffers can be written in place.
#[derive(Debug)]
struct Frame {
    bytes: Vec<u8>,
    /// Bytes before the frame; 0 with every allocator that aligns to 8, which is all of them in use.
    skip: usize,
}

impl Frame {
    fn with_capacity(capacity: usize) -> Self {
        let mut frame = Self {
            bytes: Vec::with_capacity(capacity + 8),
            skip: 0,
        };
        frame.align();
        frame
    }

    fn len(&self) -> usize {
        self.bytes.len() - self.skip
    }

    /// Moves the frame so that it begins at a multiple of 8, should a reallocation have misplaced it.
    fn align(&mut self) {
        let misplaced = (self.bytes.as_ptr().addr() + self.skip) % 8;
        if misplaced != 0 {
            let content = self.bytes.split_off(self.skip);
            let mut bytes: Vec<u8> = Vec::with_capacity(content.capacity() + 8);
            self.skip = bytes.as_ptr().align_offset(8) % 8;
            bytes.resize(self.skip, 0);
            bytes.extend_from_slice(&content);
            self.bytes = bytes;
        }
    }

    fn pad(&mut self) {
        let length = self.len();
        self.grow(length.next_multiple_of(8) - length);
    }

    /// Appends so many zeros; answers where.
    fn grow(&mut self, length: usize) -> usize {
        let at = self.len();
        self.bytes.resize(self.bytes.len() + length, 0);
        at
    }

    fn extend(&mut self, bytes: &[u8]) -> usize {
        let at = self.len();
        self.bytes.extend_from_slice(bytes);
        at
    }

    /// Moves what is behind this place to make room for bytes and their padding.
    fn insert(&mut self, at: usize, bytes: &[u8]) {
        let end = self.bytes.len();
        let room = bytes.len().next_multiple_of(8);
        self.grow(room);
        let at = at + self.skip;
        self.bytes.copy_within(at..end, at + room);
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.bytes[at + bytes.len()..at + room].fill(0);
    }

    fn put_u32(&mut self, at: usize, value: u32) {
        self.slice_mut(at, 4).copy_from_slice(&value.to_le_bytes());
    }

    fn slice_mut(&mut self, at: usize, length: usize) -> &mut [u8] {
        let at = at + self.skip;
        &mut self.bytes[at..at + length]
    }

    fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.drain(..self.skip);
        self.bytes
    }
}
