//! Rows from CSV files.

use std::{collections::BTreeMap, error::Error, fs};

use gbdt::Rows;

pub(crate) type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// The names of the features, and the rows.
pub(crate) fn read_csv(path: &str) -> Result<(Vec<String>, Rows)> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines
        .next()
        .ok_or("the file is empty")?
        .split(',')
        .collect();
    let (weighted, grouped) = (header.contains(&"weight"), header.contains(&"group"));
    let is_feature = |name: &&str| !["label", "weight", "group"].contains(name);
    let names: Vec<String> = header
        .iter()
        .copied()
        .filter(is_feature)
        .map(str::to_owned)
        .collect();
    let mut rows = Rows::new(names.len());
    if weighted {
        rows = rows.weighted();
    }
    if grouped {
        rows = rows.grouped();
    }
    let mut groups = BTreeMap::new();
    for line in lines {
        let (mut features, mut label, mut weight, mut group) =
            (Vec::with_capacity(names.len()), f32::NAN, 1.0, 0);
        for (name, cell) in header.iter().zip(line.split(',')) {
            let value = || -> Result<f32> {
                Ok(if cell.is_empty() {
                    f32::NAN
                } else {
                    cell.parse()?
                })
            };
            match *name {
                "label" => label = value()?,
                "weight" => weight = value()?,
                "group" => {
                    let next = u32::try_from(groups.len())?;
                    group = *groups.entry(cell).or_insert(next);
                }
                _ => features.push(value()?),
            }
        }
        rows.extend(
            &features,
            &[label],
            weighted.then_some(&[weight]),
            grouped.then_some(&[group]),
        )?;
    }
    Ok((names, rows))
}
