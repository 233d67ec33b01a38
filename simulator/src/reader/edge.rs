//! Edges: what they list, and how they are written.

use std::fmt;
use std::ops::Range;

use crate::cursor::Cursors;
use crate::error::Outcome;
use crate::fields::Selection;
use crate::node::Node;

use super::page::Page;
use super::{Params, Reader};

/// What an edge leads to.
pub(crate) enum Edge<'w> {
    /// A list that is read page by page.
    List(List<'w>),
    /// Everything at once, without `paging`.
    Rows(Vec<Node<'w>>),
    /// Insights: everything at once, with neighbouring time windows instead of cursors.
    Windows {
        rows: Vec<Node<'w>>,
        previous: Vec<(String, String)>,
        next: Vec<(String, String)>,
    },
}

/// A list over slots. A slot keeps its number for ever; an item that cannot be seen leaves its slot empty.
pub(crate) struct List<'w> {
    pub(crate) slots: Range<u64>,
    pub(crate) newest_first: bool,
    pub(crate) item: Box<dyn Fn(u64) -> Option<Node<'w>> + 'w>,
    pub(crate) default_limit: usize,
    pub(crate) max_limit: usize,
    pub(crate) style: Style,
}

/// How an edge pages ("Paginated Results" page, and the reference page of each edge).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Cursors with `next` and `previous`.
    Links,
    /// Cursors without links: tags, and Instagram edges inside `fields`.
    CursorsOnly,
    /// `after` and `next`, and no `paging` at all on the last page: comments.
    AfterOnly,
    /// `after` that never changes, with `next`: media of hashtags.
    SameAfter,
}

impl fmt::Debug for Edge<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Edge")
    }
}

impl<'s> Reader<'s> {
    /// Writes `{"data":[…],"paging":{…}}` and says how many items there are.
    pub(super) fn write_edge(
        &mut self,
        edge: Edge<'s>,
        node: &Node<'s>,
        name: &str,
        params: Params<'_>,
        selection: Option<&Selection>,
        nested: bool,
    ) -> Outcome<usize> {
        match edge {
            Edge::Rows(rows) => {
                self.open_data(&rows, selection, nested)?;
                self.json.close_object();
                Ok(rows.len())
            }
            Edge::Windows {
                rows,
                previous,
                next,
            } => {
                self.open_data(&rows, selection, nested)?;
                if !nested {
                    self.json.key("paging");
                    self.json.open_object();
                    let previous = self.link(name, &previous);
                    self.json.string_member("previous", &previous);
                    let next = self.link(name, &next);
                    self.json.string_member("next", &next);
                    self.json.close_object();
                }
                self.json.close_object();
                Ok(rows.len())
            }
            Edge::List(list) => {
                let cursors = Cursors::of_edge(self.world.seed(), &node.id(), name);
                let page = Page::read(self, &list, cursors, params)?;
                let rows: Vec<Node<'s>> = page.told().collect();
                self.open_data(&rows, selection, nested)?;
                self.write_paging(&page, &list, cursors, name, nested);
                self.json.close_object();
                Ok(rows.len())
            }
        }
    }

    fn open_data(
        &mut self,
        rows: &[Node<'s>],
        selection: Option<&Selection>,
        nested: bool,
    ) -> Outcome<()> {
        if !nested {
            self.check_weight(selection, rows.len() as u64)?;
        }
        self.json.open_object();
        self.json.key("data");
        self.json.open_array();
        for row in rows {
            self.object(row, selection)?;
        }
        self.json.close_array();
        Ok(())
    }

    fn write_paging(
        &mut self,
        page: &Page<'s>,
        list: &List<'s>,
        cursors: Cursors,
        name: &str,
        nested: bool,
    ) {
        let links = !nested && list.style != Style::CursorsOnly;
        let after = page.after.map(|slot| {
            if list.style == Style::SameAfter {
                cursors.encode(0)
            } else {
                cursors.encode(slot)
            }
        });
        let silent = match list.style {
            Style::AfterOnly => !page.has_next,
            Style::SameAfter => after.is_none(),
            Style::Links | Style::CursorsOnly => {
                page.after.is_none() || (nested && !page.has_next && !page.has_previous)
            }
        };
        let Some(after) = after.filter(|_| !silent) else {
            return;
        };
        let tells_before = match list.style {
            Style::Links => true,
            // Recorded Business Discovery pages have no `before` where nothing is before.
            Style::CursorsOnly => page.has_previous,
            Style::AfterOnly | Style::SameAfter => false,
        };
        let tells_after = page.has_next || self.rules().last_page_has_after;
        let before = page
            .before
            .filter(|_| tells_before)
            .map(|slot| cursors.encode(slot));
        self.json.key("paging");
        self.json.open_object();
        self.json.key("cursors");
        self.json.open_object();
        if let Some(before) = &before {
            self.json.string_member("before", before);
        }
        if tells_after {
            self.json.string_member("after", &after);
        }
        self.json.close_object();
        if links && page.has_next {
            let next = self.link(name, &[("after".to_owned(), after)]);
            self.json.string_member("next", &next);
        }
        if let Some(before) = before.filter(|_| links && page.has_previous) {
            let previous = self.link(name, &[("before".to_owned(), before)]);
            self.json.string_member("previous", &previous);
        }
        self.json.close_object();
    }

    /// An address of the same call with other paging parameters. It contains the access token, as the real one does.
    fn link(&self, edge: &str, replaced: &[(String, String)]) -> String {
        let is_replaced = |name: &str| {
            matches!(name, "after" | "before")
                || replaced.iter().any(|(replaced, _)| replaced == name)
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(
            self.call
                .params
                .iter()
                .filter(|(name, _)| !is_replaced(name)),
        );
        query.append_pair(
            "access_token",
            self.call.token.as_deref().unwrap_or_default(),
        );
        query.extend_pairs(replaced.iter().filter(|(_, value)| !value.is_empty()));
        let node = self.call.path.first().map_or("", String::as_str);
        format!(
            "{}/{}/{node}/{edge}?{}",
            self.rules().base_url,
            self.version_name,
            query.finish()
        )
    }
}
