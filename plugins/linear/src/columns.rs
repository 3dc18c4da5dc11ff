//! Where features, label and weight are in a table, and what they are as numbers.

use std::collections::BTreeMap;

use trueline_sdk::prelude::*;

use crate::Params;
use crate::logistic::Rows;

/// The feature columns of a schema; side by side they are the row that a model sees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Features {
    columns: Vec<Field>,
    /// Where each is in a batch.
    places: Vec<usize>,
    /// The name of every feature, if all widths are known: a column's, or a vector element's.
    pub(crate) names: Vec<String>,
}

impl Features {
    /// Finds the columns that the parameters name.
    ///
    /// # Errors
    /// If one is not there, is there twice, or holds no numbers.
    pub(crate) fn find(params: &Params, schema: &Schema) -> Result<Self> {
        let mut features = Self {
            columns: Vec::new(),
            places: Vec::new(),
            names: Vec::new(),
        };
        if params.features.is_empty() {
            return Err(Error::params(
                "`features` is empty: name at least one column to learn from",
            ));
        }
        for (at, name) in params.features.iter().enumerate() {
            let field = schema.field(name)?;
            if params.features[..at].contains(name) {
                return Err(Error::params(format!("`features` names `{name}` twice")));
            }
            features
                .places
                .push(schema.index_of(name).unwrap_or_default());
            features.names.extend(feature_names(field)?);
            features.columns.push(field.clone());
        }
        Ok(features)
    }

    /// The names of the columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &String> {
        self.columns.iter().map(|field| &field.name)
    }

    /// Features per row.
    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// The features of a batch, row after row.
    ///
    /// # Errors
    /// [`Error::Data`] if one is null, NaN or infinite, with its column.
    pub(crate) fn read(&self, batch: &Batch<'_>) -> Result<Vec<f64>> {
        let (rows, count) = (batch.rows(), self.count());
        let mut out = vec![0.0; rows * count];
        let mut first = 0;
        for (field, &place) in self.columns.iter().zip(&self.places) {
            let column = batch.column(place);
            let (width, values) = match &column.values {
                Values::Float64List(width, values) => (*width, values.to_vec()),
                Values::Float32List(width, values) => (
                    *width,
                    values.iter().map(|&value| f64::from(value)).collect(),
                ),
                _ => (1, column.numbers(rows)?.into_owned()),
            };
            for row in 0..rows {
                if !column.is_valid(row) {
                    return Err(unusable(&field.name, "a null"));
                }
                let to = &mut out[row * count + first..][..width];
                to.copy_from_slice(&values[row * width..][..width]);
                if let Some(at) = to.iter().position(|value| !value.is_finite()) {
                    return Err(unusable(&self.names[first + at], &to[at].to_string()));
                }
            }
            first += width;
        }
        Ok(out)
    }
}

fn unusable(column: &str, value: &str) -> Error {
    Error::data(format!(
        "feature `{column}` has {value}, with which a linear model can do nothing: impute it before, with \
         `tabular` for example"
    ))
}

fn feature_names(field: &Field) -> Result<Vec<String>> {
    match field.data_type {
        DataType::Float32List(width) | DataType::Float64List(width) => {
            if field.elements.len() == width as usize {
                return Ok(field.elements.clone());
            }
            let element = |element| format!("{}_{element}", field.name);
            Ok((0..width).map(element).collect())
        }
        numeric if numeric.is_numeric() => Ok(vec![field.name.clone()]),
        other => Err(Error::schema(format!(
            "feature `{}` is {other}; features are numbers, booleans or vectors: encode it before, with \
             `tabular` for example",
            field.name
        ))),
    }
}

/// What training reads: features, label, weight.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) features: Features,
    label: Field,
    label_place: usize,
    weight: Option<(String, usize)>,
    positive: Option<String>,
}

impl Columns {
    /// # Errors
    /// If a column is missing, is two things at once, or is of a type that cannot be.
    pub(crate) fn find(params: &Params, schema: &Schema) -> Result<Self> {
        let features = Features::find(params, schema)?;
        let label = schema.named_or_with_role(params.label.as_deref(), Role::Label)?;
        let label = label.ok_or_else(|| {
            Error::schema("no column has the role label: name the one to learn with `label`")
        })?;
        let weight = schema.named_or_with_role(params.weight.as_deref(), Role::Weight)?;
        for other in [Some(label), weight].into_iter().flatten() {
            if features.columns().any(|name| *name == other.name) {
                return Err(Error::params(format!(
                    "`{}` is among `features`, but also the label or weight",
                    other.name
                )));
            }
        }
        if let Some(weight) = weight.filter(|weight| !weight.data_type.is_numeric()) {
            return Err(Error::schema(format!(
                "weight `{}` is {}, not a number",
                weight.name, weight.data_type
            )));
        }
        let is_text = label.data_type == DataType::Utf8;
        let fits = label.data_type.is_numeric() || is_text && params.model.is_logistic();
        if !fits {
            return Err(Error::schema(format!(
                "label `{}` is {}, which a {} model cannot learn",
                label.name, label.data_type, params.model
            )));
        }
        if params.model == crate::params::Model::Logistic && is_text && params.positive.is_none() {
            return Err(Error::params(format!(
                "label `{}` is a text: say with `positive` which text is the positive class, or use \
                 `model = \"multinomial\"`",
                label.name
            )));
        }
        let place = |name: &str| schema.index_of(name).unwrap_or_default();
        Ok(Self {
            features,
            label_place: place(&label.name),
            label: label.clone(),
            weight: weight.map(|weight| (weight.name.clone(), place(&weight.name))),
            positive: params.positive.as_ref().map(ToString::to_string),
        })
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> Vec<String> {
        let weight = self.weight.as_ref().map(|(name, _)| name);
        let names = self
            .features
            .columns()
            .chain([&self.label.name])
            .chain(weight);
        names.cloned().collect()
    }

    /// The labels of a batch, for a model of numbers.
    ///
    /// # Errors
    /// [`Error::Data`] if one is null, NaN or infinite.
    pub(crate) fn numbers(&self, batch: &Batch<'_>) -> Result<Vec<f64>> {
        let column = batch.column(self.label_place);
        let labels = column.numbers(batch.rows())?.into_owned();
        match labels.iter().position(|label| !label.is_finite()) {
            None => Ok(labels),
            Some(row) => Err(self.unusable_label(column, row, &labels[row].to_string())),
        }
    }

    fn unusable_label(&self, column: &Column<'_>, row: usize, value: &str) -> Error {
        let value = if column.is_valid(row) {
            value
        } else {
            "a null"
        };
        Error::data(format!(
            "label `{}` has {value}: leave such rows out with `where`",
            self.label.name
        ))
    }

    /// The classes of a batch as 1 for the positive one and 0 for the other, for a model of two.
    ///
    /// # Errors
    /// [`Error::Data`] if one is null, or neither 0 nor 1 and nobody said which is positive.
    pub(crate) fn is_positive(&self, batch: &Batch<'_>) -> Result<Vec<u32>> {
        let texts = self.texts(batch)?;
        if let Some(positive) = &self.positive {
            return Ok(texts
                .iter()
                .map(|text| u32::from(text == positive))
                .collect());
        }
        let class = |text: &String| match text.as_str() {
            "1" | "true" => Ok(1),
            "0" | "false" => Ok(0),
            other => Err(Error::data(format!(
                "label `{}` has {other}, but classes are 0 and 1: say which is `positive`, or use \
                 `model = \"multinomial\"`",
                self.label.name
            ))),
        };
        texts.iter().map(class).collect()
    }

    /// Refuses rows that are all of one class.
    ///
    /// # Errors
    /// [`Error::Data`] with the label and the class that no row is of.
    pub(crate) fn check_both(&self, rows: &Rows) -> Result<()> {
        let label = &self.label.name;
        let missing = match (rows.has_both(), &self.positive) {
            ([true, true], _) => return Ok(()),
            ([false, _], Some(positive)) => format!("{positive}, which is the positive class"),
            ([false, _], None) => "the positive class, 1 or true".to_owned(),
            ([true, false], Some(positive)) => format!("a class other than {positive}"),
            ([true, false], None) => "the negative class, 0 or false".to_owned(),
        };
        Err(Error::data(format!(
            "label `{label}`: no row is of {missing}: there is nothing to tell apart"
        )))
    }

    /// The classes of a batch, as numbers that `classes` gives them as they come.
    ///
    /// # Errors
    /// [`Error::Data`] if one is null or NaN, or there are too many.
    pub(crate) fn classes(
        &self,
        batch: &Batch<'_>,
        classes: &mut BTreeMap<String, u32>,
    ) -> Result<Vec<u32>> {
        let number = |text: String| {
            let next = u32::try_from(classes.len()).unwrap_or(u32::MAX);
            *classes.entry(text).or_insert(next)
        };
        let numbers = self.texts(batch)?.into_iter().map(number).collect();
        if classes.len() > crate::MOST_CLASSES {
            return Err(Error::data(format!(
                "label `{}` has more than {} classes: is it a number?",
                self.label.name,
                crate::MOST_CLASSES
            )));
        }
        Ok(numbers)
    }

    /// Labels as text: `true`, `7`, `EWR`.
    fn texts(&self, batch: &Batch<'_>) -> Result<Vec<String>> {
        let column = batch.column(self.label_place);
        let numbers = match &column.values {
            Values::Utf8(_) | Values::Int64(_) | Values::Boolean(_) => Vec::new(),
            _ => column.numbers(batch.rows())?.into_owned(),
        };
        (0..batch.rows())
            .map(|row| match &column.values {
                _ if !column.is_valid(row) => Err(self.unusable_label(column, row, "")),
                Values::Utf8(texts) => Ok(texts.get(row).to_owned()),
                Values::Int64(values) => Ok(values[row].to_string()),
                Values::Boolean(_) => column.boolean(row).map(|class| class.to_string()),
                _ if numbers[row].is_nan() => Err(self.unusable_label(column, row, "NaN")),
                // A float that is whole is written without a point; both zeros are one.
                _ => Ok((numbers[row] + 0.0).to_string()),
            })
            .collect()
    }

    /// The weights of a batch; 1 without weights.
    ///
    /// # Errors
    /// [`Error::Data`] if one is null, below 0 or not finite.
    pub(crate) fn weights(&self, batch: &Batch<'_>) -> Result<Vec<f64>> {
        let Some((name, place)) = &self.weight else {
            return Ok(vec![1.0; batch.rows()]);
        };
        let column = batch.column(*place);
        let weights = column.numbers(batch.rows())?.into_owned();
        let wrong = |weight: &f64| !(0.0..f64::INFINITY).contains(weight);
        match weights.iter().position(wrong) {
            None => Ok(weights),
            Some(row) if !column.is_valid(row) => {
                Err(Error::data(format!("weight `{name}` has a null")))
            }
            Some(row) => Err(Error::data(format!(
                "weight `{name}` has {}: weights are 0 or more, and finite",
                weights[row]
            ))),
        }
    }
}
