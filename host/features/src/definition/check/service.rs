//! Services: ordered lists of features.

use super::Checked;
use crate::definition::file::{File, Section, ServiceKeys};
use crate::definition::{Kind, Service, ServiceFeature};

impl Checked<'_, '_> {
    pub(super) fn service(&mut self, section: &Section<'_, ServiceKeys>, file: &File<'_>) {
        let Some(keys) = &section.keys else { return };
        let name = &section.name;
        let mut features: Vec<ServiceFeature> = Vec::new();
        for entry in &keys.features {
            let text = entry.get_ref();
            let (view_name, wanted) = match text.split_once(':') {
                Some((view, feature)) => (view, Some(feature)),
                None => (text.as_str(), None),
            };
            let Some(view) = self.definitions.view(view_name) else {
                if file.view_names().all(|name| name != view_name) {
                    let names: Vec<_> = file.view_names().collect();
                    let message =
                        format!("service `{name}` reads `{view_name}`, which is no feature view");
                    self.unknown(entry.span(), message, view_name, names, "the views are");
                }
                continue;
            };
            let version = view.version();
            let chosen: Vec<_> = view
                .features()
                .iter()
                .filter(|feature| wanted.is_none_or(|wanted| feature.name == wanted))
                .collect();
            if let (Some(wanted), true) = (wanted, chosen.is_empty()) {
                let names: Vec<_> = view
                    .features()
                    .iter()
                    .map(|one| one.name.as_str())
                    .collect();
                let message = format!(
                    "service `{name}` reads feature `{wanted}`, which view `{view_name}` does not define"
                );
                self.unknown(entry.span(), message, wanted, names, "its features are");
            }
            for feature in chosen {
                let taken = features
                    .iter()
                    .any(|other| other.view == view_name && other.feature == feature.name);
                if taken {
                    let message =
                        format!("service `{name}` has `{view_name}:{}` twice", feature.name);
                    self.wrong(entry.span(), message, "take one of them out");
                    continue;
                }
                features.push(ServiceFeature {
                    view: view_name.to_owned(),
                    version,
                    feature: feature.name.clone(),
                    data_type: feature.data_type,
                });
            }
        }
        if keys.features.is_empty() {
            let message = format!("service `{name}` has no features");
            self.wrong(
                section.value.span(),
                message,
                "list views, or features as `view:feature`",
            );
        }
        let service = Service {
            name: name.clone(),
            features,
        };
        self.definitions.services.insert(name.clone(), service);
        self.about(Kind::Service, name, keys.about());
    }
}
