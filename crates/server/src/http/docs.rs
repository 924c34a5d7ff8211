//! `/docs`: the description of the interface as one page, without a script and without the network.

use askama::Template;
use serde_json::Value;

use super::problem::Problem;

struct Operation {
    method: String,
    path: String,
    summary: String,
    text: String,
    parameters: Vec<(String, String, String)>,
    answers: Vec<(String, String)>,
}

struct Group {
    tag: String,
    operations: Vec<Operation>,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    version: String,
    groups: Vec<Group>,
}

/// The page.
pub fn page() -> Result<String, Problem> {
    let description: Value = serde_json::from_str(&super::description()).unwrap_or_default();
    let version = text(&description["info"]["version"]);
    let mut groups: Vec<Group> = Vec::new();
    for (path, item) in description["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag = text(&operation["tags"][0]);
            let operation = read(method, path, operation);
            match groups.iter_mut().find(|group| group.tag == tag) {
                Some(group) => group.operations.push(operation),
                None => groups.push(Group { tag, operations: vec![operation] }),
            }
        }
    }
    Page { version, groups }.render().map_err(|e| {
        tracing::error!(error = %e, "the description can't be shown");
        Problem::unavailable("docs", "the description can't be shown; GET /openapi.json has it")
    })
}

fn read(method: &str, path: &str, operation: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let answers = operation["responses"].as_object().into_iter().flatten();
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        text: text(&operation["description"]),
        parameters: parameters
            .map(|p| (text(&p["name"]), text(&p["in"]), text(&p["description"])))
            .collect(),
        answers: answers.map(|(status, a)| (status.clone(), text(&a["description"]))).collect(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
