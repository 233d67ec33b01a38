//! From a checked caller to a body.

use crate::error::{GraphError, Outcome};
use crate::fields::Selection;
use crate::node::{self, Node};
use crate::reader::{Params, Reader};

/// Reads what the path names.
pub(super) fn read(reader: &mut Reader<'_>) -> Outcome<()> {
    let call = reader.call;
    let segments: Vec<&str> = call.path.iter().map(String::as_str).collect();
    if call.param("ids").is_some() {
        return Err(GraphError::multi_id_read());
    }
    if call.method != "GET" {
        let id = segments.first().copied().unwrap_or("/");
        return Err(GraphError::unsupported(&call.method.to_lowercase(), id));
    }
    let selection = selection(reader)?;
    match segments[..] {
        [] => Err(GraphError::unsupported_get("/")),
        ["oauth", "access_token"] => node::write_access_token(reader),
        ["debug_token"] => node::write_debug_token(reader),
        ["ig_hashtag_search"] => {
            let found = node::search_hashtag(reader)?;
            reader.rootless_edge(found, "ig_hashtag_search", selection.as_ref())
        }
        [id] => {
            let node = node::resolve(reader, id)?;
            check_data_access(reader, &node)?;
            if matches!(node, Node::Page(_)) {
                node::check_page_access(reader)?;
            }
            reader.check_weight(selection.as_ref(), 1)?;
            reader.object(&node, selection.as_ref())
        }
        [id, edge] => {
            let node = node::resolve(reader, id)?;
            check_data_access(reader, &node)?;
            reader.top_edge(&node, edge, selection.as_ref())
        }
        [_, ..] => Err(GraphError::unknown_path(&segments[1..].join("/"))),
    }
}

/// Parses `fields`.
fn selection(reader: &Reader<'_>) -> Outcome<Option<Selection>> {
    let params = Params(&reader.call.params);
    let fields = params.get("fields").filter(|fields| !fields.is_empty());
    fields
        .map(Selection::parse)
        .transpose()
        .map_err(|error| GraphError::new(2500, error.message))
}

/// 90 days after the user was last active a token still authenticates, but reaches no data.
fn check_data_access(reader: &Reader<'_>, node: &Node<'_>) -> Outcome<()> {
    if reader.caller.has_data_access(reader.now) || matches!(node, Node::User) {
        return Ok(());
    }
    Err(GraphError::no_permission())
}
