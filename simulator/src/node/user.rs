//! `/me`: the user of the token.
//!
//! Meta's pages: "User Accounts" (…/docs/graph-api/reference/user/accounts) and "User Permissions".

use crate::error::Outcome;
use crate::reader::{Edge, List, Reader, Style};
use crate::world::TokenKey;

use super::{Node, Row, business};

pub(super) fn write_field(reader: &mut Reader<'_>, name: &str, key: &str) -> bool {
    let Some(spec) = reader.caller.spec() else {
        return false;
    };
    match name {
        "id" => reader.json.plain_member(key, &spec.user_id),
        "name" => reader.json.string_member(key, &spec.user_name),
        _ => return false,
    }
    true
}

pub(super) fn edge<'s>(reader: &mut Reader<'s>, name: &str) -> Outcome<Option<Edge<'s>>> {
    match name {
        "businesses" => business::of_user(reader).map(Some),
        "accounts" => Ok(Some(accounts(reader))),
        "permissions" => Ok(Some(permissions(reader))),
        _ => Ok(None),
    }
}

/// Without `pages_show_list` the list is empty, and without `business_management` it lacks the pages on which the user
/// works through a business: neither is an error.
fn accounts<'s>(reader: &Reader<'s>) -> Edge<'s> {
    let (caller, world) = (reader.caller, reader.world);
    let is_user = matches!(caller.key, TokenKey::User(_));
    let pages = if is_user && caller.is_granted("pages_show_list") {
        world.spec().pages.len()
    } else {
        0
    };
    let all_through_business = caller.spec().is_some_and(|spec| spec.role_from_business);
    let sees_those_of_businesses = caller.is_granted("business_management");
    let is_through_business = move |page: usize| {
        let page = world.page(page);
        all_through_business || page.is_some_and(|page| page.client_business_id.is_some())
    };
    Edge::List(List {
        slots: 0..pages as u64,
        newest_first: false,
        item: Box::new(move |slot| {
            let page = usize::try_from(slot)
                .ok()
                .filter(|page| caller.reaches_page(*page))
                .filter(|page| sees_those_of_businesses || !is_through_business(*page))?;
            Some(Node::Page(page))
        }),
        default_limit: reader.rules().default_limit,
        max_limit: reader.rules().max_limit,
        style: Style::Links,
    })
}

fn permissions<'s>(reader: &Reader<'s>) -> Edge<'s> {
    let rows = reader.caller.permissions().into_iter().map(|permission| {
        let status = if reader.caller.is_granted(&permission) {
            "granted"
        } else {
            "declined"
        };
        let row = Row::default().with("permission", permission);
        Node::Row(row.with("status", status))
    });
    Edge::Rows(rows.collect())
}
