//! Entities: what features describe.

use trueline_table::DataType;

use super::Checked;
use crate::definition::file::{EntityKeys, Section};
use crate::definition::{Entity, Kind};

impl Checked<'_, '_> {
    pub(super) fn entity(&mut self, section: &Section<'_, EntityKeys>) {
        let Some(keys) = &section.keys else { return };
        let name = &section.name;
        if keys.keys.is_empty() {
            let span = section.value.span();
            let message = format!("entity `{name}` has no key");
            self.wrong(
                span,
                message,
                "name what identifies one: keys = { user_id = \"int64\" }",
            );
        }
        for (key, data_type) in &keys.keys {
            if !is_key_type(*data_type.get_ref()) {
                let message = format!(
                    "entity `{name}`: `{}` cannot be a key, as it is {}",
                    key.get_ref(),
                    data_type.get_ref()
                );
                let hint = "keys are boolean, int32, int64, utf8, binary, timestamp or date: equal keys must have equal bytes";
                self.wrong(data_type.span(), message, hint);
            }
        }
        let types = keys
            .keys
            .iter()
            .map(|(key, data_type)| (key.get_ref().clone(), *data_type.get_ref()));
        let entity = Entity {
            name: name.clone(),
            keys: types.collect(),
        };
        self.definitions.entities.insert(name.clone(), entity);
        self.about(Kind::Entity, name, keys.about());
    }
}

/// Types whose equal values have equal bytes, and that people identify things by.
fn is_key_type(data_type: DataType) -> bool {
    use DataType::{Binary, Boolean, Date, Int32, Int64, Timestamp, Utf8};
    matches!(
        data_type,
        Boolean | Int32 | Int64 | Utf8 | Binary | Timestamp | Date
    )
}

/// Whether a column can be matched with a key: whole numbers of both widths can.
pub(crate) fn same_key_type(column: DataType, key: DataType) -> bool {
    let is_whole = |data_type| matches!(data_type, DataType::Int32 | DataType::Int64);
    column == key || is_whole(column) && is_whole(key)
}
