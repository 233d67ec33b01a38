//! One page of a list.

use crate::cursor::Cursors;
use crate::error::{GraphError, Outcome};
use crate::node::Node;
use crate::seed::Seed;

use super::edge::{List, Style};
use super::{Params, Reader};

/// Marks the cursor of a page that was left empty on purpose, so that the next one is not.
const AFTER_EMPTY_PAGE: u64 = 1 << 62;

/// The items of a page, with the slots of its ends.
pub(super) struct Page<'w> {
    items: Vec<(u64, Node<'w>)>,
    /// Slots that were counted against the limit and then kept back.
    filtered: Vec<u64>,
    pub(super) before: Option<u64>,
    pub(super) after: Option<u64>,
    pub(super) has_next: bool,
    pub(super) has_previous: bool,
}

impl<'s> Page<'s> {
    pub(super) fn read(
        reader: &Reader<'s>,
        list: &List<'s>,
        cursors: Cursors,
        params: Params<'_>,
    ) -> Outcome<Self> {
        if list.style == Style::SameAfter {
            return Self::read_same_after(reader, list, cursors, params);
        }
        let limit = limit(reader, list, params)?;
        let slot_of = |name| {
            params
                .get(name)
                .filter(|cursor| !cursor.is_empty())
                .map(|cursor| {
                    let slot = cursors
                        .decode(cursor)
                        .ok_or_else(GraphError::cursor_out_of_reach)?;
                    let gone = (list.item)(slot & !AFTER_EMPTY_PAGE).is_none();
                    if gone && reader.rules().cursors_die_with_their_item {
                        return Err(GraphError::cursor_out_of_reach());
                    }
                    Ok(slot)
                })
        };
        let after = disturbed(reader, list, slot_of("after").transpose()?)?;
        if let Some(before) = slot_of("before").transpose()?.filter(|_| after.is_none()) {
            return Ok(Self::backward(list, before & !AFTER_EMPTY_PAGE, limit).filtered(reader));
        }
        let page = Self::forward(list, after.map(|slot| slot & !AFTER_EMPTY_PAGE), limit);
        Ok(page
            .maybe_empty(reader, after)
            .filtered(reader)
            .with_item_twice(reader))
    }

    /// The items that the caller gets to see.
    pub(super) fn told(&self) -> impl Iterator<Item = Node<'s>> {
        self.items
            .iter()
            .filter(|(slot, _)| !self.filtered.contains(slot))
            .map(|(_, node)| node.clone())
    }

    /// Media of hashtags: the cursor says nothing, the server remembers where it stopped.
    fn read_same_after(
        reader: &Reader<'s>,
        list: &List<'s>,
        cursors: Cursors,
        params: Params<'_>,
    ) -> Outcome<Self> {
        let limit = limit(reader, list, params)?;
        let after = match params.get("after").filter(|cursor| !cursor.is_empty()) {
            None => None,
            Some(cursor) => {
                cursors
                    .decode(cursor)
                    .ok_or_else(GraphError::cursor_out_of_reach)?;
                disturbed(reader, list, reader.memory.position(reader.call))?
            }
        };
        let page = Self::forward(list, after, limit);
        reader.memory.remember_position(reader.call, page.after);
        Ok(page.with_item_twice(reader))
    }

    fn forward(list: &List<'s>, after: Option<u64>, limit: usize) -> Self {
        let mut walk = list.walk(after, true);
        let items: Vec<_> = walk.by_ref().take(limit).collect();
        let has_next = walk.next().is_some();
        let first = items.first().map(|(slot, _)| *slot);
        let has_previous = after.is_some()
            && first.is_some_and(|slot| list.walk(Some(slot), false).next().is_some());
        Self::of(items, has_next, has_previous)
    }

    fn backward(list: &List<'s>, before: u64, limit: usize) -> Self {
        let mut walk = list.walk(Some(before), false);
        let mut items: Vec<_> = walk.by_ref().take(limit).collect();
        let has_previous = walk.next().is_some();
        items.reverse();
        Self::of(items, true, has_previous)
    }

    fn of(items: Vec<(u64, Node<'s>)>, has_next: bool, has_previous: bool) -> Self {
        Self {
            before: items.first().map(|(slot, _)| *slot),
            after: items.last().map(|(slot, _)| *slot),
            items,
            filtered: Vec::new(),
            has_next,
            has_previous,
        }
    }

    /// Now and then a page is empty and still has a `next`.
    fn maybe_empty(mut self, reader: &Reader<'s>, cursor: Option<u64>) -> Self {
        let every = reader.rules().empty_page_every;
        let Some(slot) = cursor.filter(|slot| every > 0 && slot & AFTER_EMPTY_PAGE == 0) else {
            return self;
        };
        if self.items.is_empty() || Seed::new(slot).below(every) != 0 {
            return self;
        }
        self.items.clear();
        self.before = Some(slot);
        self.after = Some(slot | AFTER_EMPTY_PAGE);
        self.has_next = true;
        self
    }

    fn with_item_twice(mut self, reader: &Reader<'s>) -> Self {
        if reader.changes.item_twice {
            self.items.extend(self.items.last().cloned());
        }
        self
    }

    fn filtered(mut self, reader: &Reader<'s>) -> Self {
        let per_hundred = reader.rules().filtered_per_hundred;
        if per_hundred > 0 {
            let slots = self.items.iter().map(|(slot, _)| *slot);
            self.filtered = slots
                .filter(|slot| Seed::new(*slot).with(1).below(100) < per_hundred)
                .collect();
        }
        self
    }
}

impl<'w> List<'w> {
    /// The visible items beyond `from`, in the order of the list or against it.
    fn walk(
        &self,
        from: Option<u64>,
        with_the_order: bool,
    ) -> impl Iterator<Item = (u64, Node<'w>)> {
        let mut range = self.slots.clone();
        let downwards = self.newest_first == with_the_order;
        if let Some(from) = from {
            if downwards {
                range.end = range.end.min(from);
            } else {
                range.start = range.start.max(from + 1);
            }
        }
        let (start, end) = (range.start, range.end.max(range.start));
        (0..end - start).filter_map(move |step| {
            let slot = if downwards {
                end - 1 - step
            } else {
                start + step
            };
            (self.item)(slot).map(|node| (slot, node))
        })
    }
}

/// Where a page begins, after faults have had their say: the cursor may be dead, or everything may have moved by one.
fn disturbed(reader: &Reader<'_>, list: &List<'_>, after: Option<u64>) -> Outcome<Option<u64>> {
    let Some(slot) = after else {
        return Ok(None);
    };
    if reader.changes.dead_cursor {
        return Err(GraphError::cursor_out_of_reach());
    }
    if !reader.changes.shifted_page {
        return Ok(after);
    }
    let mut before = list.walk(Some(slot & !AFTER_EMPTY_PAGE), false);
    Ok(before.next().map(|(slot, _)| slot))
}

/// The wanted page size. What is too large is silently lowered or refused; what is no number counts as not given.
fn limit(reader: &Reader<'_>, list: &List<'_>, params: Params<'_>) -> Outcome<usize> {
    let wanted = params.get("limit").and_then(|limit| limit.parse().ok());
    let wanted = wanted.unwrap_or(list.default_limit);
    if wanted > list.max_limit && reader.rules().large_limits_refused {
        // No page quotes the text.
        return Err(GraphError::new(100, "Invalid parameter"));
    }
    Ok(wanted.min(list.max_limit))
}
