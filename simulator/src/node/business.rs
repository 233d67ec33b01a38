//! Businesses: another way to pages and accounts, for roles that were given through a business.
//!
//! Names of the edges: `business.py` of Meta's generated SDK (facebook-python-business-sdk). They list the same pages
//! and accounts that are read from elsewhere, and the same permissions are needed to be told anything about them.

use crate::error::{GraphError, Outcome};
use crate::reader::{Edge, List, Reader, Style};
use crate::spec::PageSpec;
use crate::world::Account;

use super::{Node, page};

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

/// The business that owns an account, with its page.
pub(super) fn of_account<'s>(reader: &Reader<'s>, account: Account<'s>) -> Option<Node<'s>> {
    let page = reader.world.page_of_account(account.index())?;
    let business = reader.world.spec().pages.get(page)?.business_id.as_deref();
    business.map(Node::Business)
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
    let numbers = |fits: &dyn Fn(&PageSpec) -> bool| -> Vec<usize> {
        let fitting = pages(reader).filter(|(_, page)| fits(page));
        fitting.map(|(number, _)| number).collect()
    };
    let (pages, are_pages) = match name {
        "owned_pages" => (numbers(&is_owned), true),
        "client_pages" => (numbers(&is_client), true),
        "instagram_business_accounts" | "owned_instagram_accounts" => (numbers(&is_owned), false),
        "client_instagram_accounts" => (numbers(&is_client), false),
        _ => return Ok(None),
    };
    require(reader)?;
    if are_pages {
        page::check_access(reader)?;
        return Ok(Some(list(
            reader,
            pages.into_iter().map(Node::Page).collect(),
        )));
    }
    let accounts = pages.into_iter();
    let accounts = accounts.filter_map(|page| reader.caller.account_of_page(page));
    Ok(Some(list(reader, accounts.map(Node::Account).collect())))
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
