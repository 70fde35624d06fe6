//! `schema.json` is made from the types of the suite.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Value, json};

use super::folder;
use super::suite::{NULLABLE, Scenario};

/// With this variable set, the test writes the file anew.
const WRITE: &str = "REAUTH_WRITE_SCHEMA";

#[test]
fn the_schema_is_that_of_the_types() {
    let (path, schema) = (folder().join("schema.json"), schema());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap();
    assert!(
        file == schema,
        "schema.json is not that of the types; run this test with {WRITE}=1 to write it anew"
    );
}

fn schema() -> String {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Vec<Scenario>>();
    schema.insert(
        "title".into(),
        "Conformance scenarios of a client that keeps bearer credentials valid".into(),
    );
    let about =
        "One file: a list of scenarios. README.md explains the model, the steps and the expectations.";
    schema.insert("description".into(), about.into());
    schema.insert("minItems".into(), json!(1));
    RecursiveTransform(tidy).transform(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

/// Takes out what only Rust knows: line breaks, the width of numbers, null for a key that is left out. A text is not
/// empty.
fn tidy(schema: &mut Schema) {
    schema.remove("format");
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if schema.get("type") == Some(&json!("string"))
        && ["const", "enum", "pattern"].iter().all(|k| schema.get(*k).is_none())
    {
        schema.insert("minLength".into(), json!(1));
    }
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten().filter(|(key, _)| !NULLABLE.contains(&key.as_str()))
    {
        let Some(property) = property.as_object_mut() else { continue };
        if let Some(Value::Array(types)) = property.get("type") {
            let is_null = |name: &&Value| **name == "null";
            property["type"] = types.iter().find(|name| !is_null(name)).cloned().unwrap();
        }
        if let Some(Value::Array(forms)) = property.get("anyOf").cloned() {
            if let [Value::Object(form), null] = forms.as_slice() {
                assert_eq!(*null, json!({ "type": "null" }));
                property.remove("anyOf");
                property.extend(form.clone());
            }
        }
    }
}
