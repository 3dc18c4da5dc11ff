//! A feature service.

use maud::{Markup, html};

use super::{definition, framed, picture, told, training_sets, version, versions};
use crate::api::features::service::ServiceDetails;
use crate::pages::{columns, link, text};

/// The page of a service.
pub(crate) fn service(service: &ServiceDetails, now_us: i64) -> Markup {
    let row = &service.row;
    let content = html! {
        div.head {
            p.eyebrow { "Feature service" }
            h1 { (row.name) }
            p.facts {
                span { b { (row.feature_count) } " features" }
                span { (version(&row.version)) }
            }
            (told(&row.about))
        }
        (picture(&service.graph))
        div.columns {
            section aria-labelledby="features" { h2 id="features" { "Features, in order" } (features(service)) }
            section aria-labelledby="keys" { h2 id="keys" { "Asked for by" } (columns::columns(&service.keys, "Join keys")) }
        }
        section aria-labelledby="training-sets" { h2 id="training-sets" { "Training sets" } (training_sets(&service.training_sets, false, now_us)) }
        (versions(&service.versions, now_us))
        (definition(&service.definition))
    };
    framed(&row.name, &link::feature_service(&row.name), &content)
}

fn features(service: &ServiceDetails) -> Markup {
    html! {
        div.scroll.tall[service.features.len() > columns::TALL] tabindex="0" role="group" aria-label="Features" {
            table.rows.small {
                thead { tr { th.number scope="col" { "#" } th scope="col" { "Feature" } th scope="col" { "Type" } th scope="col" { "View" } th scope="col" { "Its version" } } }
                tbody { @for (place, feature) in service.features.iter().enumerate() { tr {
                    td.number { (place + 1) }
                    th scope="row" { code { (feature.feature) } }
                    td { (feature.data_type) }
                    td { a href=(link::feature_view(&feature.view)) { (feature.view) } }
                    td { code title=(feature.version) { (text::short(&feature.version)) } }
                } } }
            }
        }
    }
}
