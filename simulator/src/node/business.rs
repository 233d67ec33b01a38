//! Businesses: another way to pages and accounts, for roles that were given through a business.
//!
//! Names of the edges: `business.py` of Meta's generated SDK (facebook-python-business-sdk). What they list is told by
//! id and name alone here; everything else is read from the page or the account itself.

use crate::error::{GraphError, Outcome};
use crate::reader::{Edge, List, Reader, Style};
use crate::spec::PageSpec;

use super::{Node, Row};

const PERMISSION: &str = "business_management";

/// The business through which the tokens' users work on a page.
fn business_of(page: &PageSpec) -> Option<&str> {
    let client = page.client_business_id.as_deref();
    client.or(page.business_id.as_deref())
}

/// The pages that the caller reaches, with their numbers.
fn pages<'s>(reader: &Reader<'s>) -> impl Iterator<Item = (usize, &'s PageSpec)> {
    let caller = reader.caller;
    let pages = reader.world.spec().pages.iter().enumerate();
    pages.filter(move |(page, _)| caller.reaches_page(*page))
}

/// The businesses of the caller, each once, in the order of their pages.
fn businesses<'s>(reader: &Reader<'s>) -> Vec<&'s str> {
    let mut businesses = Vec::new();
    for business in pages(reader).filter_map(|(_, page)| business_of(page)) {
        if !businesses.contains(&business) {
            businesses.push(business);
        }
    }
    businesses
}

/// A business of the caller; those of other people look as if they did not exist.
pub(super) fn find<'s>(reader: &Reader<'s>, id: &str) -> Option<Node<'s>> {
    let found = businesses(reader).into_iter().find(|known| *known == id);
    found.map(Node::Business)
}

pub(super) fn write_field(
    reader: &mut Reader<'_>,
    business: &str,
    name: &str,
    key: &str,
) -> Outcome<bool> {
    require(reader)?;
    match name {
        "id" => reader.json.plain_member(key, business),
        "name" => reader
            .json
            .string_member(key, &format!("Business {business}")),
        _ => return Ok(false),
    }
    Ok(true)
}

/// `/me/businesses`
pub(super) fn of_user<'s>(reader: &Reader<'s>) -> Outcome<Edge<'s>> {
    require(reader)?;
    let nodes = businesses(reader).into_iter().map(Node::Business);
    Ok(list(reader, nodes.collect()))
}

pub(super) fn edge<'s>(
    reader: &Reader<'s>,
    business: &str,
    name: &str,
) -> Outcome<Option<Edge<'s>>> {
    let is_owned = |page: &PageSpec| page.business_id.as_deref() == Some(business);
    let is_client = |page: &PageSpec| page.client_business_id.as_deref() == Some(business);
    let nodes = match name {
        "owned_pages" => pages(reader)
            .filter(|(_, page)| is_owned(page))
            .map(|(_, page)| page_row(page))
            .collect(),
        "client_pages" => pages(reader)
            .filter(|(_, page)| is_client(page))
            .map(|(_, page)| page_row(page))
            .collect(),
        "instagram_business_accounts" => pages(reader)
            .filter(|(_, page)| is_owned(page))
            .filter_map(|(page, _)| account_row(reader, page))
            .collect(),
        _ => return Ok(None),
    };
    require(reader)?;
    Ok(Some(list(reader, nodes)))
}

/// Pages tell their name without being asked, as in `/me/accounts`.
fn page_row<'s>(page: &PageSpec) -> Node<'s> {
    let row = Row::default()
        .with("name", page.name.as_str())
        .with("id", page.id.as_str());
    Node::Row(row)
}

/// IG Users tell only their id without being asked.
fn account_row<'s>(reader: &Reader<'s>, page: usize) -> Option<Node<'s>> {
    let account = reader.world.account_of_page(page)?;
    let mut row = Row::knowing(&["name"]).with("username", account.username());
    if let Some(name) = account.name() {
        row = row.with("name", name);
    }
    Some(Node::Row(row.with("id", account.id()).by_default(&["id"])))
}

fn list<'s>(reader: &Reader<'s>, nodes: Vec<Node<'s>>) -> Edge<'s> {
    Edge::List(List {
        slots: 0..nodes.len() as u64,
        newest_first: false,
        item: Box::new(move |slot| nodes.get(usize::try_from(slot).ok()?).cloned()),
        default_limit: reader.rules().default_limit,
        max_limit: reader.rules().max_limit,
        style: Style::Links,
    })
}

/// The pages do not name the refusal; permissions that were not granted are 200 to 299.
fn require(reader: &Reader<'_>) -> Outcome<()> {
    if reader.caller.is_granted(PERMISSION) {
        Ok(())
    } else {
        Err(GraphError::requires(PERMISSION))
    }
}
