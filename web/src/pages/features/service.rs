//! A feature service.

use maud::{Markup, html};

use super::{picture, told, training_sets, versions};
use crate::api::features::service::ServiceDetails;
use crate::pages::{Frame, Section, columns, link, text, values};

/// The page of a service.
pub(crate) fn service(service: &ServiceDetails, now_us: i64) -> Markup {
    let row = &service.row;
    let content = html! {
        div.head {
            p.eyebrow { "Feature service" }
            h1 { (row.name) }
            p.facts {
                span { b { (row.feature_count) } " features" }
                span { "version " code title=(row.version) { (text::short(&row.version)) } (text::copy(&row.version, "version")) }
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
        section aria-labelledby="definition" {
            h2 id="definition" { "Definition" }
            details { summary { "As it was applied" } (values::exact(&service.definition)) }
        }
    };
    let path = link::feature_service(&row.name);
    let frame = Frame {
        title: &row.name,
        section: Section::Features,
        above: vec![("Features".to_owned(), "/features".to_owned())],
        json: Some(format!("/v1{path}")),
    };
    frame.page(&content)
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
