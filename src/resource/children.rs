//! Parts of albums, which come nested in the album ("IG Media Children" reference).

use serde_json::{Map, Value as Json};

use super::decode::{self, Decoded};
use crate::graph::{self, Fields};
use crate::store::{Table, Value};

/// The edge.
pub(super) const EDGE: &str = "children";

/// The rows of the parts of an album, as far as they were asked for. Albums have at most 20 parts, so there is no second page.
pub(super) fn rows(
    table: &'static Table,
    media_id: &Value,
    album: &Map<String, Json>,
    asked: &Fields,
    decoded: &mut Decoded,
) {
    let Some(asked) = asked.selection(EDGE) else {
        return;
    };
    for (position, child) in (0..).zip(graph::nested(album, EDGE)) {
        let filled = [
            ("media_id", media_id.clone()),
            ("position", Value::Integer(position)),
        ];
        let child = decode::map(child).and_then(|child| decode::row(table, child, asked, &filled));
        decoded.take(child.map(|row| vec![row]));
    }
}
