//! How heavy a request is. The real measure is not public; items times fields is what makes real requests fail.

use crate::fields::Selection;

use crate::node::is_edge_of_some_node;

use super::Params;

/// Items of an album at most.
const CHILDREN: u64 = 10;
/// Items of a nested page without a limit.
const PAGE: u64 = 25;
/// One metric costs more than one field.
const METRIC: u64 = 5;

/// Items times fields, nested edges included.
pub(super) fn weight(selection: Option<&Selection>, items: u64) -> u64 {
    let per_item: u64 = selection.map_or(1, |selection| {
        selection
            .fields
            .iter()
            .map(|field| {
                let params = Params(&field.arguments);
                if let Some(metrics) = params.get("metric") {
                    return METRIC * metrics.split(',').count() as u64;
                }
                let limit = params.get("limit").and_then(|limit| limit.parse().ok());
                let items = match field.name.as_str() {
                    "children" => CHILDREN,
                    name if is_edge_of_some_node(name) => limit.unwrap_or(PAGE),
                    _ => 1,
                };
                weight(field.selection.as_ref(), items)
            })
            .sum()
    });
    items * per_item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_items_multiply() {
        let selection =
            Selection::parse("id,caption,comments.limit(50){id,replies.limit(10){id,text}}")
                .unwrap();
        assert_eq!(weight(Some(&selection), 100), 100 * (2 + 50 * (1 + 10 * 2)));
    }
}
