//! The resources that a message is written from.

use std::{collections::BTreeMap, rc::Rc};

use ward_fhir::Json;

/// Resources, and the names that references call them.
///
/// - Cost: cheap to clone.
#[derive(Clone)]
pub(super) struct Source<'j> {
    resources: Rc<Vec<&'j Json<'j>>>,
    by_name: Rc<BTreeMap<String, usize>>,
}

impl<'j> Source<'j> {
    /// The resources of a bundle, or the one that it is.
    pub fn new(json: &'j Json<'j>) -> Source<'j> {
        let (mut resources, mut by_name) = (Vec::new(), BTreeMap::new());
        let mut add = |resource: &'j Json<'j>, url: &str| {
            let at = resources.len();
            resources.push(resource);
            if !url.is_empty() {
                by_name.entry(url.to_owned()).or_insert(at);
            }
            if let Some(id) = resource.get("id").and_then(Json::as_str) {
                by_name.entry(format!("{}/{id}", kind(resource))).or_insert(at);
            }
        };
        if kind(json) == "Bundle" {
            for entry in json.get("entry").map(Json::items).unwrap_or_default() {
                if let Some(resource) = entry.get("resource") {
                    let url = entry.get("fullUrl").and_then(Json::as_str).unwrap_or_default();
                    add(resource, url);
                }
            }
        } else {
            add(json, "");
        }
        Source { resources: Rc::new(resources), by_name: Rc::new(by_name) }
    }

    /// The resource that a Reference in `owner` means.
    pub fn resolve(&self, reference: &'j Json<'j>, owner: &'j Json<'j>) -> Option<&'j Json<'j>> {
        let name = reference.get("reference").and_then(Json::as_str)?;
        if let Some(id) = name.strip_prefix('#') {
            let contained = owner.get("contained").map(Json::items).unwrap_or_default();
            return contained.iter().find(|it| it.get("id").and_then(Json::as_str) == Some(id));
        }
        if let Some(at) = self.by_name.get(name) {
            return self.resources.get(*at).copied();
        }
        // `https://host/fhir/Patient/1`, or with a version.
        let name = name.split("/_history/").next().unwrap_or(name);
        let mut parts = name.rsplit('/');
        let (id, kind) = (parts.next()?, parts.next()?);
        let at = self.by_name.get(&format!("{kind}/{id}"))?;
        self.resources.get(*at).copied()
    }

    pub fn of_kind(&self, name: &str) -> impl Iterator<Item = &'j Json<'j>> {
        self.resources.iter().copied().filter(move |it| kind(it) == name)
    }

    /// What the references at a path of `resource` mean.
    pub fn referred(&self, resource: &'j Json<'j>, path: &str) -> Vec<&'j Json<'j>> {
        let elements = elements(resource, path);
        elements.into_iter().filter_map(|it| self.resolve(it, resource)).collect()
    }
}

/// The type of a resource.
pub(super) fn kind<'j>(resource: &'j Json<'_>) -> &'j str {
    resource.get("resourceType").and_then(Json::as_str).unwrap_or_default()
}

/// Everything at a path, through lists.
pub(super) fn elements<'j>(json: &'j Json<'j>, path: &str) -> Vec<&'j Json<'j>> {
    let mut found = vec![json];
    for name in path.split('.') {
        found = found.into_iter().filter_map(|it| it.get(name)).flat_map(Json::items).collect();
    }
    found
}
