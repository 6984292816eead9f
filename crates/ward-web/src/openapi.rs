//! The endpoint table as OpenAPI 3.1.

use serde_json::{Map, Value, json};

use crate::endpoints::{ALL, Access};

/// The description that machines read.
pub fn openapi() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for row in ALL {
        let parameters: Vec<Value> = row
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        let security = match row.access {
            Access::Public => json!([]),
            Access::SignedIn(_) | Access::House(_) => json!([{"bearer": []}]),
        };
        let operation = json!({
            "summary": row.summary,
            "parameters": parameters,
            "security": security,
            "responses": {
                "2XX": {"description": "Done"},
                "4XX": {"description": "Refused: an OperationOutcome says what and where"},
                "5XX": {"description": "Failed: nothing was changed unless it was acknowledged"}
            }
        });
        let path = paths.entry(row.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(row.method.to_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Ward", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}}
    })
}
