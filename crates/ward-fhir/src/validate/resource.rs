//! A whole resource: its type, and the resources inside it.

use ward_core::ResourceType;

use crate::{
    definitions::TypeDef,
    json::{Json, Object},
    outcome::IssueCode as Code,
};

use super::{Walk, path::Path};

impl<'a> Walk<'a> {
    pub(super) fn root<'j: 'a>(&mut self, json: &'a Json<'j>, expected: Option<ResourceType>) {
        let name = json.get("resourceType").and_then(Json::as_str);
        let name = name.and_then(|n| self.schema.resource(n)).map_or("Resource", |def| def.name);
        let path = Path::root(name);
        if let Some(expected) = expected
            && name != "Resource"
            && expected.name() != name
        {
            self.error(&path, Code::Invalid, format!("`resourceType` must be {expected} here"));
        }
        self.independent(json, &path);
    }

    /// A resource with contained resources of its own.
    pub(super) fn independent<'j: 'a>(&mut self, json: &'a Json<'j>, path: &Path<'_>) {
        let Some((def, object)) = self.typed(json, path) else { return };
        let contained = object.get("contained").and_then(Json::as_array).unwrap_or_default();
        let outer = std::mem::replace(&mut self.contained, contained);
        self.unique_ids(contained, path);
        self.object(def, object, path);
        self.contained = outer;
    }

    /// A resource inside another; it shares the other's contained resources.
    pub(super) fn contained<'j: 'a>(&mut self, json: &'a Json<'j>, path: &Path<'_>) {
        let Some((def, object)) = self.typed(json, path) else { return };
        if object.contains("contained") {
            self.error(path, Code::Invariant, "a contained resource contains others (dom-2)");
        }
        if !object.contains("id") {
            self.error(path, Code::Required, "a contained resource needs an `id`");
        }
        if let Some(meta) = object.get("meta").and_then(Json::as_object) {
            for (name, rule) in [("versionId", 4), ("lastUpdated", 4), ("security", 5)] {
                if meta.contains(name) {
                    let text = format!("a contained resource has `meta.{name}` (dom-{rule})");
                    self.error(path, Code::Invariant, text);
                }
            }
        }
        self.object(def, object, path);
    }

    fn typed<'o, 'j>(
        &mut self,
        json: &'o Json<'j>,
        path: &Path<'_>,
    ) -> Option<(&'static TypeDef, &'o Object<'j>)> {
        let Some(object) = json.as_object() else {
            let text = format!("a resource is an object, this is {}", json.kind_name());
            self.error(path, Code::Structure, text);
            return None;
        };
        let Some(name) = object.get("resourceType") else {
            self.error(path, Code::Required, "`resourceType` is required");
            return None;
        };
        let known = name.as_str().and_then(|name| self.schema.resource(name));
        if known.is_none() {
            self.error(path, Code::Value, "`resourceType` is not a resource type of FHIR R4");
        }
        Some((known?, object))
    }

    fn unique_ids(&mut self, contained: &[Json<'_>], path: &Path<'_>) {
        let mut ids: Vec<&str> = contained.iter().filter_map(|c| c.get("id")?.as_str()).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            let path = path.name("contained");
            self.error(&path, Code::Duplicate, "two contained resources have the same `id`");
        }
    }
}
