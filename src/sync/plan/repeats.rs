//! Lists that have cursors only may go round in circles: a page on which nothing is new is their end ("Paginated Results" page names no
//! other one).

use super::Plan;
use crate::graph::Shape;
use crate::store::{Row, Value};

impl Plan<'_> {
    /// Notes the objects of a page; says whether all of them stood on earlier pages. Of such a list nothing is concluded.
    pub(in crate::sync) fn repeats(&mut self, rows: &[Row]) -> bool {
        if self.walk.shape != Shape::CursorEdge {
            return false;
        }
        let before = self.shown.len();
        let ids = rows.iter().filter_map(id);
        self.shown.extend(ids.map(str::to_owned));
        let repeats = !rows.is_empty() && self.shown.len() == before;
        self.unclean |= repeats;
        repeats
    }
}

fn id(row: &Row) -> Option<&str> {
    match row.values.get(row.table.position("id")?)? {
        Some(Value::Text(id)) => Some(id),
        _ => None,
    }
}
