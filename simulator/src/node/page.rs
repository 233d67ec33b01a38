//! Facebook Pages.
//!
//! Meta's pages: "Page" reference, "Get Started" of the Instagram API with Facebook Login.

use crate::error::{GraphError, Outcome};
use crate::fields::Field;
use crate::reader::Reader;
use crate::world::TokenKey;

use super::Node;
use super::ig_user::optional;

/// A Page is read with `pages_show_list` or `pages_read_engagement`, by its id and through a business. `/me/accounts`
/// does not refuse: it is empty.
pub(crate) fn check_access(reader: &Reader<'_>) -> Outcome<()> {
    let permissions = ["pages_show_list", "pages_read_engagement"];
    let may_read = permissions
        .iter()
        .any(|permission| reader.caller.is_granted(permission));
    if may_read {
        Ok(())
    } else {
        Err(GraphError::page_permission())
    }
}

pub(super) fn write_field<'s>(
    reader: &mut Reader<'s>,
    page: usize,
    name: &str,
    key: &str,
    field: &Field,
) -> Outcome<bool> {
    let Some(spec) = reader.world.page(page) else {
        return Ok(false);
    };
    match name {
        "id" => reader.json.plain_member(key, &spec.id),
        "name" => reader.json.string_member(key, &spec.name),
        "category" => reader.json.string_member(key, &spec.category),
        "category_list" => {
            let json = &mut reader.json;
            json.key(key);
            json.open_array();
            json.open_object();
            json.plain_member("id", "2256");
            json.string_member("name", &spec.category);
            json.close_object();
            json.close_array();
        }
        "tasks" => {
            let tasks = reader.caller.tasks(page);
            reader.json.key(key);
            reader.json.open_array();
            for task in tasks {
                reader.json.string(&task);
            }
            reader.json.close_array();
        }
        "access_token" => {
            let token = match reader.caller.key {
                TokenKey::Page { .. } => reader.call.token.clone(),
                _ => reader.caller.page_token(page),
            };
            optional(reader, key, token.as_deref());
        }
        "has_transitioned_to_new_page_experience" => {
            reader.json.boolean_member(key, spec.new_page_experience);
        }
        "instagram_business_account" | "connected_instagram_account" => {
            if let Some(account) = reader.caller.account_of_page(page) {
                reader.json.key(key);
                reader.object(&Node::Account(account), field.selection.as_ref())?;
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}
