//! Predicting from JSON.

use trueline_wire::native;

use super::Loaded;
use crate::Result;

impl Loaded {
    /// Answers `{"records": [{…}, …]}` or `{"columns": {"name": […], …}}` with the same shape and the digest
    /// of the package, as `POST /v1/predict` of a server does. No number loses a bit on the way in or out.
    ///
    /// # Errors
    /// [`Error::Wire`](crate::Error::Wire) names the column, the row, what was expected and what was found;
    /// else as [`predict`](Self::predict).
    pub fn predict_json(&self, body: &[u8]) -> Result<String> {
        let (shape, rows) = native::read(&self.input, body)?;
        let answers = self.predict(&rows)?;
        Ok(native::write(shape, self.digest, &self.output, &answers)?)
    }
}
