//! `/debug_token`: what a token is worth.
//!
//! Meta's page: "Access Token Debug" (…/docs/graph-api/reference/debug_token).

use serde_json::{Value, json};

use crate::error::{GraphError, Outcome};
use crate::reader::{Params, Reader};
use crate::server::why_dead;
use crate::spec::TokenKind;
use crate::world::{Identity, LONG_LIFE, TokenKey};

pub(crate) fn write(reader: &mut Reader<'_>) -> Outcome<()> {
    let params = Params(&reader.call.params);
    let Some(input) = params.get("input_token") else {
        return Err(GraphError::missing_parameter("input_token"));
    };
    let app = &reader.world.spec().app;
    let data = match reader.world.identify(input) {
        None => {
            json!({ "error": { "code": 190, "message": "The access token could not be decrypted" }, "is_valid": false, "scopes": [] })
        }
        Some(token) => inspected(reader, &token),
    };
    let mut data = data;
    data["app_id"] = Value::from(app.id.as_str());
    data["application"] = Value::from(app.name.as_str());
    reader.json.value(&json!({ "data": data }));
    Ok(())
}

fn inspected(reader: &Reader<'_>, token: &Identity<'_>) -> Value {
    let Some(spec) = token.spec() else {
        return json!({ "type": "APP", "is_valid": true, "scopes": [] });
    };
    let kind = match (token.key, spec.kind) {
        (TokenKey::Page { .. }, _) => "PAGE",
        (_, TokenKind::System) => "SYSTEM_USER",
        (_, TokenKind::User) => "USER",
    };
    let mut scopes = token.permissions();
    scopes.retain(|permission| token.is_granted(permission));
    let dead = why_dead(reader.world, token, reader.now);
    let targets = targets(reader, token);
    let granular: Vec<Value> = scopes
        .iter()
        .map(|scope| match &targets {
            Some(targets) if scope.starts_with("instagram_") => {
                json!({ "scope": scope, "target_ids": targets })
            }
            _ => json!({ "scope": scope }),
        })
        .collect();
    let mut data = json!({
        "type": kind,
        "data_access_expires_at": token.data_access_expires_at().unwrap_or(0),
        "expires_at": token.expires_at().unwrap_or(0),
        "is_valid": dead.is_none(),
        "issued_at": issued_at(reader, token),
        "scopes": scopes,
        "granular_scopes": granular,
        "user_id": spec.user_id,
    });
    if let TokenKey::Page { page, .. } = token.key {
        data["profile_id"] = reader
            .world
            .page(page)
            .map_or(Value::Null, |page| Value::from(page.id.as_str()));
    }
    if let Some(dead) = dead {
        data["error"] =
            json!({ "code": dead.code, "message": dead.message, "subcode": dead.subcode });
    }
    data
}

/// Tokens of the description were there a month before the epoch.
fn issued_at(reader: &Reader<'_>, token: &Identity<'_>) -> i64 {
    let exchanged_at = token
        .expires_at()
        .filter(|_| token.is_long_lived())
        .map(|expires_at| expires_at - LONG_LIFE);
    let made_at = exchanged_at.or_else(|| token.made_at());
    made_at.unwrap_or_else(|| reader.world.spec().epoch.timestamp() - 30 * 86_400)
}

/// Accounts to which Instagram permissions are restricted; nothing when they hold for all.
fn targets(reader: &Reader<'_>, token: &Identity<'_>) -> Option<Vec<String>> {
    let pages = 0..reader.world.spec().pages.len();
    let all_pages = pages.clone().all(|page| token.reaches_page(page));
    let all_accounts = token.spec()?.accounts.is_none();
    if all_pages && all_accounts {
        return None;
    }
    let reached = pages.filter(|page| token.reaches_page(*page));
    let accounts = reached.filter_map(|page| token.account_of_page(page));
    Some(accounts.map(|account| account.id().to_owned()).collect())
}
