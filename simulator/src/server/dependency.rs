//! Parts of a batch that use what an earlier part answered.
//!
//! Meta's page: "Batch Requests", its section on dependencies between operations: `{result=NAME:JSONPATH}` inside a
//! `relative_url`.

use serde_json::Value;

const OPENING: &str = "{result=";

/// The names of the parts that a `relative_url` uses, in order.
pub(super) fn names(relative_url: &str) -> impl Iterator<Item = &str> {
    let parts = relative_url.split(OPENING).skip(1);
    parts.map(|part| part.split([':', '}']).next().unwrap_or_default())
}

/// Puts in what the paths find in the bodies of the named parts, with commas in between; nothing where the text is no
/// such expression.
pub(super) fn resolved(relative_url: &str, body: impl Fn(&str) -> Value) -> Option<String> {
    let (mut resolved, mut rest) = (String::new(), relative_url);
    while let Some((before, expression)) = rest.split_once(OPENING) {
        let (expression, after) = expression.split_once('}')?;
        let (name, path) = expression.split_once(':')?;
        let body = body(name);
        let found: Vec<String> = select(&body, path)?.into_iter().map(text).collect();
        resolved.push_str(before);
        resolved.push_str(&found.join(","));
        rest = after;
    }
    resolved.push_str(rest);
    Some(resolved)
}

/// The part of JSONPath that Meta's samples use: members, `*`, and places in arrays.
fn select<'v>(body: &'v Value, path: &str) -> Option<Vec<&'v Value>> {
    let path = path.strip_prefix('$')?.replace('[', ".").replace(']', "");
    let mut found = vec![body];
    for step in path.split('.').skip(1) {
        found = match step {
            "" => return None,
            "*" => found.into_iter().flat_map(children).collect(),
            _ => found
                .into_iter()
                .filter_map(|value| child(value, step))
                .collect(),
        };
    }
    Some(found)
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => Vec::new(),
    }
}

fn child<'v>(value: &'v Value, step: &str) -> Option<&'v Value> {
    match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put_in(relative_url: &str) -> Option<String> {
        let body = json!({"data": [{"id": "1", "n": 7}, {"id": "2"}], "paging": {"next": "x"}});
        resolved(relative_url, |_| body.clone())
    }

    #[test]
    fn what_a_path_finds_is_put_in_with_commas() {
        for (relative_url, expected) in [
            (
                "?ids={result=a:$.data.*.id}&fields=id",
                "?ids=1,2&fields=id",
            ),
            ("{result=a:$.data[1].id}/insights", "2/insights"),
            ("{result=a:$.data[*].n}/{result=b:$.paging.next}", "7/x"),
            ("x{result=a:$.data.*.name}", "x"),
            ("me?fields=media{id}", "me?fields=media{id}"),
        ] {
            assert_eq!(put_in(relative_url).as_deref(), Some(expected));
        }
        for broken in [
            "{result=a:$.data",
            "{result=a}",
            "{result=a:data}",
            "{result=a:$..id}",
        ] {
            assert_eq!(put_in(broken), None, "{broken}");
        }
    }

    #[test]
    fn names_are_found_in_broken_expressions_as_well() {
        let all: Vec<_> = names("{result=a:$.id}/x?fields={result=b}").collect();
        assert_eq!(all, ["a", "b"]);
        assert_eq!(names("me?fields=media{id}").count(), 0);
    }
}
