//! Who calls: token and proof.
//!
//! Meta's pages: "Debugging and errors" of access tokens, "Securing requests" (appsecret_proof).

use chrono::DateTime;
use chrono_tz::America::Los_Angeles;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{GraphError, Outcome};
use crate::node::{identify_app, is_exchange, user_needed};
use crate::rules::Rules;
use crate::world::{Identity, Revocation, TokenKey, World};

use super::Incoming;

/// The living token of a call.
pub(super) fn identify<'w>(world: &'w World, call: &Incoming, now: i64) -> Outcome<Identity<'w>> {
    if is_exchange(call) {
        return identify_app(world, call);
    }
    let Some(token) = &call.token else {
        let about_me = call.path.first().is_some_and(|first| first == "me");
        return Err(if about_me {
            user_needed()
        } else {
            GraphError::new(104, "An access token is required to request this resource.")
        });
    };
    let Some(caller) = world.identify(token) else {
        return Err(GraphError::new(
            190,
            "The access token could not be decrypted",
        ));
    };
    if let Some(dead) = why_dead(world, &caller, now) {
        return Err(dead);
    }
    check_proof(world, call, token, caller.key)?;
    Ok(caller)
}

/// Who calls with a known token, dead or alive, whether its proof fits or not.
pub(super) fn known<'w>(world: &'w World, call: &Incoming) -> Option<Identity<'w>> {
    if is_exchange(call) {
        return identify_app(world, call).ok();
    }
    world.identify(call.token.as_deref()?)
}

/// Why a known token is of no use any more.
pub(crate) fn why_dead(world: &World, token: &Identity<'_>, now: i64) -> Option<GraphError> {
    let rules = &world.spec().rules;
    let revocation = token
        .revocation()
        .map(|why| revoked(why, &world.spec().app.id, rules));
    revocation
        .or_else(|| without_role(token))
        .or_else(|| Some(expired(token.expired_at(now)?, now, rules)))
}

/// A page token dies with the role of its user on the page. The text is that of recorded answers.
fn without_role(token: &Identity<'_>) -> Option<GraphError> {
    let TokenKey::Page { page, .. } = token.key else {
        return None;
    };
    let text = "The user must be an administrator of the page in order to impersonate it.";
    (!token.has_role(page)).then(|| GraphError::new(190, text).subcode(492))
}

fn check_proof(world: &World, call: &Incoming, token: &str, key: TokenKey) -> Outcome<()> {
    let app = &world.spec().app;
    match &call.proof {
        Some(proof) if *proof != appsecret_proof(&app.secret, token) => Err(GraphError::new(
            100,
            "Invalid appsecret_proof provided in the API argument",
        )
        .kind("GraphMethodException")),
        None if app.require_proof && key != TokenKey::App => Err(GraphError::new(
            100,
            "API calls from the server require an appsecret_proof argument",
        )
        .kind("GraphMethodException")),
        _ => Ok(()),
    }
}

fn appsecret_proof(secret: &str, token: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(token.as_bytes());
    mac.finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn expired(expired_at: i64, now: i64, rules: &Rules) -> GraphError {
    let message = format!(
        "Error validating access token: Session has expired on {}. The current time is {}.",
        for_people(expired_at),
        for_people(now)
    );
    GraphError::new(190, message).subcode(rules.expired_token_subcode)
}

/// `Monday, 01-Dec-25 11:00:00 PST`, as recorded.
fn for_people(seconds: i64) -> String {
    let instant = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    instant
        .with_timezone(&Los_Angeles)
        .format("%A, %d-%b-%y %H:%M:%S %Z")
        .to_string()
}

fn revoked(why: Revocation, app: &str, rules: &Rules) -> GraphError {
    let (subcode, reason) = match why {
        Revocation::AppRemoved => (458, format!("The user has not authorized application {app}.")),
        Revocation::Checkpointed => {
            (459, "You cannot access the app till you log in to www.facebook.com and follow the instructions given.".to_owned())
        }
        Revocation::PasswordChanged => (
            rules.password_changed_subcode,
            "The session has been invalidated because the user changed their password or Facebook has changed the \
             session for security reasons."
                .to_owned(),
        ),
        Revocation::Unconfirmed => (464, "Sessions for the user are not allowed because the user is not a confirmed user.".to_owned()),
        Revocation::Invalid => (467, "This may be because the user logged out or may be due to a system error.".to_owned()),
    };
    GraphError::new(190, format!("Error validating access token: {reason}")).subcode(subcode)
}
